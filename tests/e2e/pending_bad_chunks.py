"""Not collected yet. What is wrong: bad chunks that come later than the head are answered late.

aiohttp queues its 400 behind the request under way, and tells the reader of that one's body nothing
(the C parser drops the body without an exception): the exchange waits for `gateway.body_timeout`,
60 seconds, and answers 408; the backend waits as long. It should be 400 at once, and the end of the
connection to the backend. `RequestHandler.data_received` is the place: what the parser raises there
has to become the exception of the content of `_current_request`.
"""

import pytest

from tests.e2e.test_proxy_failures import fault_of
from tests.e2e.test_proxy_framing import BAD_CHUNKS, CHUNKED, SMUGGLED


@pytest.mark.parametrize("chunks", BAD_CHUNKS.values(), ids=BAD_CHUNKS)
def test_bad_chunks_end_the_connection_and_make_no_whole_body(wire, chunks):
    client, backend = wire.request(CHUNKED, method=b"POST", body=b"1\r\nX\r\n")
    backend.read_head()
    client.send(chunks + SMUGGLED)
    assert not backend.read_to_end().endswith(b"0\r\n\r\n")
    assert fault_of(client)[0] == b"400"
    assert b"HTTP/1" not in client.read_to_end()
