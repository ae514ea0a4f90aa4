"""The users of all user stores, and a new one."""

from sqlite3 import Connection

from apimctl.domain.models import User
from apimctl.domain.names import parse_roles
from apimctl.domain.userstores import UserStoreType
from apimctl.portal import passwords
from apimctl.portal.lists import Asked
from apimctl.portal.replies import Page, Redirect, Reply
from apimctl.portal.routes import Access, Post, Route
from apimctl.portal.tools import Tools
from apimctl.portal.visits import Visit
from apimctl.services import overview, users, userstores

PATH = "/store/admin/users"
NEW_PATH = f"{PATH}/new"


def path_of(user: User) -> str:
    """Return the address of a user's page."""
    return f"{PATH}/{user.id}"


def show_all(visit: Visit, db: Connection) -> Reply:
    """List the users, or those of one user store, or in whose names the search is found."""
    asked = Asked.of(visit)
    stores = userstores.list_all(db)
    domains = [store.domain for store in stores]
    domain = visit.query.get("store", "")
    part = overview.list_users(
        db, search=asked.q, userstore=domain if domain in domains else None, page=asked.page
    )
    return Page(
        "admin_users.html",
        {
            "part": part,
            "q": asked.q,
            "query": {name: text for name, text in (("q", asked.q), ("store", domain)) if text},
            "form": visit.form(PATH, store=domain),
            "has_directories": any(store.type is not UserStoreType.BUILT_IN for store in stores),
            "stores": [("", "All user stores"), *((domain, domain) for domain in domains)],
        },
    )


def show_new(visit: Visit, db: Connection) -> Reply:
    """Ask for a new user's name, password and roles."""
    stores = userstores.list_all(db)
    built_in = [store.domain for store in stores if store.type is UserStoreType.BUILT_IN]
    return Page("admin_user_new.html", {"form": visit.form(NEW_PATH), "domains": built_in[1:]})


async def prepare_new(tools: Tools, visit: Visit) -> str | None:
    """Return the hash of the password, None for none. Nobody waits for it in vain."""
    form = visit.submitted()
    if form.require("name", "Give the user a name"):
        await tools.read(lambda db: form.read("name", lambda name: users.check_is_free(db, name)))
    form.read("roles", parse_roles)
    passwords.check_new(form, is_optional=True)
    form.check()
    return await passwords.hash_new(tools, visit, form)


def create(visit: Visit, db: Connection) -> Reply:
    """Add a user. One without a password cannot log in."""
    form = visit.submitted()
    with form.blaming("name"):
        user = users.create(
            db,
            form.text("name"),
            password_hash=visit.prepared,
            roles=parse_roles(form.text("roles")),
            **visit.moment,
        )
    roles = list(users.roles_of(db, user))
    visit.audit(db, "user.create", user.qualified_name, roles=roles)
    return Redirect(path_of(user), done="user-created")


ROUTES = (
    Route(PATH, Access.ADMIN, show=show_all),
    Route(
        NEW_PATH,
        Access.ADMIN,
        show=show_new,
        post=Post(create, again=show_new, prepare=prepare_new),
    ),
)
