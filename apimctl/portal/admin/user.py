"""One user: the name, the roles, a new password, the browsers, and the end."""

from sqlite3 import Connection

from apimctl.domain.models import ADMIN, User
from apimctl.domain.names import parse_roles
from apimctl.domain.userstores import UserStoreType
from apimctl.errors import ConflictError
from apimctl.portal import confirmation, passwords
from apimctl.portal.admin import users as all_users
from apimctl.portal.admin.users import path_of
from apimctl.portal.replies import Page, Redirect, Reply
from apimctl.portal.routes import Access, Post, Route
from apimctl.portal.tools import Tools
from apimctl.portal.visits import Visit, fingerprint
from apimctl.services import applications, sessions, users, userstores
from apimctl.services.shapes import changes, user_shape

PATH = f"{all_users.PATH}/{{user}}"


def show(visit: Visit, db: Connection) -> Reply:
    """Show a user, with what can be changed."""
    user = _subject(visit, db)
    here = path_of(user)
    roles = users.roles_of(db, user)
    return Page(
        "admin_user.html",
        {
            "user": user,
            "here": here,
            "is_in_directory": _is_in_directory(db, user),
            "is_self": user.id == visit.user.id,
            "keeps_name": user.qualified_name == ADMIN,
            "sessions": len(sessions.list_of(db, user, now=visit.now)),
            "owned": applications.count_owned(db, user),
            "seen": _seen(db, user),
            "form": visit.form(f"{here}/update", name=user.name, roles=", ".join(roles)),
            "password_form": visit.form(f"{here}/password"),
        },
    )


def lead_back(visit: Visit, db: Connection) -> Reply:
    """Lead from the address of a form to the page that shows it. Raises NotFoundError."""
    return Redirect(path_of(_subject(visit, db)))


def update(visit: Visit, db: Connection) -> Reply:
    """Give the user another name and other roles. Applications and tokens stay.

    Nobody stops being an administrator by their own hand.
    """
    user = _seen_subject(visit, db)
    before = user_shape(user, users.roles_of(db, user))
    form = visit.submitted()
    roles = form.read("roles", parse_roles) or ()
    name = form.text("name", user.name)
    if not _keeps_name(db, user):
        name = form.require("name", "Give the user a name")
    form.check()
    if name != user.name:
        with form.blaming("name"):
            user = users.rename(db, user.qualified_name, name)
    if ADMIN not in roles:
        with form.blaming("roles"):
            users.check_is_another(user, by=visit.user, what="take the role admin from")
    users.set_roles(db, user, roles)
    changed = changes(before, user_shape(user, users.roles_of(db, user)))
    if not changed:
        return Redirect(path_of(user), done="unchanged")
    visit.audit(db, "user.update", before["name"], **changed)
    return Redirect(path_of(user), done="user-updated")


async def prepare_password(tools: Tools, visit: Visit) -> str | None:
    """Return the hash of the new password."""
    form = visit.submitted()
    passwords.check_new(form)
    form.check()
    await tools.read(lambda db: _require_password_here(visit, db))
    return await passwords.hash_new(tools, visit, form)


def set_password(visit: Visit, db: Connection) -> Reply:
    """Set a new password, and log the user out of every browser. Tokens stay."""
    user = _seen_subject(visit, db)
    _require_password_here(visit, db)
    users.set_password_hash(db, user.qualified_name, visit.prepared)
    visit.audit(db, "user.password", user.qualified_name)
    return Redirect(path_of(user), done="password-set")


def end_sessions(visit: Visit, db: Connection) -> Reply:
    """Log the user out of every browser."""
    user = _subject(visit, db)
    ended = sessions.end_all(db, user)
    if ended:
        visit.audit(db, "session.end", user.qualified_name, sessions=ended)
    return Redirect(path_of(user), done="user-logged-out")


def ask_delete(visit: Visit, db: Connection) -> Reply:
    """Ask whether the user is to go."""
    user = _subject(visit, db)
    says = ["Tokens that were issued to the user stop with the next request, sessions end at once."]
    if _is_in_directory(db, user):
        says.append(
            f"The directory of {user.userstore} keeps the user: the next log-in makes the user"
            " known here again, without the roles given here."
        )
    return confirmation.ask(
        f"Delete the user {user.qualified_name}?",
        says=says,
        button="Delete user",
        back=path_of(user),
        seen=_seen(db, user),
    )


def delete(visit: Visit, db: Connection) -> Reply:
    """Delete a user who owns no applications."""
    user = _seen_subject(visit, db)
    users.check_is_another(user, by=visit.user, what="delete")
    users.delete(db, user.qualified_name)
    visit.audit(db, "user.delete", user.qualified_name)
    return Redirect(all_users.PATH, done="user-deleted")


def _subject(visit: Visit, db: Connection) -> User:
    """Return whom the address names. Raises NotFoundError."""
    return users.require_by_id(db, visit.places["user"])


def _seen_subject(visit: Visit, db: Connection) -> User:
    """Return whom the address names, as the page showed the user. Raises ConflictError, too."""
    user = _subject(visit, db)
    visit.require_seen(_seen(db, user))
    return user


def _seen(db: Connection, user: User) -> str:
    return fingerprint(user, user.password_hash, users.roles_of(db, user))


def _keeps_name(db: Connection, user: User) -> bool:
    return user.qualified_name == ADMIN or _is_in_directory(db, user)


def _is_in_directory(db: Connection, user: User) -> bool:
    return userstores.require(db, user.userstore).type is not UserStoreType.BUILT_IN


def _require_password_here(visit: Visit, db: Connection) -> None:
    user = _subject(visit, db)
    if user.id == visit.user.id:
        raise ConflictError(
            "this is you", hint="Your profile sets a new password, and asks for the current one."
        )
    users.require_password_here(db, user.qualified_name)


ROUTES = (
    Route(PATH, Access.ADMIN, show=show),
    Route(f"{PATH}/update", Access.ADMIN, show=lead_back, post=Post(update, again=show)),
    Route(
        f"{PATH}/password",
        Access.ADMIN,
        show=lead_back,
        post=Post(set_password, again=show, prepare=prepare_password),
    ),
    Route(f"{PATH}/sessions", Access.ADMIN, show=lead_back, post=Post(end_sessions, again=show)),
    Route(f"{PATH}/delete", Access.ADMIN, show=ask_delete, post=Post(delete, again=ask_delete)),
)
