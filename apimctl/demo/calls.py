"""A call to the gateway, its answer, and whether that is the one it should be."""

import base64
import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from apimctl.demo.interruption import Interruption
from apimctl.errors import ApimctlError

API_PATH = "/twitter/1.0.0/"
"""Context and version of the API that is called."""

TIMEOUT_SECONDS = 20.0

AS_EXPECTED = "as expected"
NOT_AS_EXPECTED = "NOT as expected"


@dataclass(frozen=True, slots=True)
class Call:
    """One request. `token` and `client` are secrets, and in no text that a Call makes."""

    path: str
    token: str | None = None
    domain: str | None = None
    form: Mapping[str, str] | None = None
    client: tuple[str, str] | None = None

    @property
    def method(self) -> str:
        """GET, or POST for one with a form."""
        return "POST" if self.form else "GET"

    @property
    def shown(self) -> str:
        """What tells it from the others: method, path (below API_PATH), domain, grant."""
        shown = f"{self.method} {self.path.removeprefix(API_PATH)}"
        if self.domain:
            shown += f"  domain: {self.domain}"
        if self.form and "grant_type" in self.form:
            shown += f"  grant={self.form['grant_type']}"
        return shown

    @property
    def headers(self) -> dict[str, str]:
        """The headers that are sent."""
        headers = {}
        if self.token is not None:
            headers["Authorization"] = f"Bearer {self.token}"
        if self.client is not None:
            pair = base64.b64encode(":".join(self.client).encode()).decode()
            headers["Authorization"] = f"Basic {pair}"
        if self.domain is not None:
            headers["domain"] = self.domain
        if self.form:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        return headers


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: in words, and the fields of its JSON, if it is any."""

    text: str
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the demo's table."""

    step: str
    call: Call
    answer: str
    expected: str

    @property
    def is_as_expected(self) -> bool:
        """Whether the gateway did as it should."""
        return self.answer == self.expected

    def shape(self) -> dict[str, str | None]:
        """Return the fields that are printed, none of them a secret."""
        return {
            "step": self.step,
            "request": self.call.shown,
            "method": self.call.method,
            "path": self.call.path,
            "domain": self.call.domain,
            "answer": self.answer,
            "expected": self.expected,
            "verdict": AS_EXPECTED if self.is_as_expected else NOT_AS_EXPECTED,
        }


def ask(url: str, call: Call, *, interruption: Interruption) -> Answer:
    """Make a call on a connection of its own. Raises ApimctlError if nothing comes back."""
    address = urlsplit(url)
    connection = http.client.HTTPConnection(
        address.hostname or "", address.port, timeout=TIMEOUT_SECONDS
    )
    try:
        with interruption.waiting():
            connection.request(
                call.method,
                call.path,
                body=urlencode(call.form).encode() if call.form else None,
                headers=call.headers,
            )
            with connection.getresponse() as response:
                body = response.read()
    except (OSError, http.client.HTTPException) as error:
        raise ApimctlError(f"no answer to {call.shown}: {error or type(error).__name__}") from None
    finally:
        connection.close()
    fields = _fields(body)
    return Answer(_in_words(response, fields), fields)


def _in_words(response: http.client.HTTPResponse, fields: Mapping[str, Any]) -> str:
    """Return the status with the fault, the OAuth error or the backend that explains it."""
    environment = response.getheader("X-Environment")
    match fields:
        case {"fault": {"code": code, "message": message}}:
            return f"{response.status} {code} {message}"
        case {"error": error}:
            return f"{response.status} {error}"
        case _ if environment:
            return f"{response.status} from {environment}"
    return str(response.status)


def _fields(body: bytes) -> Mapping[str, Any]:
    try:
        fields = json.loads(body)
    except ValueError:
        return {}
    return fields if isinstance(fields, dict) else {}
