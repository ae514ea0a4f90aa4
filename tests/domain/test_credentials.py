import hashlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apimctl.domain.credentials import (
    BASE_PARTITION,
    PATTERN,
    RANDOM_BYTES,
    Credential,
    Kind,
    digest,
    encode,
    hint,
    parse,
)
from apimctl.domain.models import KeyType

from .strategies import any_text, deterministic

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
TOKEN = encode(Kind.ACCESS_TOKEN, KeyType.PRODUCTION, bytes(range(100, 100 + RANDOM_BYTES)))

secrets = st.binary(min_size=RANDOM_BYTES, max_size=RANDOM_BYTES)
partitions = st.sampled_from(BASE_PARTITION + LETTERS)
credentials = st.builds(
    encode, st.sampled_from(Kind), st.sampled_from(KeyType), secrets, partition=partitions
)


@given(st.sampled_from(Kind), st.sampled_from(KeyType), secrets, partitions)
@deterministic
def test_a_credential_tells_what_it_was_made_as(kind, key_type, random_bytes, partition):
    text = encode(kind, key_type, random_bytes, partition=partition)
    assert parse(text) == Credential(kind, key_type, partition, digest(text))


@pytest.mark.parametrize(
    ("kind", "key_type", "partition", "prefix"),
    [
        (Kind.CONSUMER_KEY, KeyType.PRODUCTION, BASE_PARTITION, "apim_ckp0_"),
        (Kind.CONSUMER_SECRET, KeyType.PRODUCTION, BASE_PARTITION, "apim_csp0_"),
        (Kind.ACCESS_TOKEN, KeyType.SANDBOX, BASE_PARTITION, "apim_ats0_"),
        (Kind.ACCESS_TOKEN, KeyType.PRODUCTION, "A", "apim_atpA_"),
        (Kind.REFRESH_TOKEN, KeyType.SANDBOX, "Z", "apim_rtsZ_"),
    ],
)
def test_the_prefix_tells_kind_environment_and_partition(kind, key_type, partition, prefix):
    assert encode(kind, key_type, bytes(RANDOM_BYTES), partition=partition).startswith(prefix)


@pytest.mark.parametrize(
    ("byte", "text"),
    [
        (b"\x00", "apim_atp0_0000000000000000000000000000003FVJsL"),
        (b"\xff", "apim_atp0_A2kL32r9ku6HrcANr3ayRQDYSUT3Z10x06Ie"),
    ],
)
def test_credentials_of_earlier_versions_stay_readable(byte, text):
    assert encode(Kind.ACCESS_TOKEN, KeyType.PRODUCTION, byte * RANDOM_BYTES) == text
    assert parse(text)


def test_a_credential_holds_at_least_160_random_bits():
    assert RANDOM_BYTES * 8 >= 160


@pytest.mark.parametrize("count", [0, RANDOM_BYTES - 1, RANDOM_BYTES + 1])
def test_other_amounts_of_randomness_are_a_mistake_of_the_caller(count):
    with pytest.raises(ValueError, match="22 random bytes"):
        encode(Kind.ACCESS_TOKEN, KeyType.PRODUCTION, bytes(count))


@given(secrets, st.integers(0, RANDOM_BYTES * 8 - 1))
@deterministic
def test_every_random_bit_shows(random_bytes, bit):
    other = (int.from_bytes(random_bytes, "big") ^ 1 << bit).to_bytes(RANDOM_BYTES, "big")
    made = {encode(Kind.CONSUMER_KEY, KeyType.SANDBOX, each)[:-6] for each in (random_bytes, other)}
    assert len(made) == 2


@pytest.mark.parametrize("position", range(len(TOKEN)))
def test_one_mistyped_ascii_character_is_refused_wherever_it_is(position):
    for replacement in set(map(chr, range(128))) - {TOKEN[position]}:
        assert parse(TOKEN[:position] + replacement + TOKEN[position + 1 :]) is None


@given(credentials, st.integers(0, len(TOKEN) - 1), st.characters())
@deterministic
def test_one_mistyped_character_is_refused_in_every_credential(text, position, replacement):
    changed = text[:position] + replacement + text[position + 1 :]
    assert changed == text or parse(changed) is None


@given(credentials)
@deterministic
def test_the_pattern_finds_credentials_as_whole_words_of_one_safe_alphabet(text):
    assert re.fullmatch(r"[A-Za-z0-9_-]+", text)
    assert re.findall(rf"\b{PATTERN}\b", f'"token={text}", {text}x x{text} {text}.') == [text, text]


@pytest.mark.parametrize(
    "text",
    [
        "",
        TOKEN + "0",
        TOKEN + "\n",
        " " + TOKEN,
        TOKEN[:-1],
        TOKEN[1:],
        TOKEN * 2,
        TOKEN.lower(),
        TOKEN.swapcase(),
        TOKEN[:20] + TOKEN[21] + TOKEN[20] + TOKEN[22:],
        f"Bearer {TOKEN}",
        encode(Kind.ACCESS_TOKEN, KeyType.PRODUCTION, bytes(RANDOM_BYTES), partition="a"),
    ],
)
def test_what_only_looks_like_a_credential_is_refused(text):
    assert parse(text) is None


@given(any_text | st.from_regex(PATTERN) | st.from_regex(PATTERN, fullmatch=True))
@deterministic
def test_any_text_is_refused_or_matches_as_a_whole(text):
    assert parse(text) is None or re.fullmatch(PATTERN, text)


def test_the_store_keeps_a_digest_and_four_characters():
    assert digest(TOKEN) == hashlib.sha256(TOKEN.encode()).hexdigest()
    assert hint(TOKEN) == TOKEN[-4:]
