"""A real directory: Debian's slapd on free loopback ports, with a CA of its own.

Its people have their names backwards as passwords. `cn=searcher` may look around, with the
password `magnifier`; who logged in may look at groups only, and everybody below `ou=open`.
"""

import base64
import contextlib
import datetime as dt
import ipaddress
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.binary import TIMEOUT_SECONDS
from tests.e2e.waiting import until

SUFFIX = "dc=foo,dc=com"
PEOPLE = f"ou=people,{SUFFIX}"
GROUPS = f"ou=groups,{SUFFIX}"
OPEN = f"ou=open,{SUFFIX}"
SEARCHER = f"cn=searcher,{SUFFIX}"
SEARCHER_PASSWORD = "magnifier"
TEMPLATE = f"uid={{}},{PEOPLE}"

ODD_NAMES = (
    "a,b+c=d",
    "star*",
    "p)(uid=*",
    "back\\slash",
    'quo"te',
    "#hash;<>",
    "\u00fcn\u00ef\u4e2d",
    "two words",
)
"""Names that are syntax somewhere: each is one person's, and lets nobody else in."""

_CONFIGURATION = """
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/nis.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile {folder}/slapd.pid
TLSCertificateFile {folder}/server.pem
TLSCertificateKeyFile {folder}/server.key
database mdb
suffix "{suffix}"
directory {folder}/data
maxsize 10485760
access to attrs=userPassword by anonymous auth by * none
access to dn.subtree="{open_}" by * read
access to dn.subtree="{people}" by dn.exact="{searcher}" read by * none
access to * by users read by * none
"""


@dataclass
class Slapd:
    """A directory that can be stopped and started again on the same ports."""

    folder: Path
    ports: tuple[int, int]
    process: subprocess.Popen | None = field(default=None, repr=False)

    @property
    def plain(self) -> str:
        return f"ldap://localhost:{self.ports[0]}"

    @property
    def tls(self) -> str:
        return f"ldaps://localhost:{self.ports[1]}"

    @property
    def ca_file(self) -> str:
        return str(self.folder / "ca.pem")

    @property
    def by_template(self) -> dict:
        return {"url": self.tls, "ca_file": self.ca_file, "user_dn_template": TEMPLATE}

    @property
    def by_search(self) -> dict:
        found_by = {"search_base": PEOPLE, "bind_dn": SEARCHER}
        return {"url": self.tls, "ca_file": self.ca_file, **found_by}

    def start(self) -> None:
        urls = f"ldap://127.0.0.1:{self.ports[0]} ldaps://127.0.0.1:{self.ports[1]}"
        with (self.folder / "log").open("a") as log:
            self.process = subprocess.Popen(
                [program("slapd"), "-d", "0", "-h", urls, "-f", self.folder / "slapd.conf"],
                stdout=log,
                stderr=log,
            )
        until(lambda: all(_answers(port) for port in self.ports) or self._has_ended())

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(TIMEOUT_SECONDS)

    def _has_ended(self):
        assert self.process.poll() is None, (self.folder / "log").read_text()


def program(name: str) -> str:
    """Return where a program is; Debian keeps slapd's where only root looks."""
    return shutil.which(name) or f"/usr/sbin/{name}"


@contextlib.contextmanager
def running_slapd(folder: Path) -> Iterator[Slapd]:
    write_certificates(folder)
    (folder / "data").mkdir()
    configuration = _CONFIGURATION.format(
        folder=folder, suffix=SUFFIX, open_=OPEN, people=PEOPLE, searcher=SEARCHER
    )
    (folder / "slapd.conf").write_text(configuration)
    (folder / "people.ldif").write_text(_ldif())
    subprocess.run(
        [program("slapadd"), "-f", folder / "slapd.conf", "-l", folder / "people.ldif"],
        check=True,
        capture_output=True,
        timeout=TIMEOUT_SECONDS,
    )
    slapd = Slapd(folder, (free_port(), free_port()))
    slapd.start()
    try:
        yield slapd
    finally:
        slapd.stop()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def write_certificates(folder: Path) -> None:
    """Write a CA, and the certificate of `localhost` that it signed."""
    ca_key, ca_name = ec.generate_private_key(ec.SECP256R1()), _named("a CA of the tests")
    ca = _certificate(ca_name, ca_key, ca_name, ca_key, ca=True)
    key = ec.generate_private_key(ec.SECP256R1())
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.9"))]
    server = _certificate(_named("localhost"), key, ca_name, ca_key, names=names)
    (folder / "ca.pem").write_bytes(ca.public_bytes(serialization.Encoding.PEM))
    (folder / "server.pem").write_bytes(server.public_bytes(serialization.Encoding.PEM))
    (folder / "server.key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )


def _named(name):
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])


def _certificate(subject, key, issuer, issuer_key, *, ca=False, names=()):
    now = dt.datetime.now(dt.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


def _answers(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
        return True
    return False


def _ldif() -> str:
    entries = [
        _entry(SUFFIX, ("objectClass", "dcObject", "organization"), dc="foo", o="foo"),
        *(
            _entry(base, ("objectClass", "organizationalUnit"), ou=base.split(",")[0][3:])
            for base in (PEOPLE, GROUPS, OPEN)
        ),
        _entry(
            SEARCHER,
            ("objectClass", "organizationalRole", "simpleSecurityObject"),
            cn="searcher",
            userPassword=SEARCHER_PASSWORD,
        ),
        *(_person(name) for name in ODD_NAMES),
        _person("alice", mail="alice@foo.com"),
        _person("bob", mail="shared@foo.com"),
        _person("carol", mail="shared@foo.com"),
        _person("nopass", has_password=False),
        _person("erin", base=OPEN),
        *(
            _entry(
                f"cn={name},{GROUPS}",
                ("objectClass", "groupOfNames"),
                cn=name,
                member=[_dn(who) for who in members],
            )
            for name, members in {
                "reader": ("alice", "bob"),
                "writer": ("alice",),
                "two words": ("alice",),
                "others": ("star*",),
            }.items()
        ),
        _entry(
            f"cn=posix,{GROUPS}",
            ("objectClass", "posixGroup"),
            cn="posix",
            gidNumber="100",
            memberUid="alice",
        ),
    ]
    return "\n".join(entries)


def _dn(uid, base=PEOPLE) -> str:
    return f"uid={''.join(f'{chr(92)}{octet:02x}' for octet in uid.encode())},{base}"


def _person(uid, *, base=PEOPLE, has_password=True, **more) -> str:
    if has_password:
        more["userPassword"] = uid[::-1]
    return _entry(_dn(uid, base), ("objectClass", "inetOrgPerson"), uid=uid, cn="x", sn="x", **more)


def _entry(dn, classes, **attributes) -> str:
    lines = [f"dn: {dn}", *(f"objectClass: {one}" for one in classes[1:])]
    for name, values in attributes.items():
        held = values if isinstance(values, list) else [values]
        lines += [f"{name}:: {base64.b64encode(value.encode()).decode()}" for value in held]
    return "\n".join([*lines, ""])
