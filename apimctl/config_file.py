"""The configuration file: TOML, replaced whole or not at all."""

import contextlib
import os
import tempfile
import tomllib
from pathlib import Path

from apimctl.errors import InvalidInputError


def read(file: Path) -> dict[str, str]:
    """Return the values as text by key (``gateway.port``); nothing where there is no file.

    Raises InvalidInputError.
    """
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except UnicodeDecodeError:
        raise InvalidInputError(
            f"the configuration file {file} is not UTF-8", hint="Save it as UTF-8."
        ) from None
    except OSError as error:
        raise InvalidInputError(
            f"the configuration file {file} cannot be read: {(error.strerror or '').lower()}",
            hint="Name another with --config, or mend the rights of this one.",
        ) from None
    except tomllib.TOMLDecodeError as error:
        raise InvalidInputError(
            f"the configuration file {file} is not TOML: {error}", hint="Mend that line."
        ) from None
    found: dict[str, str] = {}
    for section, values in content.items():
        if isinstance(values, dict):
            found |= {f"{section}.{name}": _as_text(value) for name, value in values.items()}
        else:
            found[section] = _as_text(values)
    return found


def write(file: Path, key: str, value: str | int | None) -> None:
    """Set a key, or remove it (None); comments and order stay. Raises InvalidInputError."""
    import tomlkit  # noqa: PLC0415 - only `config set` writes the file

    read(file)
    document = tomlkit.parse(file.read_text(encoding="utf-8") if file.exists() else "")
    section, _, name = key.rpartition(".")
    table = document.setdefault(section, tomlkit.table()) if section else document
    if not isinstance(table, dict):
        raise InvalidInputError(
            f"{section} is no section in the configuration file {file}",
            hint=f"apimctl config unset {section}",
        )
    if value is not None:
        table[name] = value
    else:
        table.pop(name, None)
    if section and not table:
        document.pop(section)
    _replace(file, tomlkit.dumps(document))


def _as_text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return ",".join(str(item) for item in value)
    return str(value)


def _replace(file: Path, text: str) -> None:
    try:
        file = file.resolve()  # a link stays one
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
                stream.write(text)
            Path(temporary).replace(file)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                Path(temporary).unlink()
            raise
    except OSError as error:
        raise InvalidInputError(
            f"the configuration file {file} cannot be written: {(error.strerror or '').lower()}",
            hint="Name another with --config, or mend the rights of this one.",
        ) from None
