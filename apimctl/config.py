"""Settings: flag, then environment, then file, then default; each value knows its origin.

The file is TOML (``[gateway]`` / ``port = 8280``), at the XDG place unless named otherwise. Every
setting has an environment variable: ``gateway.port`` is ``APIMCTL_GATEWAY_PORT``. SPEC section 8.
"""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from apimctl import config_file
from apimctl.config_table import DEFINITIONS
from apimctl.config_values import Networks
from apimctl.domain.models import GrantType, Introspection
from apimctl.errors import ApimctlError, InvalidInputError, NotFoundError


@dataclass(frozen=True, slots=True)
class GatewaySettings:
    """How the gateway listens and forwards. Lengths in seconds, sizes in bytes, 0 for no limit.

    `workers` is None for as many as there are processors to use.
    """

    host: str
    port: int
    tls_port: int | None
    admin_port: int | None
    workers: int | None
    certificate: Path | None
    private_key: Path | None
    client_domain_header: str
    remove_oauth_headers: bool
    connect_timeout_seconds: int
    backend_timeout_seconds: int
    circuit_failures: int
    circuit_open_seconds: int
    request_body_limit: int
    body_timeout_seconds: int
    header_timeout_seconds: int
    trusted_proxies: Networks
    drain_seconds: int
    access_log: str | None
    access_log_file: Path | None


@dataclass(frozen=True, slots=True)
class SigningSettings:
    """Whom JWT access tokens name as their issuer, and the store whose key signs them.

    `issuer` is None for a gateway that runs, and where none does, for `gateway_url`. Without a
    `store_path` the key is one that is kept nowhere, as a dry run needs it.
    """

    issuer: str | None = None
    gateway_url: str = ""
    store_path: Path | None = None


@dataclass(frozen=True, slots=True)
class TokenSettings:
    """How long tokens live that are issued from now on, where they are kept, how they are signed.

    Lengths in seconds, `NEVER` for never. `partitions` has the letter of each user store that has
    one, by its domain in upper case; `signing` is for those that are JWTs.
    """

    application_validity_seconds: int
    user_validity_seconds: int
    refresh_validity_seconds: int
    timestamp_skew_seconds: int
    code_validity_seconds: int
    signing: SigningSettings = SigningSettings()
    partitions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class UpkeepSettings:
    """How long what is over is kept. Lengths in seconds, `NEVER` for never thrown away."""

    purge_after_seconds: int
    audit_retention_seconds: int


@dataclass(frozen=True, slots=True)
class LoginApiSettings:
    """What the Login API accepts and tells.

    `issuer` is the URL it is known by, None for the one it is called by.
    """

    grants: frozenset[GrantType]
    issuer: str | None
    introspection: Introspection


@dataclass(frozen=True, slots=True)
class PortalSettings:
    """Where the API Store listens, and what it shows.

    `url` is None for the one that browsers ask, `gateway_url` for that of a gateway that runs.
    """

    host: str
    port: int
    url: str | None
    gateway_url: str | None
    has_sign_up: bool


@dataclass(frozen=True, slots=True)
class Setting:
    """One row of `config list`: a key, its value as text, and where that came from."""

    key: str
    value: str
    origin: str
    description: str


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings of one process."""

    store_path: Path
    file: Path
    gateway: GatewaySettings
    tokens: TokenSettings
    upkeep: UpkeepSettings
    login_api: LoginApiSettings
    portal: PortalSettings
    rows: tuple[Setting, ...]


DB_VARIABLE = "APIMCTL_DB"
CONFIG_VARIABLE = "APIMCTL_CONFIG"


def load(flags: Mapping[str, str], *, environ: Mapping[str, str]) -> Settings:
    """Return the settings of a process that was given these flags.

    `flags` are settings by key, and ``db`` and ``config`` for the two paths. Raises
    InvalidInputError, naming the origin of what is wrong; UsageError for a length of time.
    """
    file = file_path(flags, environ)
    from_file = config_file.read(file)
    for key in from_file:
        try:
            require_key(key)
        except NotFoundError as error:
            raise InvalidInputError(f"{error.message} (file {file})", hint=error.hint) from None
    rows = []
    values = {}
    for key, definition in DEFINITIONS.items():
        text, origin = _value_and_origin(key, flags, environ, from_file, file)
        values[key] = _parsed(key, text, origin)
        rows.append(Setting(key, text, origin, definition.description))
    store, origin = store_path(flags, environ)
    rows.insert(0, Setting("db", str(store), origin, "The store"))
    return Settings(
        store_path=store,
        file=file,
        gateway=GatewaySettings(
            host=values["gateway.host"],
            port=values["gateway.port"],
            tls_port=values["gateway.tls_port"],
            admin_port=values["gateway.admin_port"],
            workers=values["gateway.workers"],
            certificate=values["gateway.certificate"],
            private_key=values["gateway.private_key"],
            client_domain_header=values["gateway.client_domain_header"],
            remove_oauth_headers=values["gateway.remove_oauth_headers"],
            connect_timeout_seconds=values["gateway.connect_timeout"],
            backend_timeout_seconds=values["gateway.backend_timeout"],
            circuit_failures=values["gateway.circuit_failures"],
            circuit_open_seconds=values["gateway.circuit_open"],
            request_body_limit=values["gateway.request_body_limit"],
            body_timeout_seconds=values["gateway.body_timeout"],
            header_timeout_seconds=values["gateway.header_timeout"],
            trusted_proxies=values["gateway.trusted_proxies"],
            drain_seconds=values["gateway.drain"],
            access_log=values["gateway.access_log"],
            access_log_file=values["gateway.access_log_file"],
        ),
        tokens=TokenSettings(
            application_validity_seconds=values["tokens.application_validity"],
            user_validity_seconds=values["tokens.user_validity"],
            refresh_validity_seconds=values["tokens.refresh_validity"],
            timestamp_skew_seconds=values["tokens.timestamp_skew"],
            code_validity_seconds=values["tokens.code_validity"],
            signing=SigningSettings(
                issuer=values["login_api.issuer"],
                gateway_url=_url(values["gateway.host"], values["gateway.port"]),
                store_path=store,
            ),
            partitions=values["tokens.partitions"],
        ),
        upkeep=UpkeepSettings(
            purge_after_seconds=values["tokens.purge_after"],
            audit_retention_seconds=values["audit.retention"],
        ),
        login_api=LoginApiSettings(
            grants=values["login_api.grants"],
            issuer=values["login_api.issuer"],
            introspection=values["login_api.introspection"],
        ),
        portal=PortalSettings(
            host=values["portal.host"],
            port=values["portal.port"],
            url=values["portal.url"],
            gateway_url=values["portal.gateway_url"],
            has_sign_up=values["portal.sign_up"],
        ),
        rows=tuple(rows),
    )


def check(key: str, value: str) -> str | int:
    """Return the value as it stands in the file: a number where it is one, else text.

    Raises NotFoundError for an unknown key, InvalidInputError for a value it cannot have,
    UsageError for a length of time that is none.
    """
    require_key(key)
    parsed = DEFINITIONS[key].parse(value)
    return parsed if isinstance(parsed, int) and str(parsed) == value else value


def write(file: Path, key: str, value: str | None) -> None:
    """Set a key in the file, or remove it (None), which may be one that no setting has.

    Raises as `check`, and NotFoundError for a key that is neither a setting nor in the file.
    """
    config_file.write(file, key, rehearse(file, key, value))


def rehearse(file: Path, key: str, value: str | None) -> str | int | None:
    """Return what `write` would write, and write nothing. Raises as `write`."""
    if value is not None:
        return check(key, value)
    if key not in config_file.read(file):
        require_key(key)
    return None


def find(settings: Settings, key: str) -> Setting:
    """Return one row of the settings. Raises NotFoundError."""
    for row in settings.rows:
        if row.key == key:
            return row
    require_key(key)
    raise AssertionError(key)


def require_key(key: str) -> None:
    """Raise NotFoundError if there is no such setting."""
    if key == "db":
        raise NotFoundError(
            "where the store is, is not a setting of the file",
            hint=f"Name it with --db, or in the environment as {DB_VARIABLE}.",
        )
    if key not in DEFINITIONS:
        near = difflib.get_close_matches(key, DEFINITIONS, n=1)
        raise NotFoundError(
            f"there is no setting {key!r}",
            hint=f"Did you mean {near[0]}?" if near else "apimctl config list shows them all.",
        )


def _url(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _value_and_origin(
    key: str,
    flags: Mapping[str, str],
    environ: Mapping[str, str],
    from_file: Mapping[str, str],
    file: Path,
) -> tuple[str, str]:
    variable = f"APIMCTL_{key.upper().replace('.', '_')}"
    if key in flags:
        return flags[key], f"flag --{DEFINITIONS[key].flag or key.rpartition('.')[2]}"
    if environ.get(variable):
        return environ[variable], f"environment {variable}"
    if key in from_file:
        return from_file[key], f"file {file}"
    return DEFINITIONS[key].default, "default"


def _parsed(key: str, text: str, origin: str) -> Any:
    try:
        return DEFINITIONS[key].parse(text)
    except ApimctlError as error:
        raise type(error)(f"{key} ({origin}): {error.message}", hint=error.hint) from None


def store_path(flags: Mapping[str, str], environ: Mapping[str, str]) -> tuple[Path, str]:
    """Return where the store is, and what says so."""
    if flags.get("db"):
        return Path(flags["db"]).expanduser(), "flag --db"
    if environ.get(DB_VARIABLE):
        return Path(environ[DB_VARIABLE]).expanduser(), f"environment {DB_VARIABLE}"
    from platformdirs import user_data_path  # noqa: PLC0415 - a named store needs no default

    return user_data_path("apimctl") / "apimctl.db", "default"


def file_path(flags: Mapping[str, str], environ: Mapping[str, str]) -> Path:
    """Return where the configuration file is, or would be."""
    named = flags.get("config") or environ.get(CONFIG_VARIABLE)
    if named:
        return Path(named).expanduser()
    from platformdirs import user_config_path  # noqa: PLC0415 - a named file needs no default

    return user_config_path("apimctl") / "config.toml"
