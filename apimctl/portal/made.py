"""What was made just now: secrets that are shown this once, and command lines that use them."""

from dataclasses import dataclass, field
from sqlite3 import Connection

from apimctl.domain.models import Application, GrantType, Key
from apimctl.portal import curl, gateway
from apimctl.portal.visits import Visit
from apimctl.services import applications, storefront
from apimctl.services.storefront import Sample
from apimctl.services.tokens import IssuedToken


@dataclass(frozen=True, slots=True)
class Made:
    """A key, or what is new about one. None is what was not made, or cannot be shown.

    `call` and `ask_for_token` are command lines, for `sample` and for another token; `domain` is
    one that the key allows, empty where it allows all.
    """

    title: str
    note: str
    key: Key
    consumer_secret: str | None = field(repr=False)
    issued: IssuedToken | None
    sample: Sample | None
    domain: str
    call: str | None = field(repr=False)
    ask_for_token: str | None = field(repr=False)
    is_tls: bool
    has_new_key: bool


def describe(
    visit: Visit,
    db: Connection,
    application: Application,
    key: Key,
    *,
    title: str,
    note: str,
    consumer_secret: str | None = None,
    issued: IssuedToken | None = None,
    has_new_key: bool = False,
) -> Made:
    """Return what a page says of it."""
    url = gateway.url_for(visit, db)
    sample = storefront.find_sample(db, application, key.key_type) if issued else None
    domain = curl.client_domain(key.allowed_domains[0]) if key.allowed_domains else ""
    call = ask_for_token = None
    if sample is not None and issued is not None:
        headers = {visit.settings.gateway.client_domain_header: domain} if domain else {}
        call = curl.call(url, sample, access_token=issued.access_token, headers=headers)
    may_ask = applications.may_use(
        application, GrantType.CLIENT_CREDENTIALS, allowed=visit.settings.login_api.grants
    )
    if consumer_secret is not None and may_ask:
        ask_for_token = curl.ask_for_token(
            url, consumer_key=key.consumer_key, consumer_secret=consumer_secret
        )
    return Made(
        title=title,
        note=note,
        key=key,
        consumer_secret=consumer_secret,
        issued=issued,
        sample=sample,
        domain=domain,
        call=call,
        ask_for_token=ask_for_token,
        is_tls=url.startswith("https:"),
        has_new_key=has_new_key,
    )
