"""Parameters of a request to the Login API, every one once (RFC 6749 sections 3.1 and 3.2)."""

import asyncio
from urllib.parse import parse_qsl

from authlib.oauth2.rfc6749 import InvalidRequestError

from apimctl.edge.request import BadBodyError, Request

LONGEST_FORM_BYTES = 64 * 1024
MOST_PARAMETERS = 100
FORM_SECONDS = 15.0
"""How long a client may take for a form."""

FORM_TYPE = "application/x-www-form-urlencoded"


async def read_form(request: Request, *, needs: str | None = None) -> dict[str, str]:
    """Return the form's parameters, each once, `needs` among them.

    Raises InvalidRequestError.
    """
    if request.content_type != FORM_TYPE:
        raise InvalidRequestError(f"Send the parameters as {FORM_TYPE}.")
    body = bytearray()
    try:
        # Most forms come with their heads: a timer for each would be one more cost of `/token`.
        async with asyncio.timeout(None if request.content.is_eof() else FORM_SECONDS):
            async for chunk in request.content.iter_any():
                body += chunk
                if len(body) > LONGEST_FORM_BYTES:
                    raise InvalidRequestError(
                        f"The form is longer than {LONGEST_FORM_BYTES} bytes."
                    )
    except TimeoutError:
        raise InvalidRequestError("The form stopped coming.") from None
    except BadBodyError:
        raise InvalidRequestError("The form is not framed as RFC 9112 has it.") from None
    form = read_parameters(bytes(body))
    if needs is not None and needs not in form:
        raise InvalidRequestError(f"Send the parameter {needs}.")
    return form


def read_query(query: str) -> dict[str, str]:
    """Return the parameters of a query, as it came. Raises InvalidRequestError."""
    return read_parameters(query.encode("utf-8", "surrogateescape"))


def read_parameters(text: bytes) -> dict[str, str]:
    """Return form-encoded parameters, each once. Raises InvalidRequestError."""
    try:
        pairs = parse_qsl(
            text.decode("utf-8"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=MOST_PARAMETERS,
        )
    except ValueError:
        raise InvalidRequestError("The parameters cannot be read as UTF-8.") from None
    parameters = dict(pairs)
    if len(parameters) != len(pairs):
        raise InvalidRequestError("A parameter was sent more than once.")
    if any("\x00" in value for value in parameters.values()):
        raise InvalidRequestError("A parameter holds a NUL.")
    # An empty value counts as an absent one (RFC 6749 section 3.1).
    return {name: value for name, value in parameters.items() if value}
