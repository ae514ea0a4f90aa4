"""Not collected yet. What is wrong: a client that closes its sending side gets no answer.

`eof_received` of aiohttp's server returns None, so the transport closes and the handler is
cancelled. To keep the connection half open it would have to return True, and the end of the request
to the backend would then wait for the reset that the next write meets. That is at odds with
`test_a_client_that_goes_away_ends_the_request_to_the_backend`: over TCP, closing and half closing
look the same to the gateway (FIN). nginx takes both for leaving, HAProxy (without `abortonclose`)
takes both for staying. Either this test or that one can hold for a client that only says FIN.
"""

import socket

import pytest

from tests.e2e.test_proxy_streams import CHUNKED, chunk


@pytest.mark.parametrize("line", [b"Content-Length: 4", CHUNKED], ids=["length", "chunks"])
def test_a_client_that_says_no_more_still_gets_its_answer(wire, line):
    body = b"body" if line != CHUNKED else chunk(b"body") + b"0\r\n\r\n"
    client, backend = wire.request(line, method=b"POST", body=body)
    client.socket.shutdown(socket.SHUT_WR)
    backend.read_head()
    assert backend.read(len(body)) == body
    backend.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    assert client.read_to_end().endswith(b"\r\n\r\nok")
