"""Certificate files: which can be used, what is said of the others, and how they are exchanged."""

import ssl
import time

import pytest
from cryptography.hazmat.primitives import serialization

from apimctl.config import load
from apimctl.edge import self_signed, tls
from apimctl.errors import InvalidInputError


@pytest.fixture
def files(tmp_path):
    return written(tmp_path, "mine")


def written(folder, name):
    pair = self_signed.make(f"{name}.test", now=int(time.time()))
    paths = folder / f"{name}.pem", folder / f"{name}.key"
    for path, content in zip(paths, pair, strict=True):
        path.write_bytes(content)
    return paths


def settings(store_path, certificate="", private_key=""):
    flags = {"gateway.certificate": str(certificate), "gateway.private_key": str(private_key)}
    return load({"db": str(store_path), "config": "none.toml", **flags}, environ={})


def shown(context, trusted):
    """Return the certificate a client meets that trusts this one; no socket is needed."""
    client_context = ssl.create_default_context(cadata=trusted)
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = client_context.wrap_bio(to_client, to_server, server_hostname="127.0.0.1")
    server = context.wrap_bio(to_server, to_client, server_side=True)
    waiting = [client, server]
    while waiting:
        side = waiting.pop(0)
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            waiting.append(side)
    return ssl.DER_cert_to_PEM_cert(client.getpeercert(binary_form=True)), client


def test_a_certificate_comes_with_its_text_and_without_its_chain(files):
    certificate, key = files
    leaf = certificate.read_text()
    certificate.write_text(f"a comment\n{leaf}{self_signed.make('ca', now=0)[0].decode()}")
    _, pem = tls.read(certificate, key)
    assert pem == leaf


@pytest.mark.parametrize("number", [0, 1])
@pytest.mark.parametrize("damage", ["gone", "folder", "text", "empty", "cut"])
def test_files_that_cannot_be_used_are_named(files, number, damage):
    file = files[number]
    content = file.read_text()
    file.unlink()
    if damage == "folder":
        file.mkdir()
    elif damage != "gone":
        file.write_text({"text": "no PEM", "empty": "", "cut": content[:60]}[damage])
    with pytest.raises(InvalidInputError) as caught:
        tls.read(*files)
    assert str(file) in caught.value.message
    assert caught.value.hint


def test_a_key_of_another_certificate_is_refused(files, tmp_path):
    other = written(tmp_path, "other")
    with pytest.raises(InvalidInputError, match="does not belong to"):
        tls.read(files[0], other[1])


def test_files_in_the_wrong_order_are_refused(files):
    with pytest.raises(InvalidInputError, match="no certificate and private key"):
        tls.read(files[1], files[0])


def test_an_encrypted_key_is_refused_and_nobody_is_asked(files):
    key = serialization.load_pem_private_key(files[1].read_bytes(), password=None)
    encryption = serialization.BestAvailableEncryption(b"secret")
    pkcs8 = serialization.PrivateFormat.PKCS8
    files[1].write_bytes(key.private_bytes(serialization.Encoding.PEM, pkcs8, encryption))
    with pytest.raises(InvalidInputError, match="is encrypted"):
        tls.read(*files)


@pytest.mark.parametrize("missing", [0, 1])
def test_one_without_the_other_is_refused(files, store_path, missing):
    named = ["" if number == missing else file for number, file in enumerate(files)]
    with pytest.raises(InvalidInputError, match="go together"):
        tls.Certificate(settings(store_path, *named))
    assert not store_path.parent.exists()


def test_a_renewed_certificate_is_shown_to_those_who_come_later(files, store_path, tmp_path):
    certificate = tls.Certificate(settings(store_path, *files))
    first = files[0].read_text()
    assert shown(certificate.context, first)[0] == certificate.pem == first
    other = written(tmp_path, "other")
    for file, new in zip(files, other, strict=True):
        file.write_bytes(new.read_bytes())
    assert shown(certificate.context, first)[0] == first
    assert certificate.renew(settings(store_path, *files).gateway)
    second = other[0].read_text()
    assert shown(certificate.context, second)[0] == certificate.pem == second
    assert certificate.own_path is None


def test_a_new_file_that_is_of_no_use_keeps_the_old_certificate(files, store_path, caplog):
    named = settings(store_path, *files)
    certificate = tls.Certificate(named)
    first = files[0].read_text()
    files[0].write_text("no PEM")
    assert not certificate.renew(named.gateway)
    assert shown(certificate.context, first)[0] == certificate.pem == first
    assert "the certificate stays as it is" in caplog.text


def test_without_files_it_makes_its_own_which_strict_clients_accept(store):
    certificate = tls.Certificate(settings(store.path))
    assert certificate.own_path == self_signed.own_files(store.path)[0]
    assert shown(certificate.context, certificate.pem)[0] == certificate.own_path.read_text()


def test_it_speaks_http_1_1_in_tls_1_2_and_later(store):
    certificate = tls.Certificate(settings(store.path))
    assert certificate.context.minimum_version == ssl.TLSVersion.TLSv1_2
    _, client = shown(certificate.context, certificate.pem)
    assert client.version() == "TLSv1.3"
