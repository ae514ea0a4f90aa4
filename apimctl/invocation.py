"""One run of the command: its flags, its settings, its store, its voice.

Everything a command needs of the world comes from here, and is made when it is first asked for.
"""

import contextlib
import dataclasses
import getpass
import math
import os
import pwd
import secrets
import sys
import time
from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any

from apimctl.domain.models import Actor, Via
from apimctl.errors import ApimctlError, DeniedError, InvalidInputError, UsageError
from apimctl.output import Format, Output, Record, tell

if TYPE_CHECKING:
    from sqlite3 import Connection

    from apimctl.config import Settings
    from apimctl.domain.models import AccessToken, RefreshToken
    from apimctl.store import Store

LONGEST_SECRET_BYTES = 64 * 1024


class Invocation:
    """What the command line was, and what follows from it."""

    def __init__(self) -> None:
        self.flags: dict[str, Any] = {}
        self.random = secrets.token_bytes

    @cached_property
    def now(self) -> int:
        """The moment of this run, in UTC epoch seconds, rounded up.

        So a token that is issued now lives at least as long as it says.
        """
        return math.ceil(time.time())

    @property
    def is_dry_run(self) -> bool:
        """Whether nothing is to be written."""
        return bool(self.flags.get("dry_run"))

    @cached_property
    def settings(self) -> "Settings":
        """The settings. Raises InvalidInputError."""
        return self.load_settings()

    def load_settings(self) -> "Settings":
        """Return the settings as they are now. In a dry run nothing is signed with a kept key."""
        from apimctl import config  # noqa: PLC0415 - `--help` needs no settings

        settings = config.load(self.settings_flags, environ=os.environ)
        if self.is_dry_run:
            signing = dataclasses.replace(settings.tokens.signing, store_path=None)
            tokens = dataclasses.replace(settings.tokens, signing=signing)
            settings = dataclasses.replace(settings, tokens=tokens)
        return settings

    @property
    def settings_flags(self) -> dict[str, str]:
        """The settings that came as flags, by key."""
        flags: dict[str, str] = self.flags.setdefault("settings", {})
        return flags

    @cached_property
    def output(self) -> Output:
        """Where the command speaks. Raises UsageError for two formats at once."""
        return Output(
            self.format, is_quiet=bool(self.flags.get("quiet")), has_color=self._has_color
        )

    @property
    def format(self) -> Format:
        """The format that was asked for."""
        named = self.flags.get("format")
        if self.flags.get("json"):
            if named not in {None, Format.JSON}:
                raise UsageError(f"--json and --format {named} exclude each other", hint="Use one.")
            return Format.JSON
        if named not in {None, *Format}:
            raise UsageError(
                f"there is no format {named!r}", hint=f"There are {', '.join(Format)}."
            )
        return Format(named) if named else Format.TABLE

    @cached_property
    def store(self) -> "Store":
        """The store, made on first use. Raises StoreError."""
        from apimctl.store import open_store, rehearse_store  # noqa: PLC0415 - not for --help

        output = self.output  # a format that cannot be is refused before anything is made
        opened = rehearse_store if self.is_dry_run else open_store
        store = opened(self.settings.store_path, now=self.now)
        if store.is_new:
            output.say(f"made the store {store.path}")
        if store.backup_path:
            output.say(f"migrated the store; it was backed up to {store.backup_path}")
            with store.transaction() as db:
                self.audit(db, "db.migrate", str(store.path), backup=str(store.backup_path))
        return store

    @contextlib.contextmanager
    def reading(self) -> Iterator["Connection"]:
        """Give a connection to read from."""
        with self.store.reading() as db:
            yield db

    @contextlib.contextmanager
    def writing(self) -> Iterator["Connection"]:
        """Give a connection to write to, durably when the block ends; not with ``--dry-run``."""
        with self.store.transaction(dry_run=self.is_dry_run) as db:
            yield db

    def audit(self, db: "Connection", action: str, target: str, **details: Any) -> None:
        """Write into the audit log what this command does, in the transaction that does it.

        `action` and `target` are as `apimctl.services.audit.record` has them.
        """
        from apimctl.services import audit  # noqa: PLC0415 - `--help` writes nothing

        audit.record(db, actor=self.actor, action=action, target=target, now=self.now, **details)

    def audit_token(
        self, db: "Connection", action: str, token: "AccessToken | RefreshToken", **details: Any
    ) -> None:
        """Write into the audit log what this command does to a token."""
        from apimctl.services import audit  # noqa: PLC0415 - `--help` writes nothing

        audit.record_token(db, action, token, actor=self.actor, now=self.now, **details)

    @cached_property
    def actor(self) -> Actor:
        """Who runs the command: the user of the system, by name where it has one."""
        try:
            name = pwd.getpwuid(os.getuid()).pw_name
        except KeyError:  # as in a container that runs under any number
            name = f"uid {os.getuid()}"
        return Actor(name, Via.CLI)

    def close(self) -> None:
        """Close the store, if it was opened."""
        if "store" in self.__dict__:
            self.store.close()

    def done(
        self,
        record: Record,
        *,
        title: str,
        bare: str,
        said: str,
        secret_fields: tuple[str, ...] = (),
    ) -> None:
        """Write the outcome of a change: the record to stdout, what was done to stderr.

        A dry run shows no secrets: there are none.
        """
        if self.is_dry_run:
            record = {**record, **dict.fromkeys(secret_fields)}
            said = f"dry run, nothing was written: {said}"
        try:
            self.output.record(record, title=title, bare=bare, secrets=secret_fields)
            sys.stdout.flush()
        except OSError as error:
            if not secret_fields or self.is_dry_run:
                raise
            raise ApimctlError(
                f"{said.partition(';')[0]}, and could not show it: {error.strerror}",
                hint="apimctl token renew makes a new token, apimctl key rotate a new secret.",
            ) from error
        self.output.say(said)

    def confirm(self, question: str) -> None:
        """Ask before something is destroyed. Raises DeniedError for no, UsageError if none can say.

        ``--yes`` and ``--dry-run`` answer beforehand.
        """
        if self.flags.get("yes") or self.is_dry_run:
            return
        if not self._can_ask:
            raise UsageError(f"{question} Nobody can be asked here", hint="Confirm with --yes.")
        tell(f"{question} [y/N] ", end="")
        answer = sys.stdin.readline()
        if not answer.endswith("\n"):
            tell("")
        if answer.strip().lower() not in {"y", "yes"}:
            raise DeniedError("not confirmed, nothing was changed")

    def read_secret(self, what: str, *, from_stdin: bool, option: str, twice: bool = False) -> str:
        """Return a secret from stdin or a hidden prompt; it never comes by argv.

        One line end is taken off. Raises UsageError where there is neither, InvalidInputError.
        """
        if from_stdin:
            secret = self._read_stdin(what)
        elif self._can_ask:
            secret = getpass.getpass(f"{what}: ")
            if twice and getpass.getpass(f"{what}, again: ") != secret:
                raise InvalidInputError(f"the two entries of the {what} differ", hint="Try again.")
        else:
            raise UsageError(f"the {what} is missing", hint=f"Pipe it in, with {option}.")
        if not secret:
            raise InvalidInputError(f"the {what} is empty", hint=f"Pipe it in, with {option}.")
        return secret

    @property
    def can_ask_hidden(self) -> bool:
        """Whether a person can be asked for a secret."""
        return self._can_ask

    @staticmethod
    def _read_stdin(what: str) -> str:
        raw = sys.stdin.buffer.read(LONGEST_SECRET_BYTES + 1)
        if len(raw) > LONGEST_SECRET_BYTES:
            raise InvalidInputError(f"the {what} is too long", hint="Pipe in the secret alone.")
        try:
            return raw.decode("utf-8").removesuffix("\n").removesuffix("\r")
        except UnicodeDecodeError:
            raise InvalidInputError(f"the {what} is not UTF-8", hint="Pipe in text.") from None

    @property
    def _can_ask(self) -> bool:
        return sys.stdin.isatty() and sys.stderr.isatty() and not self.flags.get("no_input")

    @property
    def _has_color(self) -> bool:
        if self.flags.get("no_color") or os.environ.get("NO_COLOR"):
            return False
        return sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
