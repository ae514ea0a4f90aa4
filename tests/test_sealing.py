import stat
from concurrent.futures import ThreadPoolExecutor

import pytest

from apimctl.errors import StoreUnreadableError
from apimctl.sealing import key_path, seal, unseal


def test_what_was_sealed_is_opened_for_the_same_purpose_only(tmp_path):
    store = tmp_path / "a.db"
    sealed = seal(store, "bind password é", purpose="userstore FOO.COM")
    assert "bind" not in sealed
    assert seal(store, "bind password é", purpose="userstore FOO.COM") != sealed
    assert unseal(store, sealed, purpose="userstore FOO.COM") == "bind password é"
    with pytest.raises(StoreUnreadableError):
        unseal(store, sealed, purpose="userstore BAR.COM")


def test_the_key_file_is_the_owners_alone(tmp_path):
    store = tmp_path / "a.db"
    seal(store, "x", purpose="y")
    assert stat.S_IMODE(key_path(store).stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["a.db.key"]


def test_processes_that_need_the_first_key_at_once_get_the_same(tmp_path):
    store = tmp_path / "a.db"
    with ThreadPoolExecutor(8) as pool:
        sealed = list(pool.map(lambda n: seal(store, str(n), purpose="p"), range(40)))
    assert [unseal(store, each, purpose="p") for each in sealed] == [str(n) for n in range(40)]


@pytest.mark.parametrize("damage", [lambda p: p.unlink(), lambda p: p.write_bytes(b"short")])
def test_a_key_file_that_is_gone_or_damaged_is_named(tmp_path, damage):
    store = tmp_path / "a.db"
    sealed = seal(store, "x", purpose="y")
    damage(key_path(store))
    with pytest.raises(StoreUnreadableError) as caught:
        unseal(store, sealed, purpose="y")
    assert "a.db.key" in caught.value.message


@pytest.mark.parametrize("text", ["", "x", "????", "AAAA", "A" * 80])
def test_what_was_never_sealed_is_refused(tmp_path, text):
    store = tmp_path / "a.db"
    seal(store, "x", purpose="y")
    with pytest.raises(StoreUnreadableError):
        unseal(store, text, purpose="y")
