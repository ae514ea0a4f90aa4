import asyncio
import http.server
import os
import threading
from dataclasses import replace

import pytest

from apimctl.domain.models import ApiState
from apimctl.edge.login.turns import Turns
from apimctl.portal import try_it
from apimctl.portal.forms import FormError
from apimctl.portal.tools import Tools
from apimctl.services import apis
from apimctl.services.apis import ApiForm
from apimctl.tables import gateways
from apimctl.tables.gateways import Gateway
from tests.portal.conftest import MOMENT


@pytest.fixture
def sending(db, visit):
    """A request of the console, to a gateway that is named and does not run."""
    apis.create(
        db,
        "weather",
        context="/weather",
        version="1",
        state=ApiState.PUBLISHED,
        form=ApiForm(production_url="http://127.0.0.1:1"),
        **MOMENT,
    )
    portal = replace(visit.settings.portal, gateway_url="http://127.0.0.1:1")
    return replace(
        visit,
        path="/store/apis/weather/1/try",
        places={"name": "weather", "version": "1"},
        settings=replace(visit.settings, portal=portal),
        fields={"send": "1", "method": "GET", "path": "/"},
    )


def send(db, visit, turns):
    async def read(work):
        return work(db)

    return try_it.send(Tools(passwords=None, calls=turns, read=read, write=read), visit)


def test_so_many_requests_are_tried_at_once_and_no_more(db, sending):
    async def try_beside_another():
        turns, ends = Turns(1, most_waiting=0), asyncio.Event()
        other = asyncio.ensure_future(turns.take(ends.wait, whose="other"))
        await asyncio.sleep(0)
        with pytest.raises(FormError) as refused:
            await send(db, sending, turns)
        ends.set()
        await other
        return refused.value, await send(db, sending, turns)

    refused, tried = asyncio.run(try_beside_another())
    assert (refused.status, refused.form.problem.message) == (
        503,
        "Many requests are being tried right now",
    )
    assert tried.outcome.why == "The gateway cannot be reached"


class _OtherProgram(http.server.BaseHTTPRequestHandler):
    """What has the port of a gateway that crashed: it answers everything, and remembers it."""

    def do_GET(self):
        self.server.asked.append((self.path, self.headers.get("Authorization")))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"apimctl_gateway": "another"}')

    def log_message(self, *_):
        pass


def test_another_program_in_the_place_of_a_gateway_gets_no_token(db, sending):
    token = "apim_atp0_" + "x" * 38
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _OtherProgram) as other:
        other.asked = []
        threading.Thread(target=other.serve_forever).start()
        url = f"http://127.0.0.1:{other.server_port}"
        gateways.insert(db, Gateway("crashed", url, os.getpid(), "0.1.0", 0))
        fields = {**sending.fields, "token": token}
        tried = asyncio.run(send(db, replace(sending, fields=fields), Turns(1, most_waiting=0)))
        other.shutdown()
    assert tried.outcome.why == "The gateway cannot be reached"  # that of the setting
    assert [authorization for _, authorization in other.asked] == [None]
