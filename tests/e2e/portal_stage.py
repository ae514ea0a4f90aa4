"""One user with one of everything, and what fills in each form of the API Store well."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from tests.e2e.storefront import Shopper, Storefront

BOTH = {"password": "long enough", "repeated": "long enough"}
OWN_PLACES = ("{application}", "{session}")
"""What stands in the addresses of what is a user's own."""


@dataclass
class Stage:
    """What belongs to one user alone; made when a test comes to it, as most tests use it up."""

    storefront: Storefront
    has_password: bool = False
    """That is the name backwards; to make one is slow."""

    @cached_property
    def user(self) -> str:
        return self.storefront.market.name()

    @cached_property
    def made(self) -> dict[str, str]:
        """The places of addresses, and tokens, as the changer has made them."""
        market = self.storefront.market
        names = {name: market.name() for name in ("api", "spare", "app", "tier", "bare")}
        names["password"] = self.user[::-1] if self.has_password else None
        return market.changer("furnish", user=self.user, url=market.production_url, **names)

    def owner(self) -> Shopper:
        """A browser in which the user has logged in."""
        return Shopper(self.storefront.portal, {"apimctl": self.made["secret"]}, user=self.user)

    def fill(self, text: str, **places: str) -> str:
        """Return an address with the places in it filled in."""
        values = {**self.made, "key_type": "production", **places}
        return re.sub(r"\{(\w+)\}", lambda found: values[found[1]], text)


@dataclass(frozen=True)
class Sample:
    """How one form is sent well.

    `fields` is what is typed, with the names of what the stage has in braces; `page` is where the
    form stands, by default its own address or the nearest page above it. `to_a_stranger` is what
    others get for it, where the address alone does not say; None where they have one of their own.
    """

    fields: Mapping[str, str] = field(default_factory=dict)
    places: Mapping[str, str] = field(default_factory=dict)
    page: str = ""
    to_a_stranger: int | None = None
    prepare: Callable[[Stage], object] = lambda stage: None


def _set_api_state(stage: Stage, verb: str) -> None:
    stage.storefront.market.changer("change_api", name=stage.made["api"], to=verb)


_KEYS = "/store/subscriptions/{application}/{key_type}"
_API = "/store/admin/apis/{api}/{version}"
_USER = "/store/admin/users/{user}"

SAMPLES: Mapping[str, Sample] = {
    "/store/login": Sample({"username": "{username}", "password": "{backwards}"}),
    "/store/logout": Sample(page="/store/profile"),
    "/store/sign-up": Sample({"username": "{unused}", **BOTH}),
    "/store/profile/password": Sample({"current": "{backwards}", **BOTH}),
    "/store/profile/sessions/end": Sample(),
    "/store/profile/sessions/{session}/end": Sample(),
    "/store/apis/{name}/{version}": Sample({"application": "{application}"}, to_a_stranger=422),
    "/store/apis/{name}/{version}/try": Sample({"path": "/", "token": "{access_token}"}),
    "/store/applications/new": Sample({"name": "{unused}"}),
    "/store/applications/{application}": Sample({"name": "{unused}"}),
    "/store/applications/{application}/delete": Sample(),
    "/store/applications/{application}/tokens/{token}/revoke": Sample(),
    "/store/subscriptions/{application}/apis/{subscription}/tier": Sample({"tier": "Gold"}),
    "/store/subscriptions/{application}/apis/{subscription}/unsubscribe": Sample(),
    f"{_KEYS}/generate": Sample(places={"key_type": "sandbox"}),
    f"{_KEYS}/update": Sample({"domains": "example.com"}),
    f"{_KEYS}/regenerate": Sample(),
    f"{_KEYS}/rotate": Sample(),
    f"{_KEYS}/revoke": Sample(),
    f"{_KEYS}/delete": Sample(),
    "/store/tokens": Sample({"token": "{access_token}"}, to_a_stranger=422),
    "/store/tokens/renew": Sample({"token": "{refresh_token}"}, to_a_stranger=422),
    "/store/tokens/revoke": Sample({"token": "{access_token}"}, to_a_stranger=422),
    "/store/admin/users/new": Sample({"name": "{unused}"}),
    f"{_USER}/update": Sample({"roles": "reader"}),
    f"{_USER}/password": Sample(BOTH),
    f"{_USER}/sessions": Sample(),
    f"{_USER}/delete": Sample(places={"user": "{bare}"}),
    "/store/admin/applications/{application}/{subscription}/{verb}": Sample(
        places={"verb": "block"}
    ),
    f"{_API}/retire": Sample(prepare=lambda stage: _set_api_state(stage, "deprecate")),
    f"{_API}/{{verb}}": Sample(places={"verb": "block"}, page="/store/admin/apis?q={api}"),
    "/store/admin/tiers/new": Sample({"name": "{unused}", "requests": "7", "per": "1m"}),
    "/store/admin/tiers/{tier}/change": Sample({"requests": "7"}),
    "/store/admin/tiers/{tier}/delete": Sample(),
}
"""By the path of the route. A new form needs one here: what fills it in well, once."""
