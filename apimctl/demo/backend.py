"""The API behind the demo's gateway: ``python -m apimctl.demo.backend --port 0 --name sandbox``.

A server of its own, in a process of its own: ``GET /search.atom?q=cat``, ``/search.json?q=cat``.
Its first line on stdout is its URL. SIGTERM and SIGINT stop it.
"""

import argparse
import asyncio
import signal
from collections.abc import Callable, Sequence

from aiohttp import hdrs, web

from apimctl.demo import feed

HOST = "127.0.0.1"
"""Loopback only: the demo is for one machine."""

ENVIRONMENT_HEADER = "X-Environment"
"""Says which backend answered."""

ENVIRONMENTS = ("production", "sandbox")


def build(environment: str) -> web.Application:
    """Return the application; every answer says that it comes from this environment."""

    def answer(request: web.Request, render: Callable[..., bytes], media_type: str) -> web.Response:
        query = request.query.get("q", "").strip()
        return web.Response(
            body=render(query, feed.search(query), environment=environment),
            headers={
                hdrs.CONTENT_TYPE: f"{media_type}; charset=utf-8",
                ENVIRONMENT_HEADER: environment,
            },
        )

    async def answer_atom(request: web.Request) -> web.Response:
        return answer(request, feed.render_atom, feed.ATOM_TYPE)

    async def answer_json(request: web.Request) -> web.Response:
        return answer(request, feed.render_json, feed.JSON_TYPE)

    application = web.Application()
    application.add_routes(
        [web.get("/search.atom", answer_atom), web.get("/search.json", answer_json)]
    )
    return application


async def serve(environment: str, *, port: int) -> None:
    """Serve until SIGTERM or SIGINT; 0 is any free port. Raises OSError for a port in use."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    runner = web.AppRunner(build(environment), access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, HOST, port).start()
        host, bound = runner.addresses[0][:2]
        print(f"http://{host}:{bound}", flush=True)  # noqa: T201 - a program of its own
        await stop.wait()
    finally:
        await runner.cleanup()


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the backend that the command line describes. Ends with one line if it cannot listen."""
    parser = argparse.ArgumentParser(prog="python -m apimctl.demo.backend", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0, the default, is any free one")
    parser.add_argument(
        "--name", choices=ENVIRONMENTS, default="production", help="which one this is"
    )
    chosen = parser.parse_args(arguments)
    try:
        asyncio.run(serve(chosen.name, port=chosen.port))
    except (OSError, OverflowError) as error:
        raise SystemExit(f"error: cannot listen on port {chosen.port}: {error}") from None


if __name__ == "__main__":
    main()
