"""Command lines that can be pasted into a shell as they are."""

import shlex

from apimctl.portal.calls import Call
from apimctl.services.storefront import Sample

_METHODS = {"GET": (), "HEAD": ("--head",)}
"""How a method is said that is not just named: with ``-X HEAD``, curl would wait for a body."""


def call(gateway_url: str, sample: Sample, *, access_token: str, headers: dict[str, str]) -> str:
    """Return the line that makes a request with a token."""
    words = ["curl", *_METHODS.get(sample.method, ("-X", sample.method))]
    for name, value in {"Authorization": f"Bearer {access_token}", **headers}.items():
        words += ["-H", f"{name}: {value}"]
    return shlex.join([*words, f"{gateway_url}{sample.path}"])


def repeat(gateway_url: str, call: Call) -> str:
    """Return the line that sends again what the console has sent; its token is ``$TOKEN``."""
    words = ["curl", *_METHODS.get(call.method, ("-X", call.method))]
    if "[" in call.target:
        words.append("--globoff")  # to curl, brackets are ranges
    for name, value in call.headers:
        words += ["-H", f"{name}: {value}" if value else f"{name};"]
    if call.body:
        words += ["--data-raw", call.body.decode()]
        words += ["-X", "GET"] if call.method == "GET" else []
    bearer = ' -H "Authorization: Bearer $TOKEN"' if call.token else ""
    return f"{shlex.join([*words, f'{gateway_url}{call.target}'])}{bearer}"


def ask_for_token(gateway_url: str, *, consumer_key: str, consumer_secret: str) -> str:
    """Return the line that asks for another token (RFC 6749 section 4.4.2)."""
    client = f"{consumer_key}:{consumer_secret}"
    grant = "grant_type=client_credentials"
    return shlex.join(["curl", "-u", client, "-d", grant, f"{gateway_url}/token"])


def client_domain(pattern: str) -> str:
    """Return a domain that an allowed one lets through: ``www.example.com`` for a wildcard."""
    return pattern.replace("*", "www", 1)
