"""What reads the requests of one connection: aiohttp's C parser, and where its word ends."""

import asyncio
from typing import Any

from aiohttp.base_protocol import BaseProtocol
from aiohttp.http import HttpRequestParser
from aiohttp.http_exceptions import HttpProcessingError, LineTooLong
from aiohttp.http_parser import HttpParser

from apimctl.domain import faults
from apimctl.edge import answers
from apimctl.edge.answers import Answer
from apimctl.edge.request import BadBodyError

LONGEST_LINE_BYTES = 32 * 1024
MOST_HEADERS = 256
BUFFER_BYTES = 64 * 1024
MOST_AT_ONCE = 16
"""How many requests of one connection may be there: one that is answered, and those that wait."""


def new_parser(protocol: BaseProtocol, loop: asyncio.AbstractEventLoop) -> HttpRequestParser:
    """Return a parser for what the protocol receives; it stops while `MOST_AT_ONCE` are there."""
    return HttpRequestParser(
        protocol,
        loop,
        BUFFER_BYTES,
        max_line_size=LONGEST_LINE_BYTES,
        max_field_size=LONGEST_LINE_BYTES,
        max_headers=MOST_HEADERS,
        payload_exception=BadBodyError,
        auto_decompress=False,
        max_msg_queue_size=MOST_AT_ONCE,
    )


def is_between_requests(parser: HttpParser[Any]) -> bool:
    """Return whether nothing was read behind the last request; if something was, it is lost.

    Not to be asked of a parser that has stopped: what it keeps it does not tell.
    """
    try:
        return parser.feed_eof() is None
    except HttpProcessingError:
        return False


def answer_unreadable(error: HttpProcessingError) -> Answer:
    """Return the answer to what is no request."""
    if isinstance(error, LineTooLong):
        fault = faults.Fault(431, "Request Header Fields Too Large", 431)
        return answers.fault(fault, f"A line is longer than {LONGEST_LINE_BYTES} bytes.")
    fault = faults.Fault(400, "Bad Request", 400)
    return answers.fault(fault, "The request is not HTTP as RFC 9112 has it.")
