"""Writes docs/commands.md from the commands themselves; with --check, fails if it would change."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from apimctl.cli import NOUNS, root
from apimctl.invocation import Invocation

REFERENCE = Path(__file__).parents[1] / "docs" / "commands.md"
INTRODUCTION = """# Command reference

Written by `make docs` from the commands themselves; what `--help` says is what stands here.

Singular noun, then verb. Global options may stand anywhere on the line. Data goes to stdout, talk
to stderr; [exit codes](exit-codes.md) and [output formats](output.md) have pages of their own.
"""


def reference() -> str:
    """Return the whole page."""
    parent = typer.Context(root(), info_name="apimctl", obj=Invocation())
    sections = [INTRODUCTION, _global_options(parent)]
    for noun in NOUNS:
        sections += _sections("##", f"apimctl {noun}", parent.command.get_command(parent, noun))
    return "\n".join(sections)


def _sections(level: str, path: str, command: Any) -> list[str]:
    """Return the section of a command; of a group, its summary and those of its commands."""
    commands = getattr(command, "commands", None)
    if commands is None:
        return [_section(level, path, command)]
    sections = [f"{level} {path}\n\n{command.help}\n"]
    for name, inner in commands.items():
        sections += _sections(f"{level}#", f"{path} {name}", inner)
    return sections


def _section(level: str, path: str, command: Any) -> str:
    context = typer.Context(command, info_name=path, obj=Invocation())
    if not (command.help or "").strip():
        raise SystemExit(f"{path} has no help text")
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    options = [
        p
        for p in command.get_params(context)
        if p.param_type_name == "option" and p.name != "help" and p not in command.global_options
    ]
    usage = " ".join([path, *(p.make_metavar(context) for p in arguments), *_forms(options)])
    lines = [f"{level} {path}", "", f"    {usage}", "", _paragraphs(command.help), ""]
    lines += _table([*arguments, *options], context)
    return "\n".join(lines)


def _forms(options: list[Any]) -> Iterator[str]:
    for option in options:
        form = "/".join([*option.opts[:1], *option.secondary_opts[:1]])
        if not option.is_flag:
            form = f"{form} {option.metavar}"
        repeats = "..." if option.multiple else ""
        yield form if option.required else f"[{form}]{repeats}"


def _table(parameters: list[Any], context: typer.Context) -> list[str]:
    rows = [record for p in parameters if (record := p.get_help_record(context))]
    if not rows:
        return []
    cells = [f"| `{name.replace('|', '/')}` | {' '.join(text.split())} |" for name, text in rows]
    return ["| | |", "| --- | --- |", *cells, ""]


def _global_options(context: Any) -> str:
    return "\n".join(["## Global options", "", *_table(context.command.global_options, context)])


def _paragraphs(text: str) -> str:
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in text.split("\n\n"))


def main() -> None:
    """Write or check the page."""
    page = reference()
    if "--check" not in sys.argv:
        REFERENCE.write_text(page)
    elif not REFERENCE.exists() or REFERENCE.read_text() != page:
        raise SystemExit("docs/commands.md is not what the commands say: make docs")


if __name__ == "__main__":
    main()
