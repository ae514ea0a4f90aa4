"""`apimctl token inspect`: all there is to know of one token."""

from typing import Annotated

import typer

from apimctl.commands.forms import invocation
from apimctl.services.shapes import inspection_shape


def inspect(
    ctx: typer.Context,
    *,
    token_stdin: Annotated[
        bool, typer.Option("--token-stdin", help="Read the token from stdin.")
    ] = False,
) -> None:
    """Show what an access or refresh token is: whose, in which state, until when, for what."""
    from apimctl.services import inspection  # noqa: PLC0415 - not for --help

    call = invocation(ctx)
    text = call.read_secret("token", from_stdin=token_stdin, option="--token-stdin")
    with call.reading() as db:
        found = inspection.inspect(db, text.strip())
    shape = inspection_shape(found, now=call.now)
    call.output.record(shape, title=shape["type"].replace("_", " "), bare="state")
