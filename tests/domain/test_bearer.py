import pytest

from apimctl.domain import credentials
from apimctl.domain.admission import Presented
from apimctl.domain.bearer import may_hold_credential, read_authorization
from apimctl.domain.models import KeyType

OURS = credentials.encode(
    credentials.Kind.ACCESS_TOKEN, KeyType.SANDBOX, bytes(credentials.RANDOM_BYTES)
)
HOLDING = [
    [f"Bearer {OURS}"],
    [f"bearer  {OURS[:-1]}"],
    [OURS],
    [f"Token token={OURS}"],
    ["Basic eDp5", f"Bearer {OURS}"],
]
NOT_HOLDING = [[], [""], ["Basic eDp5"], ["Bearer of-the-backend"], ["Bearer apim", "Digest x=y"]]


@pytest.mark.parametrize("values", HOLDING)
def test_whatever_looks_like_ours_may_be_ours(values):
    assert may_hold_credential(values)


@pytest.mark.parametrize("values", NOT_HOLDING)
def test_anything_else_is_somebody_elses(values):
    assert not may_hold_credential(values)
    assert read_authorization(values)[0] is not Presented.TOKEN


def test_one_whole_access_token_is_presented():
    presented, credential = read_authorization([f"Bearer {OURS}"])
    assert (presented, credential.digest) == (Presented.TOKEN, credentials.digest(OURS))
    assert read_authorization([f"Bearer {OURS}"] * 2)[0] is Presented.UNREADABLE
