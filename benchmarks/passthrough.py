"""Peer (a): what an afternoon with aiohttp gives. Buffers, checks nothing. ``PORT BACKEND``."""

import asyncio
import sys

import uvloop
from aiohttp import ClientSession, web


async def serve(port: int, backend: str) -> None:
    """Pass every request on to the backend, for ever."""
    async with ClientSession() as session:

        async def handle(request: web.Request) -> web.Response:
            async with session.request(
                request.method,
                backend + request.raw_path,
                headers=request.headers,
                data=await request.read() or None,
            ) as upstream:
                framing = {"content-length", "transfer-encoding", "connection"}
                headers = {k: v for k, v in upstream.headers.items() if k.lower() not in framing}
                body = await upstream.read()
                return web.Response(status=upstream.status, body=body, headers=headers)

        application = web.Application()
        application.router.add_route("*", "/{path:.*}", handle)
        runner = web.AppRunner(application, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1]), sys.argv[2]))
