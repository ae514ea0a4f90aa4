import base64
import json

import pytest
from hypothesis import given

from apimctl.domain import credentials, signed_tokens
from apimctl.domain.credentials import Credential, Kind
from apimctl.domain.models import KeyType
from apimctl.domain.signed_tokens import LONGEST, SignedToken, identifier_of, parse

from .strategies import any_text, deterministic

HEADER = signed_tokens.header("ES256", key_id="apim-0bb456ff9871a230")
CLAIMS = {"iss": "https://x.test", "jti": "A.4c0b7c8f5a1d2e3f", "key_type": "SANDBOX"}
SIGNATURE = "S" * 86


def encoded(part) -> str:
    raw = part if isinstance(part, bytes) else json.dumps(part, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def signed(claims, *, header=HEADER, signature=SIGNATURE):
    return f"{encoded(header)}.{encoded(claims)}.{signature}"


TOKEN = signed(CLAIMS)


def test_one_of_ours_tells_its_key_type_and_its_partition():
    assert parse(TOKEN) == SignedToken(KeyType.SANDBOX, "A")
    assert parse(signed(CLAIMS | {"jti": "0.4c0b7c8f5a1d2e3f"})).partition == "0"
    assert parse(signed(CLAIMS, signature="S" * 342))


def test_it_is_a_credential_like_any_access_token():
    digest = credentials.digest(TOKEN)
    assert credentials.parse(TOKEN) == Credential(Kind.ACCESS_TOKEN, KeyType.SANDBOX, "A", digest)


@pytest.mark.parametrize("algorithm", ["ES256", "RS256"])
def test_every_one_begins_alike(algorithm):
    header = signed_tokens.header(algorithm, key_id="apim-1")
    assert signed(CLAIMS, header=header).startswith(signed_tokens.PREFIX)
    assert header == {"kid": "apim-1", "alg": algorithm, "typ": "at+jwt"}


NOT_OURS = {
    "nothing": "",
    "another's": signed(CLAIMS, header={"alg": "ES256", "kid": "apim-1"}),
    "another's key": signed(CLAIMS, header={"kid": "their-1", "alg": "ES256"}),
    "too long": signed(CLAIMS | {"scope": "x" * LONGEST}),
    "no signature": signed(CLAIMS, signature=""),
    "a short signature": signed(CLAIMS, signature="S" * 85),
    "two parts": TOKEN.rpartition(".")[0],
    "four parts": f"{TOKEN}.x",
    "a space before": f" {TOKEN}",
    "a line end behind": f"{TOKEN}\n",
    "another alphabet": TOKEN[:-1] + "+",
    "letters beyond ASCII": TOKEN[:-1] + "\u00e9",
    "a lone surrogate": TOKEN[:-1] + "\udcff",
    "no JSON": signed(b'{"jti"'),
    "no object": signed([CLAIMS]),
    "no UTF-8": signed(b'{"jti":"\xff"}'),
    "deep": signed(b'{"a":' + b"[" * 2500),
    "no jti": signed({"key_type": "SANDBOX"}),
    "a number for jti": signed(CLAIMS | {"jti": 1}),
    "a jti without partition": signed(CLAIMS | {"jti": "4c0b7c8f5a1d2e3f"}),
    "another partition": signed(CLAIMS | {"jti": "a.4c0b7c8f5a1d2e3f"}),
    "no key type": signed({"jti": CLAIMS["jti"]}),
    "another key type": signed(CLAIMS | {"key_type": "TEST"}),
    "a list for key type": signed(CLAIMS | {"key_type": ["SANDBOX"]}),
}


@pytest.mark.parametrize("text", NOT_OURS.values(), ids=NOT_OURS)
def test_anything_else_is_none_of_ours(text):
    assert parse(text) is None
    assert credentials.parse(text) is None


@given(any_text)
@deterministic
def test_any_text_is_read_without_a_fault(text):
    for part in (text, f"{signed_tokens.PREFIX}{text}", f"{encoded(HEADER)}.eyJ{text}.{SIGNATURE}"):
        assert parse(part) is None


def test_a_jti_is_partition_and_id():
    assert signed_tokens.token_id("A", "4c0b7c8f5a1d2e3f") == CLAIMS["jti"]
    assert identifier_of(CLAIMS["jti"]) == identifier_of("4c0b7c8f5a1d2e3f") == "4c0b7c8f5a1d2e3f"
    assert identifier_of("x.y") == "x.y"
