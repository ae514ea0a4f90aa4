import stat
import tomllib

import pytest

from apimctl import config_file
from apimctl.errors import InvalidInputError


@pytest.fixture
def file(tmp_path):
    return tmp_path / "config.toml"


def test_values_are_text_by_key_as_a_person_would_write_them(file):
    file.write_text(
        "port = 1\n[gateway]\nhost = '::1'\nremove_oauth_headers = false\n"
        "[login_api]\ngrants = ['password', 'refresh_token']\n"
    )
    assert config_file.read(file) == {
        "port": "1",
        "gateway.host": "::1",
        "gateway.remove_oauth_headers": "false",
        "login_api.grants": "password,refresh_token",
    }


def test_no_file_has_no_values(file):
    assert config_file.read(file) == {}


@pytest.mark.parametrize(
    ("content", "said"), [(b"[gateway\n", "is not TOML"), (b"x = '\xff'\n", "is not UTF-8")]
)
def test_what_is_no_file_of_ours_is_neither_read_nor_written(file, content, said):
    file.write_bytes(content)
    for use in (config_file.read, lambda file: config_file.write(file, "gateway.port", 1)):
        with pytest.raises(InvalidInputError, match=said) as caught:
            use(file)
        assert str(file) in caught.value.message
        assert caught.value.hint
    assert file.read_bytes() == content


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(InvalidInputError, match="cannot be read: is a directory"):
        config_file.read(tmp_path)


def test_writing_keeps_comments_and_order(file):
    file.write_text("# mine\n[tokens]\nuser_validity = '1h' # short\n\n[gateway]\nport = 1\n")
    config_file.write(file, "gateway.port", 8281)
    config_file.write(file, "tokens.application_validity", "30d")
    assert file.read_text() == (
        "# mine\n[tokens]\nuser_validity = '1h' # short\n"
        'application_validity = "30d"\n\n[gateway]\nport = 8281\n'
    )


def test_writing_makes_the_file_for_its_owner_alone(tmp_path):
    file = tmp_path / "new" / "config.toml"
    config_file.write(file, "gateway.port", 1)
    assert tomllib.loads(file.read_text()) == {"gateway": {"port": 1}}
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert list(file.parent.iterdir()) == [file]


def test_writing_through_a_link_keeps_the_link(tmp_path):
    target, link = tmp_path / "dotfiles.toml", tmp_path / "config.toml"
    target.write_text("")
    link.symlink_to(target)
    config_file.write(link, "gateway.port", 1)
    assert link.is_symlink()
    assert tomllib.loads(target.read_text()) == {"gateway": {"port": 1}}


def test_a_removed_value_takes_its_empty_section_with_it(file):
    config_file.write(file, "gateway.port", 1)
    config_file.write(file, "tokens.user_validity", "1h")
    for key in ("gateway.port", "gateway.host", "magic.wand"):
        config_file.write(file, key, None)
    assert tomllib.loads(file.read_text()) == {"tokens": {"user_validity": "1h"}}


def test_a_value_outside_every_section_can_be_removed(file):
    file.write_text("port = 1\n[gateway]\nport = 2\n")
    config_file.write(file, "port", None)
    assert config_file.read(file) == {"gateway.port": "2"}


@pytest.mark.parametrize("content", ["gateway = 1\n", "[[gateway]]\nport = 1\n"])
def test_a_section_that_is_none_is_removed_before_it_is_written_to(file, content):
    file.write_text(content)
    with pytest.raises(InvalidInputError) as caught:
        config_file.write(file, "gateway.port", 8281)
    assert caught.value.hint == "apimctl config unset gateway"
    assert file.read_text() == content
    config_file.write(file, "gateway", None)
    config_file.write(file, "gateway.port", 8281)
    assert config_file.read(file) == {"gateway.port": "8281"}


def test_what_cannot_be_written_is_refused(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InvalidInputError) as caught:
        config_file.write(tmp_path / "file" / "config.toml", "gateway.port", 1)
    assert "cannot be" in caught.value.message
