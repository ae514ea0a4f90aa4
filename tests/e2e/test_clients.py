"""OAuth clients that are not ours, over TLS, at the running gateway: what each of them can do."""

from dataclasses import dataclass, replace

import pytest

from tests.binary import Cli
from tests.e2e.clients.node import installed_packages, running_client
from tests.e2e.clients.python import Authlib, RequestsOauthlib
from tests.e2e.clients.site import RefusedError, Site
from tests.e2e.market import Stall, running_market
from tests.e2e.tls import line, own_certificate
from tests.e2e.visitor import Visitor

CALLBACK = "https://client.example/back"
SCRIPTS = {"openid-client": "openid_client.mjs", "simple-oauth2": "simple_oauth2.mjs"}
PYTHON = {"requests-oauthlib": RequestsOauthlib, "Authlib": Authlib}
ALL = [*PYTHON, *SCRIPTS]
WITH_METADATA = ["Authlib", "openid-client"]
PUBLIC = ["requests-oauthlib, public", "Authlib, public", "openid-client, public"]
"""Those that can do without a secret."""


@dataclass
class Shop:
    """A gateway that clients know by its https URL, and an application whose tokens are JWTs."""

    stall: Stall
    url: str
    user: str
    site: Site
    public_site: Site

    def allow(self, address: str) -> str:
        """Return where the browser of a user is sent who logs in at this address and allows it."""
        assert address.startswith(f"{self.url}/authorize?")
        visitor = Visitor(self.stall.market.gateway)
        visitor.visit(address.removeprefix(self.url))
        visitor.log_in(self.user)
        visitor.decide("allow")
        return visitor.location

    @property
    def address(self) -> str:
        return f"{self.url}/{self.stall.name}/1.0.0/x"


@pytest.fixture(scope="module")
def shop(tmp_path_factory, backend, sandbox_backend):
    cli = Cli(tmp_path_factory.mktemp("clients"))
    with running_market(cli, backend, sandbox_backend, "--tls-port", "0") as market:
        url = line(market.gateway, "and with TLS")[0].replace("127.0.0.1", "localhost")
        market.changer("configure", file=str(cli.config), key="login_api.issuer", value=url)
        stall = market.stall()
        stall.change("update_app", name=stall.name, token_format="jwt", callback_urls=[CALLBACK])
        site = Site(url, own_certificate(cli), *stall.client, CALLBACK)
        public = market.name()
        form = {"token_format": "jwt", "callback_urls": [CALLBACK], "is_public": True}
        market.changer("create_app", name=public, **form)
        market.changer("subscribe", app=public, api=stall.name)
        made = market.changer("generate", app=public)
        public_site = replace(site, id=made["consumer_key"], secret=None)
        yield Shop(stall, url, market.user(), site, public_site)


@pytest.fixture(scope="module")
def packages():
    return installed_packages()


@pytest.fixture(scope="module")
def client(request, shop, tmp_path_factory):
    """Return the client of that name, with a secret or without one."""
    name, _, public = request.param.partition(", ")
    site = shop.public_site if public else shop.site
    if name in PYTHON:
        yield PYTHON[name](site)
        return
    folder = tmp_path_factory.mktemp("client")
    packages = request.getfixturevalue("packages")
    with running_client(SCRIPTS[name], packages, folder, site) as running:
        yield running


def everybody(names=ALL):
    return pytest.mark.parametrize("client", names, indirect=True, scope="module")


@everybody()
def test_client_credentials(client, shop):
    tokens = client.client_credentials()
    assert client.call(tokens=tokens, url=shop.address) == 200
    assert "refresh_token" not in tokens
    assert (tokens["token_type"].lower(), tokens["expires_in"]) == ("bearer", 3600)


@everybody()
def test_a_scope_that_is_unknown(client):
    with pytest.raises(RefusedError, match=r"^invalid_scope$"):
        client.client_credentials(scope="everything")


@everybody()
def test_password(client, shop):
    tokens = client.password(username=shop.user, password=shop.user[::-1])
    assert client.call(tokens=tokens, url=shop.address) == 200
    with pytest.raises(RefusedError, match=r"^invalid_grant$"):
        client.password(username=shop.user, password="wrong")


@everybody()
def test_refresh(client, shop):
    old = client.password(username=shop.user, password=shop.user[::-1])
    new = client.refresh(tokens=old)
    assert new["refresh_token"] != old["refresh_token"]
    assert client.call(tokens=old, url=shop.address) == 401
    assert client.call(tokens=new, url=shop.address) == 200
    with pytest.raises(RefusedError, match=r"^invalid_grant$"):
        client.refresh(tokens=old)
    # A refresh token that was used twice ends all that descend from it (RFC 9700).
    assert client.call(tokens=new, url=shop.address) == 401


@everybody()
@pytest.mark.parametrize("which", ["access_token", "refresh_token"])
def test_revoke(client, shop, which):
    tokens = client.password(username=shop.user, password=shop.user[::-1])
    client.revoke(tokens=tokens, which=which)
    assert client.call(tokens=tokens, url=shop.address) == 401
    with pytest.raises(RefusedError, match=r"^invalid_grant$"):
        client.refresh(tokens=tokens)


@everybody([*ALL, *PUBLIC])
def test_authorization_code_with_pkce(client, shop):
    callback = shop.allow(client.authorize())
    tokens = client.exchange(callback=callback)
    assert client.call(tokens=tokens, url=shop.address) == 200
    renewed = client.refresh(tokens=tokens)
    assert client.call(tokens=tokens, url=shop.address) == 401
    assert client.call(tokens=renewed, url=shop.address) == 200
    # A code that is used twice ends what the first use gave.
    with pytest.raises(RefusedError, match=r"^invalid_grant$"):
        client.exchange(callback=callback)
    assert client.call(tokens=renewed, url=shop.address) == 401


@everybody(PUBLIC)
def test_a_client_without_secret_revokes(client, shop):
    tokens = client.exchange(callback=shop.allow(client.authorize()))
    client.revoke(tokens=tokens, which="refresh_token")
    assert client.call(tokens=tokens, url=shop.address) == 401


@everybody(WITH_METADATA)
def test_introspect(client, shop):
    tokens = client.password(username=shop.user, password=shop.user[::-1])
    for which in ("access_token", "refresh_token"):
        told = client.introspect(token=tokens[which])
        assert (told["active"], told["username"], told["iss"]) == (True, shop.user, shop.url)
    client.revoke(tokens=tokens, which="access_token")
    for which in ("access_token", "refresh_token"):
        assert client.introspect(token=tokens[which]) == {"active": False}


@everybody(WITH_METADATA)
def test_metadata(client, shop):
    metadata = client.metadata()
    assert metadata["issuer"] == shop.url
    endpoints = {name: url for name, url in metadata.items() if name.endswith(("endpoint", "uri"))}
    assert endpoints.keys() >= {
        *("token_endpoint", "revocation_endpoint", "introspection_endpoint", "jwks_uri"),
    }
    assert all(url.startswith(shop.url) for url in endpoints.values())


@everybody(WITH_METADATA)
def test_a_resource_server_verifies_a_jwt(client, shop):
    own = client.verify(token=client.client_credentials()["access_token"])
    assert (own["iss"], own["sub"]) == (shop.url, shop.site.id)
    tokens = client.password(username=shop.user, password=shop.user[::-1])
    assert client.verify(token=tokens["access_token"])["sub"] == shop.user
