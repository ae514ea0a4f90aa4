"""Not collected yet. What is wrong: aiohttp's parser takes a few names with spaces behind them.

It does so in answers, for the names below alone, and reads them as names of no meaning. The gateway
passes them on (``Transfer-Encoding : chunked``), where RFC 9112 section 5.1 has it remove the
spaces, and a client that trims them frames the body otherwise. A cheap remedy, where the head for
the client is joined: only ``if b" : " in head`` look at the names, and answer 502 if one ends with
a space. The parser of requests refuses them all.
"""

import pytest

SPACED = [b"Content-Length", b"Transfer-Encoding", b"Connection", b"Upgrade", b"Proxy-Connection"]


@pytest.mark.parametrize("spaces", [b" ", b"  ", b"\t"])
@pytest.mark.parametrize("name", SPACED)
def test_no_framing_is_passed_on_that_clients_might_read_otherwise(wire, name, spaces):
    client, backend = wire.request(b"Connection: close")
    backend.read_head()
    backend.send(b"HTTP/1.1 200 OK\r\n" + name + spaces + b": 1\r\n\r\nbody")
    backend.close()
    assert name + spaces not in client.read_to_end()
