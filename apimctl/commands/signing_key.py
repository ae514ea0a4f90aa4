"""`apimctl signing-key`: the keys that sign JWT access tokens."""

from typing import Annotated

import typer

from apimctl.commands.forms import Destroys, Reads, Writes, invocation, noun
from apimctl.domain.models import SigningAlgorithm
from apimctl.errors import UsageError
from apimctl.services.shapes import signing_key_shape

app = noun("Keys that sign JWT access tokens: list, rotate.")


@app.command("list", cls=Reads)
def list_signing_keys(ctx: typer.Context) -> None:
    """List the keys, the newest first. The private halves are shown nowhere."""
    from apimctl.services import signing_keys  # noqa: PLC0415 - not for --help

    call = invocation(ctx)
    with call.reading() as db:
        rows = [signing_key_shape(key, now=call.now) for key in signing_keys.list_all(db)]
    call.output.rows(
        rows,
        columns=("id", "algorithm", "state", "created_at", "retired_at", "published_until"),
        bare="id",
        empty="no signing keys; the first JWT access token makes one",
    )


@app.command(cls=Writes)
def rotate(
    ctx: typer.Context,
    *,
    algorithm: Annotated[
        str, typer.Option(metavar="ALG", help=f"One of {', '.join(SigningAlgorithm)}.")
    ] = SigningAlgorithm.ES256,
) -> None:
    """Let a new key sign from now on.

    The old one stays published until the last token that it signed is over.
    """
    from apimctl.services import signing_keys  # noqa: PLC0415 - not for --help

    call = invocation(ctx)
    if algorithm.upper() not in set(SigningAlgorithm):
        raise UsageError(
            f"there is no algorithm {algorithm!r}", hint=f"There are {', '.join(SigningAlgorithm)}."
        )
    pair = signing_keys.make_pair(SigningAlgorithm(algorithm.upper()))
    with call.writing() as db:
        key = signing_keys.rotate(
            db,
            pair,
            store_path=call.settings.tokens.signing.store_path,
            now=call.now,
            random=call.random,
        )
        call.audit(db, "signing-key.rotate", key.id, algorithm=str(key.algorithm))
    call.done(
        signing_key_shape(key, now=call.now),
        title=key.id,
        bare="id",
        said=f"{key.id} signs from now on",
    )


@app.command(cls=Destroys)
def delete(
    ctx: typer.Context,
    key_id: Annotated[
        str, typer.Argument(metavar="ID", help="As in signing-key list.", show_default=False)
    ],
) -> None:
    """Delete a key that others may know: resource servers refuse what it signed.

    They do so once they read the published keys anew. At the gateway its tokens stay valid.
    """
    from apimctl.services import signing_keys  # noqa: PLC0415 - not for --help

    call = invocation(ctx)
    with call.reading() as db:
        signing_keys.require(db, key_id)
    call.confirm(f"Delete the signing key {key_id}, so that what it signed is not to be verified?")
    with call.writing() as db:
        key = signing_keys.delete(db, key_id)
        call.audit(db, "signing-key.delete", key.id, algorithm=str(key.algorithm))
    call.done(
        signing_key_shape(key, now=call.now),
        title=key.id,
        bare="id",
        said=f"deleted the signing key {key.id}",
    )
