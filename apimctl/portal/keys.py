"""The forms of a key, on My Subscriptions: generate and, with that, show its secrets this once."""

from sqlite3 import Connection

from apimctl.domain.client_domains import parse_domains
from apimctl.domain.models import Application, KeyType
from apimctl.domain.validity import parse_validity
from apimctl.errors import NotFoundError
from apimctl.portal import subscriptions
from apimctl.portal.replies import Reply
from apimctl.portal.routes import Access, Post, Route
from apimctl.portal.subscriptions import Made
from apimctl.portal.visits import Visit
from apimctl.services import keys, storefront

PATH = f"{subscriptions.PATH}/{{application}}/{{key_type}}"


def generate(visit: Visit, db: Connection) -> Reply:
    """Make a key with its secret and a first access token."""
    application, key_type = _subject(visit, db)
    form = visit.submitted()
    domains = form.read("domains", parse_domains)
    validity = form.read("validity", _validity_or_default)
    form.check()
    made = keys.generate(
        db,
        application,
        key_type,
        allowed_domains=domains or (),
        validity_seconds=validity,
        settings=visit.settings.tokens,
        **visit.moment,
    )
    visit.audit(
        db,
        "key.generate",
        application.name,
        owner=application.owner,
        key_type=key_type,
        token=made.issued.token.id,
    )
    return subscriptions.show(
        visit,
        db,
        made=Made(
            key_type,
            "The key was generated",
            made.key.consumer_key,
            made.consumer_secret,
            made.issued.access_token,
            made.issued.token.expires_at,
        ),
    )


def _subject(visit: Visit, db: Connection) -> tuple[Application, KeyType]:
    """Return whose key of which type the address names. Raises NotFoundError."""
    application = storefront.require_application(db, visit.places["application"], owner=visit.user)
    name = visit.places["key_type"].upper()
    if name not in set(KeyType):
        raise NotFoundError("There is no such kind of key")
    return application, KeyType(name)


def _validity_or_default(text: str) -> int | None:
    """Return the validity, None for an empty text: as configured. Raises UsageError."""
    return parse_validity(text) if text else None


ROUTES = (
    Route(
        f"{PATH}/generate",
        Access.SUBSCRIBER,
        post=Post(generate, again=subscriptions.show),
    ),
)
