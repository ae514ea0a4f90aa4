"""The lines of the access log, as JSON and in the combined format of Apache and nginx.

Whatever a client sends, a request is one line of printable ASCII, without credentials. A line fits
into one atomic write to a pipe, so very long texts are cut.
"""

import datetime as dt
import json
import re
from collections.abc import Callable

from apimctl.edge.application_names import ApplicationName
from apimctl.edge.log_sink import PIPE_BYTES
from apimctl.edge.observation import Observation, Words
from apimctl.edge.redaction import redact

LONGEST_LINE_BYTES = PIPE_BYTES
CUT = "..."
_LENGTHS = (2048, 512, 128, 64, 16)
"""How much of a text stands in a line; the first that lets the line fit."""

_UNSAFE = re.compile(r'[^ -~]|["\\]')

Renderer = Callable[[Observation, ApplicationName | None], bytes]


def json_line(observation: Observation, application: ApplicationName | None) -> bytes:
    """Return the line of a request as a JSON object; what is not known is null."""
    return _fitting(lambda length: _json_line(observation, application, length))


def combined_line(observation: Observation, application: ApplicationName | None) -> bytes:  # noqa: ARG001 - a Renderer
    r"""Return the line of a request in the combined format, the request id behind it.

    Quotes, backslashes and bytes that are not printable ASCII stand as ``\"``, ``\\``, ``\xHH``.
    """
    return _fitting(lambda length: _combined_line(observation, length))


RENDERERS: dict[str, Renderer] = {"json": json_line, "combined": combined_line}


def _json_line(observation: Observation, application: ApplicationName | None, length: int) -> bytes:
    def shown(text: str) -> str | None:
        return _decoded(_cut(redact(text), length)) or None

    words = observation.words
    api, _, version = (observation.api or "").partition(":")
    name, owner = application or ("", "")
    content = {
        "time": _moment(words).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "request_id": shown(words.request_id),
        "client": words.client or None,
        "method": shown(words.method),
        "path": shown(words.target),
        "protocol": words.protocol,
        "status": observation.status,
        "fault": observation.fault,
        "api": shown(api),
        "version": shown(version),
        "application": shown(name),
        "owner": shown(owner),
        "key_type": observation.key_type,
        "bytes": observation.body_bytes,
        "seconds": _rounded(observation.seconds),
        "backend_seconds": _rounded(observation.backend_seconds),
        "user_agent": shown(words.user_agent),
        "referer": shown(words.referer),
        "traceparent": shown(words.traceparent),
    }
    return json.dumps(content).encode() + b"\n"


def _combined_line(observation: Observation, length: int) -> bytes:
    def shown(text: str) -> str:
        return _escaped(_cut(redact(text), length)) or "-"

    words = observation.words
    moment = _moment(words).strftime("%d/%b/%Y:%H:%M:%S %z")
    request = f"{shown(words.method)} {shown(words.target)} {words.protocol}"
    size = "-" if observation.body_bytes is None else observation.body_bytes
    return (
        f'{words.client or "-"} - - [{moment}] "{request}" {observation.status} {size}'
        f' "{shown(words.referer)}" "{shown(words.user_agent)}"'
        f' "{shown(words.request_id)}"\n'
    ).encode()


def _fitting(render: Callable[[int], bytes]) -> bytes:
    for length in _LENGTHS:
        line = render(length)
        if len(line) <= LONGEST_LINE_BYTES:
            return line
    raise AssertionError(len(line))


def _moment(words: Words) -> dt.datetime:
    return dt.datetime.fromtimestamp(words.received_at, dt.UTC)


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 6)


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[:length] + CUT


def _decoded(text: str) -> str:
    r"""Return a client's text with bytes that are no UTF-8 as ``\xHH``."""
    if text.isascii():
        return text
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _escaped(text: str) -> str:
    raw = text.encode("utf-8", "surrogateescape").decode("latin-1")
    return _UNSAFE.sub(_escape, raw)


def _escape(found: re.Match[str]) -> str:
    character = found[0]
    return f"\\{character}" if character in '"\\' else f"\\x{ord(character):02x}"
