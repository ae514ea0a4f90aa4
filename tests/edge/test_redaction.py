import random
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apimctl.domain import credentials, signed_tokens
from apimctl.domain.credentials import Kind
from apimctl.domain.models import KeyType
from apimctl.edge.redaction import REDACTED, SECRET_PARAMETERS, redact
from tests.domain.strategies import deterministic

TOKEN = credentials.encode(
    Kind.ACCESS_TOKEN, KeyType.PRODUCTION, random.Random(1).randbytes(credentials.RANDOM_BYTES)
)
DIGITS = TOKEN.rpartition("_")[2]
credential_texts = st.builds(
    credentials.encode,
    st.sampled_from(Kind),
    st.sampled_from(KeyType),
    st.binary(min_size=credentials.RANDOM_BYTES, max_size=credentials.RANDOM_BYTES),
    partition=st.sampled_from("0AZ"),
)


def encoded(text: str) -> str:
    return "".join(f"%{ord(character):02x}" for character in text)


@deterministic
@given(credential_texts)
def test_every_credential_is_found_wherever_it_stands(text):
    for around in ("{}", "/a/{}/b", "/a?{}", "/a?x={}&y=1", "/a?x=1&{}=2", "Agent/1 ({})", "x{}"):
        redacted = redact(around.format(text))
        assert text.rpartition("_")[2] not in redacted
        assert REDACTED in redacted


@pytest.mark.parametrize(
    "text",
    [
        TOKEN[:-1],
        TOKEN[:20],
        TOKEN + "x",
        TOKEN.swapcase(),
        TOKEN.replace("apim_", "apin_"),
        TOKEN.replace("apim_", "pim_"),
        TOKEN.replace("apim_", ""),
        TOKEN.replace("atp0_", "atq0_"),
        TOKEN.replace("atp0_", "atp0-"),
        TOKEN[:12] + "!" + TOKEN[13:],
        DIGITS,
        f"Bearer {TOKEN}",
        f"Bearer%20{TOKEN}",
        TOKEN.replace("_", "%5f"),
        TOKEN.replace("_", "%255F"),
        quote(quote(encoded(TOKEN[:9]))) + TOKEN[9:],
        encoded(TOKEN),
    ],
)
def test_one_that_is_mistyped_or_encoded_is_found_as_well(text):
    redacted = redact(f"/a/{text}/b?c=d")
    assert DIGITS[:12] not in redacted
    assert encoded(DIGITS[:12]) not in redacted
    assert DIGITS[-12:] not in redacted
    assert redacted.startswith("/a/")
    assert redacted.endswith("/b?c=d")


HEADER, CLAIMS, SIGNATURE = (
    f"{signed_tokens.PREFIX}LTBiYjQ1NmZmOTg3MWEyMzAiLCJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCJ9",
    "eyJpc3MiOiJodHRwczovL2xvZ2luLnRlc3QiLCJqdGkiOiIwLjRjMGI3YzhmNWExZDJlM2YifQ",
    "cC7Lg62bFRT7WFNZ6soWHGOJ_Ix0jIxRjgh-iTZ-AiLUSrSCqcV6eep_IGumRcTHYSP2CDi3ZPECkEM9G-gZ0A",
)
JWT = f"{HEADER}.{CLAIMS}.{SIGNATURE}"


@pytest.mark.parametrize(
    "text",
    [
        JWT,
        JWT[1:],
        JWT[:-1],
        JWT.swapcase(),
        f"{HEADER}.{CLAIMS}",
        JWT.replace(".", "%2e"),
        JWT.replace(".", "%252E"),
        encoded(JWT),
        quote(encoded(JWT)),
    ],
)
def test_a_jwt_is_found_whole_or_in_part(text):
    assert redact(f"/a/{text}/b?c=d") == f"/a/{REDACTED}/b?c=d"


@pytest.mark.parametrize("text", ["a" * 20_000, "%41" * 7_000, "eyJ" * 7_000, "a.-" * 7_000])
def test_looking_for_them_takes_no_longer_than_the_text_is(text):
    assert redact(f"/{text}") in {f"/{text}", f"/{REDACTED}"}


@pytest.mark.parametrize("name", SECRET_PARAMETERS)
def test_secret_parameters_lose_their_value_whatever_it_is(name):
    assert redact(f"/a?x=1&{name}=hunter2;/?#&y=2") == f"/a?x=1&{name}={REDACTED}&y=2"
    assert redact(f"/a?{name.upper()}=hunter2") == f"/a?{name.upper()}={REDACTED}"
    assert "hunter2" not in redact(f"/a?{encoded(name)}=hunter2")
    assert "hunter2" not in redact(f"/a?{quote(encoded(name))}%3Dhunter2")
    assert "hunter2" not in redact(f"/a;{name}=hunter2/b")
    assert "hunter2" not in redact(f"/a?x=1;{name}=hunter2")
    assert "hunter2" not in redact(f"https://example.com/#{name}=hunter2")
    assert "hunter2" not in redact(f"{name}=hunter2")
    assert "hunter2" not in redact(f"agent ({name}=hunter2)")
    assert "hunter2" not in redact(f"/a?user[{name}]=hunter2")
    for times in range(3):
        inner = f"/b?x=1&{name}=hunter2"
        for _ in range(times):
            inner = quote(inner, safe="")
        assert "hunter2" not in redact(f"/a?next={inner}")


@pytest.mark.parametrize(
    "text",
    [
        "/twitter/1.0.0/search.json?q=cat&page=2",
        "/a?zip_code=10115&x-token=1&tokens=3&passwords=no&encode=1",
        "/a/0f8fad5b-d9cb-469f-a165-70867728950e",
        "/a/0af7651916cd43dd8448eb211c80319c",
        "/a/da39a3ee5e6b4b0d3255bfef95601890afd80709",
        "/lib/jquery-3.7.1.min.js",
        "/a-long-name-of-something.another-long-name.x",
        "Mozilla/5.0 (X11; Linux x86_64; rv:109.0) Gecko/20100101 Firefox/115.0",
        "/a?%zz&=&&;",
        "",
    ],
)
def test_anything_else_stays_as_it_is(text):
    assert redact(text) == text


@deterministic
@given(st.text(alphabet="apim_%5fF=&?tokencde0", max_size=40))
def test_what_was_redacted_has_nothing_left_to_redact(text):
    assert redact(redact(text)) == redact(text)
