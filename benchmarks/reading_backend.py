"""A backend that reads what it is sent, whole, and says how long it was. ``PORT``.

A path that ends with ``/endless`` is answered until the client has left.
"""

import itertools
import sys

from aiohttp import web

PIECE = b"x" * 65_536
LONGEST_BODY = 1 << 26


async def answer(request: web.Request) -> web.StreamResponse:
    """Say how many bytes came."""
    return web.Response(text=str(len(await request.read())))


async def answer_for_ever(request: web.Request) -> web.StreamResponse:
    """Send piece after piece; writing to a client that left ends this."""
    response = web.StreamResponse()
    await response.prepare(request)
    for _ in itertools.count():
        await response.write(PIECE)
    return response


if __name__ == "__main__":
    application = web.Application(client_max_size=LONGEST_BODY)
    application.router.add_route("*", "/{path:.*}/endless", answer_for_ever)
    application.router.add_route("*", "/{path:.*}", answer)
    web.run_app(
        application, host="127.0.0.1", port=int(sys.argv[1]), access_log=None, print=lambda _: None
    )
