import os

import pytest

from apimctl import config
from apimctl.errors import InvalidInputError
from apimctl.portal.live_settings import LiveSettings


@pytest.fixture
def file(tmp_path):
    return tmp_path / "config.toml"


@pytest.fixture
def loads():
    return []


@pytest.fixture
def live(file, loads):
    def load():
        loads.append(None)
        return config.load({"config": str(file)}, environ={})

    settings = LiveSettings(load)
    settings()
    loads.clear()
    return settings


def test_settings_are_read_again_once_their_file_has_changed(live, loads, file):
    assert not live().portal.has_sign_up
    config.write(file, "portal.sign_up", "on")
    assert all(live().portal.has_sign_up for _ in range(3))
    assert len(loads) == 1
    config.write(file, "portal.sign_up", "off")
    assert not live().portal.has_sign_up
    file.unlink()
    assert live().portal.url is None
    assert len(loads) == 3


def test_a_file_that_is_written_over_is_another_one(live, file):
    config.write(file, "portal.url", "https://a.example")
    assert live().portal.url == "https://a.example"
    before = file.stat()
    with file.open("r+") as stream:
        stream.write(file.read_text().replace("//a", "//b"))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    assert live().portal.url == "https://b.example"


def test_a_file_that_cannot_be_read_changes_nothing_and_is_told_once(live, file, caplog):
    config.write(file, "portal.sign_up", "on")
    live()
    file.write_text("[portal\n")
    assert all(live().portal.has_sign_up for _ in range(3))
    (record,) = caplog.records
    assert "the settings stay as they were: the configuration file" in record.getMessage()
    file.write_text('[portal]\nurl = "https://a.example"\n')
    assert live().portal.url == "https://a.example"


def test_a_process_does_not_start_on_settings_it_cannot_read(file):
    file.write_text("[portal\n")
    with pytest.raises(InvalidInputError):
        LiveSettings(lambda: config.load({"config": str(file)}, environ={}))
