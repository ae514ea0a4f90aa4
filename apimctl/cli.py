"""The root of the command line: nouns loaded when they are used, errors turned into exit codes."""

import importlib
import io
import itertools
import os
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException
from typer.main import get_command as built

from apimctl import __version__
from apimctl.commands.forms import Group
from apimctl.errors import ApimctlError, UsageError, explain
from apimctl.invocation import Invocation
from apimctl.output import Format, print_error, print_text, tell

NOUNS = {
    "init": "Make the store and set the password of admin.",
    "demo": "Show the product: a backend, a gateway, and every call of the story.",
    "api": "Publish APIs: a backend behind a context and a version.",
    "app": "Applications, which subscribe to APIs and hold keys.",
    "subscription": "Which application may call which API.",
    "key": "Consumer keys: generate, allowed domains, validity, rotate.",
    "token": "Access tokens: issue, renew, list, inspect, revoke, purge.",
    "signing-key": "Keys that sign JWT access tokens: list, rotate.",
    "tier": "Limits by name.",
    "user": "Users, and their passwords.",
    "userstore": "Where users live: built-in stores, LDAP directories.",
    "gateway": "Serve the APIs, and see what is served.",
    "portal": "The API Store: web pages on which subscribers get their keys.",
    "audit": "Who issued, renewed, revoked and changed what.",
    "config": "Settings, and where each comes from.",
    "db": "Migrate and check the store.",
}
"""Every noun with its help, so that `apimctl --help` imports none of them."""

INTERRUPTED = 130
STDOUT = 1
EXIT_OF_TYPER = 1
"""What Typer exits with by itself, and only where a write meets a broken pipe."""
HELP = """Access tokens for your APIs, and the gateway that enforces them.

\b
First steps:
  apimctl demo                      see it work, from start to end
  apimctl key generate --sandbox    make a key; the store is made on first use
  apimctl gateway serve             serve what is published
  apimctl portal serve              let others subscribe and get keys, in a browser
"""


class LazyGroup(Group):
    """A group whose commands are imported when they are asked for."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - as Typer has it
        """Return the nouns, in the order of a first day."""
        return list(NOUNS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002 - as Typer has it
        """Return the command of a noun, None if there is none."""
        if cmd_name not in NOUNS:
            return None
        module = importlib.import_module(f"apimctl.commands.{cmd_name.replace('-', '_')}")
        command = built(module.app)
        command.name = cmd_name
        return command

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the noun; suggest one for a typo."""
        self.commands = dict.fromkeys(NOUNS, self)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002 - as Typer has it
        """Write the nouns and their help, without importing one."""
        with formatter.section("Commands"):
            formatter.write_dl(list(NOUNS.items()))


def root() -> TyperGroup:
    """Return the root command."""
    app = typer.Typer(
        cls=LazyGroup,
        help=HELP,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    )

    @app.callback(invoke_without_command=True)
    def apimctl(
        ctx: typer.Context,
        *,
        version: bool = typer.Option(
            False, "--version", help="Print the version and exit.", show_default=False
        ),
    ) -> None:
        if version:
            print_text(f"apimctl {__version__}")
            raise typer.Exit
        if ctx.invoked_subcommand is None:
            raise UsageError("there is no command", hint="apimctl --help")

    command = built(app)
    if not isinstance(command, TyperGroup):
        raise TypeError(command)
    return command


def main() -> NoReturn:
    """Run the command line of this process and exit."""
    _prepare_streams()
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run a command line and return its exit code (SPEC section 8). No traceback gets out."""
    try:
        code = _run(arguments)
    except (typer.Abort, KeyboardInterrupt):
        code = INTERRUPTED
    except BrokenPipeError:
        code = 0  # whoever read stdout has left, and there is nobody to tell
    except SystemExit as leaving:
        if leaving.code != EXIT_OF_TYPER:
            raise
        code = 0  # as above
    except Exception as error:  # noqa: BLE001 - no traceback gets out
        explained = _explained(error)
        print_error(explained, as_json=_wants_json(arguments))
        _drop_unwritten()
        return explained.exit_code
    if code == INTERRUPTED:
        tell("\ninterrupted" if sys.stderr.isatty() else "interrupted")  # behind the echo of ^C
    _drop_unwritten()
    return code


def _run(arguments: Sequence[str]) -> int:
    _refuse_bytes(arguments)
    invocation = Invocation()
    try:
        code = root().main(
            list(arguments), prog_name="apimctl", standalone_mode=False, obj=invocation
        )
        sys.stdout.flush()
    finally:
        invocation.close()
    return code if isinstance(code, int) else 0


def _explained(error: Exception) -> ApimctlError:
    """Return any error as one a user can read; raise it with APIMCTL_DEBUG if it is a defect."""
    if isinstance(error, TyperException):
        return _as_usage_error(error)
    if os.environ.get("APIMCTL_DEBUG") and not isinstance(error, ApimctlError | OSError):
        raise error
    return explain(error)


def _drop_unwritten() -> None:
    """Drop what stdout does not take: the flush at exit would fail once more."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), STDOUT)


def _prepare_streams() -> None:
    """Open what is missing; escape letters that stdout's encoding lacks."""
    sys.stdin = sys.stdin or open(os.devnull, encoding="utf-8")  # noqa: PTH123, SIM115
    sys.stdout = sys.stdout or open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115
    sys.stderr = sys.stderr or open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def _refuse_bytes(arguments: Sequence[str]) -> None:
    """Raise UsageError for an argument that is not text: no name in the store can be that."""
    for argument in arguments:
        try:
            argument.encode()
        except UnicodeEncodeError:
            raise UsageError(
                f"the argument {argument!r} is not UTF-8", hint="Check the shell's locale."
            ) from None


def _as_usage_error(error: TyperException) -> UsageError:
    """Return a parser's complaint as one of ours, pointing to the help that answers it."""
    context = getattr(error, "ctx", None)
    path = context.command_path if context else "apimctl"
    return UsageError(error.format_message().rstrip("."), hint=f"{path} --help")


def _wants_json(arguments: Sequence[str]) -> bool:
    """Return whether JSON was asked for, also on a command line that could not be parsed."""
    following = dict(itertools.pairwise(arguments))
    return (
        "--json" in arguments
        or f"--format={Format.JSON}" in arguments
        or following.get("--format") == Format.JSON
    )
