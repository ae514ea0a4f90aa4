import os

import pytest

from apimctl import config
from apimctl.errors import InvalidInputError
from apimctl.serving.live_settings import LiveSettings


@pytest.fixture
def file(tmp_path):
    return tmp_path / "config.toml"


@pytest.fixture
def loads():
    """What was loaded so far."""
    return []


@pytest.fixture
def settings(file, loads):
    def load():
        loads.append(config.load({"db": "none.db", "config": str(file)}, environ={}))
        return loads[-1]

    return LiveSettings(load)


def test_they_are_read_again_only_when_their_file_is_another_one(settings, file, loads):
    assert settings().portal.port == settings().portal.port == 9443
    read_before = len(loads)
    config.write(file, "portal.port", "9444")
    assert settings().portal.port == settings().portal.port == 9444
    assert len(loads) == read_before + 1
    file.unlink()
    assert settings().portal.port == 9443


def test_what_cannot_be_read_leaves_the_old_ones_and_is_said_once(settings, file, caplog):
    config.write(file, "portal.port", "9444")
    settings()
    for text in ("[portal", "[portal]\nport = 99999\n", "[portal]\nprot = 1\n"):
        file.write_text(text)
        assert settings().portal.port == settings().portal.port == 9444
    assert [record.message.split(":")[0] for record in caplog.records] == [
        "the settings stay as they are"
    ] * 3


def test_a_change_between_the_first_reading_and_the_first_request_counts(settings, file):
    config.write(file, "portal.port", "9444")
    assert settings().portal.port == 9444


def test_they_are_read_again_when_told_so(settings, file, loads):
    settings.reload()
    assert len(loads) == 2


def test_there_have_to_be_some_to_begin_with(file):
    file.write_text("[portal")
    with pytest.raises(InvalidInputError):
        LiveSettings(lambda: config.load({"config": str(file)}, environ=os.environ))
