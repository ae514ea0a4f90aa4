"""A request that a benchmark sends over and over, and sending it once."""

import http.client
from dataclasses import dataclass, field
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Call:
    """A request; with `tokens`, each time with the next one as bearer."""

    url: str
    headers: dict[str, str] = field(default_factory=dict, repr=False)
    method: str = "GET"
    body: str = ""
    tokens: tuple[str, ...] = field(default=(), repr=False)


class WrongAnswerError(Exception):
    """A server does not answer as it should: it would be measured at something else."""


def ask(call: Call) -> str:
    """Return the body of the answer. Raises WrongAnswerError for any status but 200, OSError."""
    url = urlsplit(call.url)
    bearer = {"Authorization": f"Bearer {call.tokens[0]}"} if call.tokens else {}
    connection = http.client.HTTPConnection(url.netloc, timeout=60)
    try:
        connection.request(call.method, url.path, call.body or None, {**call.headers, **bearer})
        response = connection.getresponse()
        body = response.read().decode()
    finally:
        connection.close()
    if response.status != http.HTTPStatus.OK:
        raise WrongAnswerError(f"{call.url} answers {response.status}: {body[:200]}")
    return body
