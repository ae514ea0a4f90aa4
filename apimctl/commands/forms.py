"""What the commands share: the global options, the kinds of command, the options by name.

Global options may stand anywhere on the line: `apimctl --db X key list` and
`apimctl key list --db X` mean the same.
"""

from collections.abc import Callable
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup, TyperOption
from typer.exceptions import TyperException

from apimctl.domain.models import KeyType
from apimctl.errors import UsageError
from apimctl.invocation import Invocation
from apimctl.output import Format, print_text

ANY_LENGTH = 1000


def invocation(ctx: typer.Context) -> Invocation:
    """Return the run this context belongs to."""
    if not isinstance(ctx.obj, Invocation):
        raise TypeError(ctx.obj)
    return ctx.obj


def _remember(name: str, *, is_setting: bool = False) -> Callable[[Any, Any, Any], Any]:
    def callback(ctx: Any, _parameter: Any, value: Any) -> Any:
        if value == "" and is_setting:
            raise UsageError(f"--{name} is empty", hint="Name a path, or leave the option out.")
        if value not in {None, False} and isinstance(ctx.obj, Invocation):
            flags = ctx.obj.flags
            (flags.setdefault("settings", {}) if is_setting else flags)[name] = value
        return value

    return callback


def _option(
    *names: str, flag: str, help_text: str, is_setting: bool = False, **attributes: Any
) -> TyperOption:
    return TyperOption(
        param_decls=[*names, flag],
        help=help_text,
        expose_value=False,
        callback=_remember(flag, is_setting=is_setting),
        show_default=False,
        **attributes,
    )


def _switch(*names: str, flag: str, help_text: str) -> TyperOption:
    return _option(*names, flag=flag, help_text=help_text, is_flag=True, default=False)


def _global_options() -> list[TyperOption]:
    return [
        _option(
            "--db",
            flag="db",
            help_text="The store; also APIMCTL_DB.",
            is_setting=True,
            metavar="PATH",
        ),
        _option(
            "--config",
            flag="config",
            help_text="The configuration file; also APIMCTL_CONFIG.",
            is_setting=True,
            metavar="FILE",
        ),
        _option(
            "--format",
            flag="format",
            help_text=f"How to write data: {', '.join(Format)}.",
            metavar="FORMAT",
        ),
        _switch("--json", flag="json", help_text="Short for --format json."),
        _switch("--quiet", "-q", flag="quiet", help_text="Say nothing but data and errors."),
        _switch("--verbose", "-v", flag="verbose", help_text="Say more."),
        _switch("--no-input", flag="no_input", help_text="Never ask."),
        _switch("--no-color", flag="no_color", help_text="No colours; also NO_COLOR."),
    ]


class _WithGlobalOptions:
    """Adds the global options behind a command's own, and shows them apart in its help."""

    params: list[Any]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.global_options = _global_options()
        self.params = [*self.params, *self._own_options(), *self.global_options]

    @staticmethod
    def _own_options() -> list[TyperOption]:
        return []

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse; an option without its value is a complaint of this command, too."""
        try:
            return super().parse_args(ctx, args)  # type: ignore[misc, no-any-return]
        except TyperException as error:
            error.ctx = getattr(error, "ctx", None) or ctx  # type: ignore[attr-defined]
            raise

    def format_options(self, ctx: Any, formatter: Any) -> None:
        shown = self.params
        self.params = [param for param in shown if param not in self.global_options]
        try:
            super().format_options(ctx, formatter)  # type: ignore[misc]
        finally:
            self.params = shown
        with formatter.section("Global options"):
            formatter.write_dl([option.get_help_record(ctx) for option in self.global_options])


class Group(_WithGlobalOptions, TyperGroup):
    """A noun. Alone it shows its verbs."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Show the help where there is nothing to parse."""
        if not args and not ctx.resilient_parsing:
            print_text(ctx.get_help())
            raise typer.Exit
        return super().parse_args(ctx, args)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the verbs, each with the whole first sentence of its help."""
        verbs = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl(
                [(name, verb.get_short_help_str(ANY_LENGTH)) for name, verb in verbs if verb]
            )


class Reads(_WithGlobalOptions, TyperCommand):
    """A command that changes nothing."""


class Writes(_WithGlobalOptions, TyperCommand):
    """A command that changes the store: it can be tried without doing so."""

    @staticmethod
    def _own_options() -> list[TyperOption]:
        return [_switch("--dry-run", flag="dry_run", help_text="Check all, write nothing.")]


class Destroys(_WithGlobalOptions, TyperCommand):
    """A command that cannot be undone: it asks first."""

    @staticmethod
    def _own_options() -> list[TyperOption]:
        return [
            _switch("--yes", "-y", flag="yes", help_text="Do not ask."),
            _switch("--dry-run", flag="dry_run", help_text="Check all, write nothing."),
        ]


def noun(help_text: str) -> typer.Typer:
    """Return an empty noun. With a callback it stays one, also with a single verb."""
    return typer.Typer(
        cls=Group,
        help=help_text,
        callback=lambda: None,
        rich_markup_mode=None,
        add_completion=False,
    )


def single(help_text: str) -> typer.Typer:
    """Return a noun that is a command itself, as `apimctl demo`."""
    return typer.Typer(help=help_text, rich_markup_mode=None, add_completion=False)


AppName = Annotated[
    str, typer.Option("--app", metavar="NAME", help="The application.", show_default=True)
]
Owner = Annotated[
    str | None,
    typer.Option(metavar="USER", help="Whose application, where several have that name."),
]
ApiReference = Annotated[
    str, typer.Argument(metavar="API", help="NAME or NAME:VERSION.", show_default=False)
]
ApiOption = Annotated[
    str, typer.Option("--api", metavar="API", help="NAME or NAME:VERSION.", show_default=False)
]
Production = Annotated[bool, typer.Option("--production", help="The production key; the default.")]
Sandbox = Annotated[bool, typer.Option("--sandbox", help="The sandbox key.")]
Validity = Annotated[
    str | None,
    typer.Option(metavar="V", help="How long tokens live: 3600, 15m, 12h, 30d, 1h30m, never."),
]
Domains = Annotated[
    str | None,
    typer.Option(metavar="LIST", help="Allowed domains: a.com,*.b.com; empty for all."),
]
Host = Annotated[
    str | None, typer.Option(metavar="H", help="Address to listen on; default 127.0.0.1.")
]
CertificateFile = Annotated[
    str | None, typer.Option(metavar="FILE", help="Certificate (PEM); default self-signed.")
]
PrivateKeyFile = Annotated[
    str | None, typer.Option(metavar="FILE", help="Private key of the certificate (PEM).")
]


def require_pair(cert: str | None, key: str | None) -> None:
    """Raise UsageError unless certificate and key were named both, or neither was."""
    if (cert is None) != (key is None):
        missing = "--key" if key is None else "--cert"
        raise UsageError(f"{missing} is missing", hint="--cert and --key go together.")
    if "" in {cert, key}:
        raise UsageError("--cert or --key is empty", hint="Name a file each, or leave both out.")


def named_key_type(*, production: bool, sandbox: bool) -> KeyType | None:
    """Return the key type that was named, None for none. Raises UsageError for both."""
    if production and sandbox:
        raise UsageError(
            "--production and --sandbox exclude each other", hint="Run the command once for each."
        )
    if sandbox:
        return KeyType.SANDBOX
    return KeyType.PRODUCTION if production else None


def key_type(*, production: bool, sandbox: bool) -> KeyType:
    """Return the key type: production unless the other one was named."""
    return named_key_type(production=production, sandbox=sandbox) or KeyType.PRODUCTION
