"""`apimctl demo`: the product in one command."""

import shlex
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from apimctl.commands.forms import Reads, invocation, single
from apimctl.domain.models import ADMIN
from apimctl.errors import ApimctlError, UsageError
from apimctl.invocation import Invocation

if TYPE_CHECKING:
    from apimctl.demo.story import Story

app = single("Show the product: a backend, a gateway, and every call of the story.")

_HOW_TO_GO_ON = """stopped; nothing is left behind

On a terminal, without --once, apimctl demo keeps serving: the API Store, in which you log in and
see these keys, in your browser at once with --open; and the gateway, with a token for

  curl -H "Authorization: Bearer TOKEN" GATEWAY/twitter/1.0.0/search.atom?q=cat"""


@app.command(cls=Reads)
def demo(
    ctx: typer.Context,
    *,
    once: Annotated[
        bool, typer.Option("--once", help="End when the story is told, also on a terminal.")
    ] = False,
    open_browser: Annotated[
        bool, typer.Option("--open", help="Open the API Store in your browser then.")
    ] = False,
) -> None:
    """See it work, from start to end: publish, subscribe, make keys, call, renew, revoke.

    Runs the commands you would run, against two small backends, a gateway and an API Store of its
    own, and checks every answer. On a terminal it keeps serving until Ctrl-C; in a pipe it ends.
    The store is a throw-away one: yours is not touched, and nothing is left behind.
    """
    from apimctl.demo import stage as stages  # noqa: PLC0415 - not for --help
    from apimctl.demo import story as stories  # noqa: PLC0415 - as above

    call = invocation(ctx)
    if open_browser and once:
        raise UsageError("--open and --once exclude each other", hint="Use one.")
    if call.flags.get("settings"):
        call.output.say("the demo has a store and a configuration of its own; yours are not used")
    keeps_serving = sys.stdin.isatty() and sys.stdout.isatty() and not once
    if open_browser and not keeps_serving:
        call.output.say("no browser is opened: without a terminal, the demo ends with its story")
    with stages.set_up(call.output.say) as stage:
        story = stories.tell(stage)
        _show(call, story)
        if keeps_serving:
            _show_what_to_try(call, story)
            stage.keep_serving(in_browser=open_browser)
    if keeps_serving:
        call.output.say("\nstopped; nothing is left behind")  # behind the echo of ^C
    else:
        call.output.say(_HOW_TO_GO_ON)


def _show(call: Invocation, story: "Story") -> None:
    """Write the table. Raises ApimctlError if an answer is not what it should be."""
    rows = [row.shape() for row in story.rows]
    wrong = [row for row in story.rows if not row.is_as_expected]
    columns = ("step", "request", "answer", "verdict")
    call.output.rows(
        rows,
        columns=(*columns, "expected") if wrong else columns,
        bare="answer",
        empty="no calls",
    )
    sys.stdout.flush()  # before what is said next, where both go to one file
    if wrong:
        steps = ", ".join(f"{row.step} ({row.answer}, not {row.expected})" for row in wrong)
        raise ApimctlError(
            f"{len(wrong)} of {len(rows)} calls were not answered as they should be: {steps}",
            hint="This is a defect of apimctl; please report it with the table above.",
        )
    call.output.say(f"all {len(rows)} calls were answered as they should be")


def _show_what_to_try(call: Invocation, story: "Story") -> None:
    """Say how to go on, in a browser and in another terminal. Token and password end with this."""
    from apimctl.demo.story import SEARCH  # noqa: PLC0415 - not for --help

    stage = story.stage
    curl = ["curl", "-H", f"Authorization: Bearer {story.token}", f"{stage.gateway_url}{SEARCH}"]
    apimctl = ["apimctl", "--db", str(stage.store_path)]
    lines = (
        "",
        "The API Store and the gateway keep serving until Ctrl-C. Log in with a browser:",
        "",
        f"  {stage.portal_url}/store   user {ADMIN}, password {story.password}",
        "",
        "Try in another terminal:",
        "",
        f"  {shlex.join(curl)}",
        f"  {shlex.join([*apimctl, 'token', 'list'])}",
        f"  {shlex.join([*apimctl, 'api', 'block', 'twitter'])}",
        "",
    )
    call.output.say("\n".join(lines))
