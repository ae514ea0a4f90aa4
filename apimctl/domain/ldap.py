"""How an LDAP directory is asked who a user is: settings, templates, escaping.

A name that a stranger typed becomes part of a DN or a filter only through the functions here, and
every character that is no letter or digit of ASCII is escaped: it is a value, never syntax.
"""

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from apimctl.domain.names import check_text, printable
from apimctl.errors import InvalidInputError

LDAP_PORT = 389
LDAPS_PORT = 636
MOST_TIMEOUT_SECONDS = 60

PLACE = "{}"
NAME_PLACE = "{name}"

_PLAIN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")
_ATTRIBUTE = re.compile(r"[A-Za-z][A-Za-z0-9-]*|[0-9]+(?:\.[0-9]+)+", re.ASCII)
_NAMING = re.compile(r"\(([A-Za-z][A-Za-z0-9-]*)=\{\}\)", re.ASCII)
_HOST = re.compile(
    r"(?:[A-Za-z0-9_-]{1,63}\.){0,20}[A-Za-z0-9_-]{1,63}|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*", re.ASCII
)


@dataclass(frozen=True, slots=True)
class LdapSettings:
    """How a directory is asked. What is empty is not used.

    Either `user_dn_template` names every user, or a search from `search_base` finds them. In both
    templates ``{}`` stands for the user's name; in `group_filter` for the user's DN, and ``{name}``
    for the name. `timeout_seconds` is for a whole log-in.
    """

    url: str
    user_dn_template: str = ""
    search_base: str = ""
    search_filter: str = "(uid={})"
    bind_dn: str = ""
    start_tls: bool = False
    without_tls: bool = False
    ca_file: str = ""
    timeout_seconds: int = 5
    group_base: str = ""
    group_filter: str = "(member={})"
    group_attribute: str = "cn"

    @property
    def address(self) -> tuple[str, int]:
        """Host and port."""
        parts = urlsplit(self.url)
        standard = LDAPS_PORT if self.is_ldaps else LDAP_PORT
        return parts.hostname or "", parts.port or standard

    @property
    def is_ldaps(self) -> bool:
        """Whether the connection begins with TLS."""
        return self.url.startswith("ldaps:")

    @property
    def name_attribute(self) -> str | None:
        """The attribute that holds the user's name, where the search filter says which it is."""
        found = _NAMING.search(self.search_filter)
        return found[1] if found else None

    def user_dn(self, name: str) -> str:
        """Return the DN of the user of that name, by the template."""
        return self.user_dn_template.replace(PLACE, escape_dn_value(name))

    def user_filter(self, name: str) -> str:
        """Return the filter that finds the user of that name."""
        return self.search_filter.replace(PLACE, escape_filter_value(name))

    def groups_filter(self, dn: str, name: str) -> str:
        """Return the filter that finds the groups of a user."""
        by_dn = escape_filter_value(dn)
        parts = [
            part.replace(NAME_PLACE, escape_filter_value(name))
            for part in self.group_filter.split(PLACE)
        ]
        return by_dn.join(parts)


def escape_dn_value(text: str) -> str:
    r"""Return the text as the value of a part of a DN, ``\xx`` for what is not plain (RFC 4514)."""
    return _escaped(text)


def escape_filter_value(text: str) -> str:
    r"""Return the text as a value of a search filter, ``\xx`` for what is not plain (RFC 4515)."""
    return _escaped(text)


def _escaped(text: str) -> str:
    return "".join(chr(octet) if octet in _PLAIN else f"\\{octet:02x}" for octet in text.encode())


def check_settings(settings: LdapSettings) -> LdapSettings:
    """Return the settings if they make sense together. Raises InvalidInputError."""
    _check_url(settings)
    _check_who(settings)
    _check_template(settings.user_dn_template, what="user DN template", places=(PLACE,))
    _check_template(settings.search_filter, what="search filter", places=(PLACE,))
    _check_template(settings.group_filter, what="group filter", places=(PLACE, NAME_PLACE))
    _check_dn(settings.user_dn_template, what="user DN template")
    _check_dn(settings.search_base, what="search base")
    _check_dn(settings.bind_dn, what="bind DN", may_be_a_name=True)
    _check_dn(settings.group_base, what="group base")
    if not _ATTRIBUTE.fullmatch(settings.group_attribute):
        raise InvalidInputError(
            f"{printable(settings.group_attribute)!r} is no name of an attribute",
            hint="Name the attribute that holds a group's name, as cn.",
        )
    if not 0 < settings.timeout_seconds <= MOST_TIMEOUT_SECONDS:
        raise InvalidInputError(
            f"a timeout of {settings.timeout_seconds} s is too long",
            hint=f"Use 1s to {MOST_TIMEOUT_SECONDS}s: users wait for it.",
        )
    return settings


def _check_url(settings: LdapSettings) -> None:
    url = settings.url
    hint = "Try ldaps://ldap.foo.com, or ldap://ldap.foo.com with --start-tls."
    try:
        parts = urlsplit(url)
        has_port = parts.port is None or parts.port > 0
    except ValueError:
        raise InvalidInputError("the URL has no usable host and port", hint=hint) from None
    if parts.username is not None or parts.password is not None:
        raise InvalidInputError(
            "the URL holds a user name or a password",
            hint="Leave out everything before the @; see --bind-dn and --bind-password-stdin.",
        )
    if parts.scheme not in {"ldap", "ldaps"}:
        raise InvalidInputError(f"{printable(url)!r} is not an ldap or ldaps URL", hint=hint)
    host = parts.hostname or ""
    is_bare = parts.path in {"", "/"} and not parts.query and not parts.fragment
    if not _HOST.fullmatch(host) or not has_port or not is_bare:
        raise InvalidInputError(f"{printable(url)!r} is not just a host and a port", hint=hint)
    if settings.is_ldaps and (settings.start_tls or settings.without_tls):
        raise InvalidInputError(
            "an ldaps URL has TLS from the start", hint="Leave out --start-tls and --without-tls."
        )
    if settings.start_tls and settings.without_tls:
        raise InvalidInputError("with and without TLS exclude each other", hint="Choose one.")
    if not (settings.is_ldaps or settings.start_tls or settings.without_tls or _is_loopback(host)):
        raise InvalidInputError(
            f"passwords would go to {host} in clear",
            hint="Use ldaps, or --start-tls; --without-tls if nobody can listen on the way.",
        )


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _check_who(settings: LdapSettings) -> None:
    if bool(settings.user_dn_template) == bool(settings.search_base):
        raise InvalidInputError(
            "users are either named by a DN template or found by a search",
            hint='Give --user-dn-template "uid={},ou=people,dc=foo,dc=com" or --search-base DN,'
            ' and "" for the other.',
        )


def _check_template(text: str, *, what: str, places: tuple[str, ...]) -> None:
    check_text(text, what=what)
    if text and not any(place in text for place in places):
        raise InvalidInputError(
            f"the {what} {printable(text)!r} has no place for the user",
            hint=f"Write {' or '.join(places)} where the user belongs.",
        )


def _check_dn(text: str, *, what: str, may_be_a_name: bool = False) -> None:
    """Refuse what cannot be a DN; Active Directory binds ``svc@foo.com`` as well."""
    check_text(text, what=what)
    if text and "=" not in text and not may_be_a_name:
        raise InvalidInputError(
            f"the {what} {printable(text)!r} is not a distinguished name",
            hint="Write it as ou=people,dc=foo,dc=com.",
        )
