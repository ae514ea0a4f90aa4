import base64
from dataclasses import replace
from urllib.parse import quote

import pytest
from authlib.oauth2.rfc6749 import InvalidRequestError

from apimctl.domain.models import GrantType
from apimctl.edge.login.clients import ClientRefusedError, authenticate, find_client
from apimctl.services import keys
from tests.conftest import NOW


@pytest.fixture
def client(shop):
    return shop.generated.key.consumer_key, shop.generated.consumer_secret


def basic(name, secret, scheme="Basic"):
    return [f"{scheme} {base64.b64encode(f'{name}:{secret}'.encode()).decode()}"]


def in_body(name, secret):
    return {"client_id": name, "client_secret": secret}


@pytest.fixture
def ask(store):
    def ask(authorization=(), form=(), now=NOW):
        with store.reading() as db:
            return authenticate(db, authorization=authorization, form=dict(form), now=now)

    return ask


def over_encoded(text):
    return quote(text, safe="").replace("_", "%5F")


def test_every_way_to_send_the_credentials_leads_to_the_key(shop, client, ask):
    key = shop.generated.key
    assert ask(basic(*client)) == key
    assert ask(basic(*client, scheme="bAsIc")) == key
    assert ask(basic(*client, scheme="Basic  ")) == key
    assert ask(basic(*map(over_encoded, client))) == key
    assert ask(form=in_body(*client)) == key
    assert ask(basic(*client), {"client_id": client[0]}) == key


def test_credentials_hold_nothing_that_form_encoding_changes(client):
    assert [quote(part, safe="") for part in client] == list(client)


def test_two_ways_at_once_are_no_way(client, ask):
    for authorization, form in (
        (basic(*client), in_body(*client)),
        (basic(*client), {"client_secret": client[1]}),
        (basic(*client) * 2, {}),
        (basic(*client), {"client_id": "another"}),
    ):
        with pytest.raises(InvalidRequestError):
            ask(authorization, form)


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Basic",
        "Basic ",
        "Basic *",
        "Basic YQ",
        "Basic /////w==",
        "Basic bm8gY29sb24=",
        "Basic Og==",
        "Basic \u00e9",
        "Basic \udcff",
        "Bearer abc",
    ],
)
def test_credentials_that_cannot_be_read_are_refused(shop, ask, authorization):
    with pytest.raises(ClientRefusedError):
        ask([authorization])


def test_wrong_credentials_are_refused(client, ask):
    name, secret = client
    for wrong in ((name, secret + "x"), (name, ""), (name + "x", secret), (secret, name), ("", "")):
        with pytest.raises(ClientRefusedError, match="wrong"):
            ask(basic(*wrong))
    for form in ({}, {"client_id": name}, {"client_secret": secret}, in_body(name, "wrong")):
        with pytest.raises(ClientRefusedError):
            ask(form=form)


def test_a_refusal_is_401_with_one_challenge():
    status, content, headers = ClientRefusedError("why")()
    assert (status, content["error"]) == (401, "invalid_client")
    challenges = [value for name, value in headers if name.lower() == "www-authenticate"]
    assert challenges == ['Basic realm="apimctl"']


def test_an_old_secret_is_good_until_its_grace_is_over(shop, store, client, ask):
    with store.transaction() as db:
        new = keys.rotate(db, shop.generated.key, grace_seconds=60, **shop.made)
    name, old = client
    assert ask(basic(name, new)) == shop.generated.key
    assert ask(basic(name, old), now=NOW + 59) == shop.generated.key
    with pytest.raises(ClientRefusedError):
        ask(basic(name, old), now=NOW + 60)
    assert ask(basic(name, new), now=NOW + 60) == shop.generated.key


def test_a_client_may_use_the_grants_it_has(shop, store):
    with store.reading() as db:
        client = find_client(db, shop.generated.key, frozenset({"password", "refresh_token"}))
        assert find_client(db, None, frozenset(GrantType)) is None
    assert client.check_grant_type("password")
    assert not client.check_grant_type("client_credentials")
    assert not client.check_grant_type("anything")
    assert not client.check_endpoint_auth_method("none", "token")
    public = replace(client, application=replace(client.application, is_public=True))
    assert public.check_endpoint_auth_method("none", "token")
    assert public.check_grant_type("refresh_token")
    assert not public.check_grant_type("password")
