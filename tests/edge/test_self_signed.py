"""The gateway's own certificate: made on first use, kept until it expires, its owner's alone."""

import ipaddress
import ssl
import stat
from datetime import timedelta

import pytest
from cryptography import x509

from apimctl.edge import self_signed
from apimctl.errors import StoreUnreadableError
from tests.conftest import NOW

DAY = 86_400


@pytest.fixture
def path(tmp_path):
    return tmp_path / "apimctl.db"


def contents(path):
    return [file.read_bytes() for file in self_signed.own_files(path)]


def test_it_is_made_once_and_kept(path):
    assert self_signed.ensure(path, now=NOW)
    made = contents(path)
    assert not self_signed.ensure(path, now=NOW + 824 * DAY)
    assert contents(path) == made


def test_it_is_its_owners_alone(path):
    self_signed.ensure(path, now=NOW)
    files = self_signed.own_files(path)
    assert [file.name for file in files] == ["cert.pem", "key.pem"]
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    folder = path.with_name("apimctl.db.tls")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert sorted(folder.iterdir()) == sorted(files)


def test_it_is_made_anew_when_it_has_expired(path):
    self_signed.ensure(path, now=NOW)
    made = contents(path)
    assert self_signed.ensure(path, now=NOW + 825 * DAY)
    assert not set(contents(path)) & set(made)


@pytest.mark.parametrize("damage", ["cut", "gone", "of another"])
@pytest.mark.parametrize("number", [0, 1])
def test_a_pair_that_is_of_no_use_is_made_anew(path, damage, number):
    self_signed.ensure(path, now=NOW)
    file = self_signed.own_files(path)[number]
    if damage == "gone":
        file.unlink()
    else:
        other = self_signed.make("else", now=NOW)[number]
        file.write_bytes(other if damage == "of another" else other[:100])
    assert self_signed.ensure(path, now=NOW)
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(*self_signed.own_files(path))


def test_it_is_a_certificate_that_every_client_accepts():
    pem, _ = self_signed.make("gate.example.com", now=NOW)
    certificate = x509.load_pem_x509_certificate(pem)
    length = certificate.not_valid_after_utc - certificate.not_valid_before_utc
    assert length <= timedelta(days=825)
    assert certificate.not_valid_before_utc.timestamp() < NOW
    assert certificate.public_key().curve.name == "secp256r1"
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["localhost", "gate.example.com"]
    assert names.get_values_for_type(x509.IPAddress) == [
        ipaddress.ip_address("127.0.0.1"),
        ipaddress.ip_address("::1"),
    ]


@pytest.mark.parametrize("name", ["", "localhost", "m\xfcller", "a b", "a" * 64, "a..b"])
def test_a_host_name_that_no_certificate_can_hold_is_left_out(name):
    certificate = x509.load_pem_x509_certificate(self_signed.make(name, now=NOW)[0])
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["localhost"]


def test_a_folder_that_cannot_be_is_said(path):
    path.with_name("apimctl.db.tls").write_text("in the way")
    with pytest.raises(StoreUnreadableError) as caught:
        self_signed.ensure(path, now=NOW)
    assert "apimctl.db.tls" in caught.value.message
