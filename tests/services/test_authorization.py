import pytest

from apimctl.domain.models import KeyType, TokenState
from apimctl.domain.scopes import DEFAULT_SCOPE
from apimctl.services import authorization
from tests.services.conftest import NOW


@pytest.fixture
def key(desk):
    return desk.generate(key_type=KeyType.PRODUCTION).key


@pytest.fixture
def alice(desk):
    return desk.user("alice")


@pytest.fixture
def issue(desk, key, alice):
    def issue(**changes):
        asked = {"redirect_uri": None, "code_challenge": None, "scope": DEFAULT_SCOPE}
        return authorization.issue_code(desk.db, key, alice, **(asked | changes), **desk.issuing)

    return issue


@pytest.fixture
def redeem(desk, key):
    def redeem(text, **changes):
        code = authorization.find_code(desk.db, text, consumer_key=key.consumer_key)
        options = {"scope": code.scope, "shorter_seconds": None, **desk.issuing} | changes
        return authorization.redeem(desk.db, key, code, **options)

    return redeem


def test_a_code_tells_what_it_is_and_only_its_digest_is_kept(desk, key, issue):
    text = issue(redirect_uri="https://shop.example/", code_challenge="c")
    assert text.startswith("apim_acp0_")
    assert text not in "\n".join(desk.db.iterdump())
    code = authorization.find_code(desk.db, text, consumer_key=key.consumer_key)
    assert (code.redirect_uri, code.code_challenge) == ("https://shop.example/", "c")
    assert (code.issued_at, code.expires_at, code.is_spent) == (NOW, NOW + 300, False)


def test_a_code_belongs_to_one_client(desk, issue, key):
    other = desk.generate(key_type=KeyType.SANDBOX).key
    text = issue()
    assert authorization.find_code(desk.db, text, consumer_key=other.consumer_key) is None
    for wrong in (text[:-1], "x", "", text.replace("_ac", "_rt")):
        assert authorization.find_code(desk.db, wrong, consumer_key=key.consumer_key) is None


def test_a_code_gives_tokens_of_its_user_once(desk, alice, issue, redeem):
    text = issue()
    issued = redeem(text)
    assert issued.token.user_id == alice.id
    assert issued.refresh_token
    assert desk.state(issued.access_token) is TokenState.ACTIVE
    renewed = desk.renew(issued.refresh_token).issued
    assert redeem(text) is None
    assert desk.state(renewed.access_token) is TokenState.REVOKED
    assert desk.db.execute("SELECT DISTINCT state FROM refresh_token ORDER BY 1").fetchall() == [
        ("INACTIVE",),
        ("REVOKED",),
    ]


def test_a_second_use_is_seen_after_the_code_is_over(desk, issue, redeem):
    text = issue()
    issued = redeem(text)
    desk.now += 300
    assert redeem(text) is None
    assert desk.state(issued.access_token) is TokenState.REVOKED


def test_a_code_lives_as_long_as_configured(desk, issue, redeem):
    desk.configure(code_validity_seconds=10)
    early, late = issue(), issue()
    desk.now += 9
    assert redeem(early)
    desk.now += 1
    assert redeem(late) is None


def test_codes_of_one_user_are_families_apart(desk, issue, redeem):
    first, second = issue(), issue()
    given, other = redeem(first), redeem(second)
    redeem(first)
    assert desk.state(given.access_token) is TokenState.REVOKED
    assert desk.state(other.access_token) is TokenState.ACTIVE
