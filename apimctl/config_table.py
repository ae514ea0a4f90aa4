"""Every setting, as one table: key, default, how it is read, what it is."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from apimctl import config_values
from apimctl.domain.partitions import parse_partitions
from apimctl.domain.validity import parse_validity


@dataclass(frozen=True, slots=True)
class Definition:
    """A setting: its default as text, what reads such a text, and what `config list` says of it.

    `flag` is the option that sets it, where that is not its last word.
    """

    default: str
    parse: Callable[[str], Any]
    description: str
    flag: str = ""


DEFINITIONS: Mapping[str, Definition] = {
    "gateway.host": Definition("127.0.0.1", config_values.host, "Address the gateway listens on"),
    "gateway.port": Definition(
        "8280", config_values.port, "Port the gateway listens on, 0 for any free one"
    ),
    "gateway.tls_port": Definition(
        "off",
        config_values.port_or_off,
        "Port for TLS, 0 for any free one, or off",
        flag="tls-port",
    ),
    "gateway.admin_port": Definition(
        "8281",
        config_values.port_or_off,
        "Port on 127.0.0.1 for health and metrics, 0 for any free one, or off",
        flag="admin-port",
    ),
    "gateway.workers": Definition(
        "1",
        config_values.workers,
        "Processes that serve; auto: as many as there are processors to use",
    ),
    "gateway.certificate": Definition(
        "",
        config_values.path,
        "PEM file of the certificate for TLS; none: a self-signed one",
        flag="cert",
    ),
    "gateway.private_key": Definition(
        "", config_values.path, "PEM file of the certificate's private key", flag="key"
    ),
    "gateway.client_domain_header": Definition(
        "domain", config_values.header_name, "Request header compared with a key's allowed domains"
    ),
    "gateway.remove_oauth_headers": Definition(
        "true",
        config_values.switch,
        "Whether the access token is removed from the forwarded request",
    ),
    "gateway.connect_timeout": Definition(
        "5s", config_values.duration, "How long a backend may take to accept a connection"
    ),
    "gateway.backend_timeout": Definition(
        "60s", config_values.duration, "How long a backend may be silent"
    ),
    "gateway.circuit_failures": Definition(
        "5", config_values.count, "Refused connections in a row that open a backend's circuit"
    ),
    "gateway.circuit_open": Definition(
        "5s", config_values.duration, "How long an open circuit keeps requests from its backend"
    ),
    "gateway.request_body_limit": Definition(
        "100MiB", config_values.size, "Longest body of a request, 0 for any"
    ),
    "gateway.header_timeout": Definition(
        "15s", config_values.duration, "How long a client may take for the head of a request"
    ),
    "gateway.body_timeout": Definition(
        "60s", config_values.duration, "How long a client may pause within the body of a request"
    ),
    "gateway.trusted_proxies": Definition(
        "",
        config_values.networks,
        "Proxies whose Forwarded and X-Forwarded-* headers count, as 10.0.0.0/8",
    ),
    "gateway.drain": Definition(
        "15s",
        config_values.duration,
        "How long requests may go on once the gateway is told to stop",
    ),
    "gateway.access_log": Definition(
        "off",
        config_values.log_format,
        "Format of the access log: off, json or combined",
        flag="access-log",
    ),
    "gateway.access_log_file": Definition(
        "", config_values.path, "File of the access log; none: stdout", flag="access-log-file"
    ),
    "tokens.application_validity": Definition(
        "3600", parse_validity, "Validity of application access tokens"
    ),
    "tokens.user_validity": Definition("3600", parse_validity, "Validity of user access tokens"),
    "tokens.refresh_validity": Definition("86400", parse_validity, "Validity of refresh tokens"),
    "tokens.code_validity": Definition(
        "300", config_values.duration, "Validity of authorization codes"
    ),
    "tokens.timestamp_skew": Definition(
        "0", config_values.skew, "How long an expired access token is still accepted"
    ),
    "tokens.partitions": Definition(
        "",
        parse_partitions,
        "User stores whose tokens are kept apart, as A:foo.com, B:bar.com",
    ),
    "tokens.purge_after": Definition(
        "7d", parse_validity, "How long tokens are remembered that are over"
    ),
    "audit.retention": Definition("90d", parse_validity, "How long the audit log is kept"),
    "login_api.grants": Definition(
        "authorization_code,client_credentials,password,refresh_token",
        config_values.grants,
        "Grants the Login API accepts",
    ),
    "login_api.issuer": Definition(
        "",
        config_values.issuer,
        "URL by which clients know the Login API; none: the one they call it by",
    ),
    "login_api.introspection": Definition(
        "own", config_values.introspection, "Whose tokens a client may introspect: own or any"
    ),
    "portal.host": Definition("127.0.0.1", config_values.host, "Address the API Store listens on"),
    "portal.port": Definition(
        "9443", config_values.port, "Port the API Store listens on, 0 for any free one"
    ),
    "portal.url": Definition(
        "", config_values.web_url, "URL that browsers know the API Store by; none: what they ask"
    ),
    "portal.gateway_url": Definition(
        "",
        config_values.web_url,
        "URL of the gateway that the API Store shows; none: that of one which runs",
    ),
    "portal.sign_up": Definition(
        "off", config_values.switch, "Whether strangers may sign up in the API Store"
    ),
}
"""In the order in which `config list` shows them."""
