import os
from pathlib import Path

import pytest

from apimctl import config
from apimctl.config_table import DEFINITIONS
from apimctl.domain.models import GrantType, Introspection
from apimctl.domain.validity import NEVER
from apimctl.errors import ApimctlError, InvalidInputError, NotFoundError, UsageError


@pytest.fixture
def file(tmp_path):
    return tmp_path / "config.toml"


@pytest.fixture
def load(file):
    def load(environ=None, **flags):
        named = {key.replace("__", "."): value for key, value in flags.items()}
        return config.load({"config": str(file), "db": "x.db", **named}, environ=environ or {})

    return load


def origins(settings):
    return {row.key: row.origin for row in settings.rows}


def test_the_defaults_are_those_of_the_specification(load):
    settings = load()
    signing = config.SigningSettings(None, "http://127.0.0.1:8280", Path("x.db"))
    assert settings.tokens == config.TokenSettings(3600, 3600, 86_400, 0, 300, signing=signing)
    assert (settings.gateway.host, settings.gateway.port) == ("127.0.0.1", 8280)
    assert settings.gateway.client_domain_header == "domain"
    assert settings.gateway.remove_oauth_headers
    assert settings.login_api.grants == set(GrantType)
    assert settings.login_api.introspection is Introspection.OWN
    assert set(origins(settings).values()) == {"default", "flag --db"}


def test_a_flag_beats_the_environment_beats_the_file_beats_the_default(load, file):
    assert load().gateway.port == 8280
    file.write_text("[gateway]\nport = 1\n")
    assert load().gateway.port == 1
    environ = {"APIMCTL_GATEWAY_PORT": "2"}
    assert load(environ).gateway.port == 2
    assert load(environ, gateway__port="3").gateway.port == 3


def test_each_value_knows_its_origin(load, file):
    file.write_text("[gateway]\nhost = '::1'\nport = 1\n")
    settings = load({"APIMCTL_TOKENS_USER_VALIDITY": "1h"}, gateway__port="3")
    found = origins(settings)
    assert found["gateway.port"] == "flag --port"
    assert found["gateway.host"] == f"file {file}"
    assert found["tokens.user_validity"] == "environment APIMCTL_TOKENS_USER_VALIDITY"
    assert found["gateway.drain"] == "default"
    assert config.find(settings, "gateway.host").value == "::1"


def test_tls_is_off_unless_a_port_is_named(load):
    plain = load().gateway
    assert (plain.tls_port, plain.certificate, plain.private_key) == (None, None, None)
    settings = load(gateway__tls_port="8243", gateway__certificate="~/a", gateway__private_key="b")
    assert settings.gateway.tls_port == 8243
    assert settings.gateway.certificate == Path.home() / "a"
    found = origins(settings)
    assert found["gateway.tls_port"] == "flag --tls-port"
    assert found["gateway.certificate"] == "flag --cert"
    assert found["gateway.private_key"] == "flag --key"


def test_an_empty_variable_is_none(load):
    assert load({"APIMCTL_GATEWAY_PORT": ""}).gateway.port == 8280


def test_every_setting_is_listed_with_a_description(load):
    rows = load().rows
    assert [row.key for row in rows] == ["db", *DEFINITIONS]
    assert all(row.description for row in rows)


@pytest.mark.parametrize(
    ("flags", "environ", "path", "origin"),
    [
        ({"db": "/flag.db"}, {"APIMCTL_DB": "/env.db"}, "/flag.db", "flag --db"),
        ({}, {"APIMCTL_DB": "/env.db"}, "/env.db", "environment APIMCTL_DB"),
        ({}, {"APIMCTL_DB": "~/env.db"}, "{home}/env.db", "environment APIMCTL_DB"),
        ({}, {}, "{home}/.local/share/apimctl/apimctl.db", "default"),
    ],
)
def test_the_store_is_named_by_flag_or_environment(flags, environ, path, origin):
    settings = config.load(flags, environ=environ)
    assert str(settings.store_path) == path.format(home=os.environ["HOME"])
    assert origins(settings)["db"] == origin


def test_the_file_is_at_the_xdg_place_unless_named(monkeypatch):
    home = os.environ["HOME"]
    assert str(config.load({}, environ={}).file) == f"{home}/.config/apimctl/config.toml"
    named = config.load({}, environ={"APIMCTL_CONFIG": "/env.toml"})
    assert str(named.file) == "/env.toml"
    monkeypatch.setenv("XDG_CONFIG_HOME", f"{home}/xdg")
    assert str(config.load({}, environ={}).file) == f"{home}/xdg/apimctl/config.toml"


def test_a_list_and_a_switch_may_be_written_as_toml_has_them(load, file):
    file.write_text(
        "[gateway]\nremove_oauth_headers = false\n"
        "[login_api]\ngrants = ['password', 'refresh_token']\n"
    )
    settings = load()
    assert not settings.gateway.remove_oauth_headers
    assert settings.login_api.grants == {GrantType.PASSWORD, GrantType.REFRESH_TOKEN}


@pytest.mark.parametrize("text", ["never", "-1", "-3600"])
def test_a_validity_may_be_never(load, file, text):
    config.write(file, "tokens.application_validity", text)
    assert load().tokens.application_validity_seconds == NEVER


BAD_VALUES = [
    ("gateway.port", "http", InvalidInputError),
    ("gateway.port", "65536", InvalidInputError),
    ("gateway.port", "-1", InvalidInputError),
    ("gateway.port", "٨٠", InvalidInputError),
    ("gateway.port", "9" * 5000, InvalidInputError),
    ("gateway.tls_port", "on", InvalidInputError),
    ("gateway.tls_port", "65536", InvalidInputError),
    ("gateway.admin_port", "on", InvalidInputError),
    ("gateway.workers", "0", InvalidInputError),
    ("gateway.workers", "257", InvalidInputError),
    ("gateway.workers", "all", InvalidInputError),
    ("gateway.certificate", "a\0b", InvalidInputError),
    ("gateway.host", "a b", InvalidInputError),
    ("gateway.host", "http://localhost", InvalidInputError),
    ("gateway.host", "", InvalidInputError),
    ("gateway.client_domain_header", "a b", InvalidInputError),
    ("gateway.client_domain_header", "x:y", InvalidInputError),
    ("gateway.client_domain_header", "x\r\ny", InvalidInputError),
    ("gateway.client_domain_header", "", InvalidInputError),
    ("gateway.remove_oauth_headers", "perhaps", InvalidInputError),
    ("gateway.circuit_failures", "0", InvalidInputError),
    ("gateway.circuit_failures", "9" * 5000, InvalidInputError),
    ("gateway.drain", "never", UsageError),
    ("tokens.application_validity", "0", UsageError),
    ("tokens.user_validity", "1.5", UsageError),
    ("tokens.refresh_validity", "101000d", UsageError),
    ("tokens.timestamp_skew", "never", UsageError),
    ("login_api.grants", "", InvalidInputError),
    ("login_api.grants", "password,magic", InvalidInputError),
    ("login_api.introspection", "all", InvalidInputError),
]


@pytest.mark.parametrize(("key", "value", "error"), BAD_VALUES)
def test_a_bad_value_is_refused_and_the_file_stays(file, key, value, error):
    file.write_text("# mine\n")
    with pytest.raises(error) as caught:
        config.write(file, key, value)
    assert caught.value.hint
    assert file.read_text() == "# mine\n"


def test_a_bad_value_in_the_environment_names_the_variable(load):
    with pytest.raises(InvalidInputError, match=r"^gateway.port \(environment APIMCTL_GATEWAY_P"):
        load({"APIMCTL_GATEWAY_PORT": "http"})


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"[gateway\n", "is not TOML"),
        (b"[gateway]\nprot = 1\n", "there is no setting 'gateway.prot'"),
        (b"port = 1\n", "there is no setting 'port'"),
        (b"[gateway]\nport = 'x'\n", "gateway.port (file "),
        (b"[gateway]\nport = {a = 1}\n", "gateway.port (file "),
        (b"[gateway]\nhost = '\xff'\n", "is not UTF-8"),
    ],
)
def test_a_bad_file_is_refused_by_name(load, file, content, said):
    file.write_bytes(content)
    with pytest.raises(ApimctlError) as caught:
        load()
    assert caught.value.exit_code == 6
    assert said in caught.value.message
    assert str(file) in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize(
    ("key", "hint"),
    [
        ("gateway.prot", "Did you mean gateway.port?"),
        ("zzz", "apimctl config list shows them all."),
        ("db", "Name it with --db, or in the environment as APIMCTL_DB."),
    ],
)
def test_an_unknown_key_is_not_found_and_a_near_one_suggested(file, key, hint):
    with pytest.raises(NotFoundError) as caught:
        config.write(file, key, "1")
    assert caught.value.hint == hint
    assert not file.exists()


def test_the_access_log_is_off_unless_a_format_is_named(load):
    gateway = load().gateway
    assert (gateway.access_log, gateway.access_log_file, gateway.admin_port) == (None, None, 8281)
    gateway = load(gateway__access_log="json", gateway__access_log_file="~/a.log").gateway
    assert (gateway.access_log, gateway.access_log_file) == ("json", Path.home() / "a.log")
    assert load(gateway__access_log="off").gateway.access_log is None
    with pytest.raises(InvalidInputError, match=r"gateway\.access_log \(flag --access-log\)"):
        load(gateway__access_log="JSON")


@pytest.mark.parametrize(
    "text",
    [
        "x",
        "ftp://a.example",
        "https://",
        "https://a.example?x",
        "https://a.example/#y",
        "https://user:word@a.example",
        "https://a.example:port",
        "https://a.example/lo gin",
        "https://a.example\n",
    ],
)
def test_what_is_not_the_url_of_an_issuer_is_refused(text):
    with pytest.raises(InvalidInputError):
        config.check("login_api.issuer", text)


def test_an_issuer_has_no_slash_at_its_end(tmp_path):
    environ = {"HOME": str(tmp_path), "APIMCTL_LOGIN_API_ISSUER": "https://a.example/login/"}
    settings = config.load({}, environ=environ)
    assert settings.login_api.issuer == "https://a.example/login"
