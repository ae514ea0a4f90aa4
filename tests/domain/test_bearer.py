import pytest

from apimctl.domain import credentials, signed_tokens
from apimctl.domain.bearer import may_hold_credential, presented_token, recognise
from apimctl.domain.models import KeyType

OURS = credentials.encode(
    credentials.Kind.ACCESS_TOKEN, KeyType.SANDBOX, bytes(credentials.RANDOM_BYTES)
)
JWT = f"{signed_tokens.PREFIX}LTAx.eyJqdGkiOiIw"
FOREIGN_JWT = "eyJhbGciOiJFUzI1NiJ9.eyJqdGkiOiIw.c2lnbmF0dXJl"
HOLDING = [
    [f"Bearer {JWT}"],
    [f"Bearer {OURS}"],
    [f"bearer  {OURS[:-1]}"],
    [OURS],
    [f"Token token={OURS}"],
    ["Basic eDp5", f"Bearer {OURS}"],
]
NOT_HOLDING = [
    [],
    [""],
    ["Basic eDp5"],
    ["Bearer of-the-backend"],
    [f"Bearer {FOREIGN_JWT}"],
    ["Bearer apim", "Digest x=y"],
]


@pytest.mark.parametrize("values", HOLDING)
def test_whatever_looks_like_ours_may_be_ours(values):
    assert may_hold_credential(values)


@pytest.mark.parametrize("values", NOT_HOLDING)
def test_anything_else_is_somebody_elses(values):
    assert not may_hold_credential(values)
    assert recognise(presented_token(values) or "") is None


PRESENTED = {
    (): None,
    ("Basic eDp5",): None,
    (OURS,): None,
    (f"Bearer {OURS}",): OURS,
    (f" bearer   {OURS} ",): OURS,
    ("Bearer of-the-backend",): "of-the-backend",
    ("Bearer \udcff",): "\udcff",
    ("Bearer",): "",
    (f"Bearer {OURS}",) * 2: "",
    ("Basic eDp5", f"Bearer {OURS}"): "",
}


@pytest.mark.parametrize(("values", "text"), PRESENTED.items(), ids=range(len(PRESENTED)))
def test_what_is_presented_for_a_token(values, text):
    assert presented_token(values) == text


def test_an_access_token_is_whole_and_no_other_kind():
    secret = credentials.encode(
        credentials.Kind.CONSUMER_SECRET, KeyType.SANDBOX, bytes(credentials.RANDOM_BYTES)
    )
    assert recognise(OURS).digest == credentials.digest(OURS)
    assert not any(map(recognise, ("", OURS[:-1], f"{OURS} ", f"{OURS}\udcff", secret)))


@pytest.mark.parametrize("partition", ["0", "A", "Z"])
def test_an_access_token_says_in_which_partition_it_is(partition):
    text = credentials.encode(
        credentials.Kind.ACCESS_TOKEN, KeyType.SANDBOX, bytes(22), partition=partition
    )
    assert recognise(text).partition == partition
