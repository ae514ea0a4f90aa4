"""Directories that are down, silent, endless, or somebody else."""

import asyncio
import contextlib
import socket
import ssl
import threading

import pytest
from sansldap import ExtendedOperations, LDAPServer
from sansldap import LDAPResultCode as Code

from apimctl.directory import people
from apimctl.directory.connection import LONGEST_ANSWER_BYTES, MOST_MESSAGES
from apimctl.directory.people import Directory
from apimctl.domain.ldap import LdapSettings
from apimctl.errors import UserStoreError
from tests.binary import TIMEOUT_SECONDS
from tests.slapd import TEMPLATE, free_port, write_certificates

SMALL_ENTRY = bytes.fromhex("30090201016404040030 00")
START_TLS = ExtendedOperations.LDAP_START_TLS.value


def settings_of(port, *, scheme="ldap", **more):
    return LdapSettings(f"{scheme}://localhost:{port}", user_dn_template=TEMPLATE, **more)


@contextlib.asynccontextmanager
async def directory_at(settings):
    directory = Directory(settings, "")
    try:
        yield directory
    finally:
        directory.close()


def log_in(settings):
    return asking(settings, with_password)


def with_password(directory):
    return directory.log_in("alice", "secret word")


def asking(settings, ask):
    async def main():
        async with directory_at(settings) as directory:
            return await ask(directory)

    return asyncio.run(main())


def talking_to(talk, *, ask=with_password, **more):
    """Log in to a peer that talks as told; return the error's message and all the peer heard."""
    heard = bytearray()

    def serve(listener):
        peer, _ = listener.accept()
        with peer, contextlib.suppress(OSError):
            peer.settimeout(TIMEOUT_SECONDS)
            talk(peer, heard)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(TIMEOUT_SECONDS)
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        with pytest.raises(UserStoreError) as raised:
            asking(settings_of(listener.getsockname()[1], **more), ask)
        thread.join()
    return raised.value.message, bytes(heard)


def hear(peer, heard):
    data = peer.recv(65536)
    heard += data
    return data


def test_a_directory_that_is_down_is_named():
    port = free_port()
    with pytest.raises(UserStoreError, match=f"localhost port {port}: Connection refused$"):
        log_in(settings_of(port))


def test_a_host_that_is_not_there_is_named():
    with pytest.raises(UserStoreError, match=r"cannot connect to nowhere\.invalid"):
        log_in(LdapSettings("ldaps://nowhere.invalid", user_dn_template=TEMPLATE))


@pytest.mark.parametrize(
    "how", [{}, {"scheme": "ldaps"}, {"start_tls": True}], ids=["plain", "ldaps", "start_tls"]
)
def test_a_silent_directory_is_given_up_in_time(how):
    """Its connections are taken by the system and never answered."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        settings = settings_of(listener.getsockname()[1], timeout_seconds=1, **how)
        with pytest.raises(UserStoreError, match="localhost did not answer within 1 s"):
            log_in(settings)


def test_each_store_has_its_own_timeout():
    async def main():
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
            async with (
                directory_at(settings_of(port, timeout_seconds=1)) as quick,
                directory_at(settings_of(port, timeout_seconds=60)) as slow,
            ):
                first, last = (
                    asyncio.create_task(one.log_in("alice", "x")) for one in (quick, slow)
                )
                done, _ = await asyncio.wait((first, last), return_when=asyncio.FIRST_COMPLETED)
                assert done == {first}
                assert isinstance(first.exception(), UserStoreError)
                last.cancel()
                await asyncio.wait((last,))

    asyncio.run(main())


def test_who_waits_for_a_silent_directory_holds_up_nobody_else():
    async def main():
        with socket.create_server(("127.0.0.1", 0)) as listener:
            settings = settings_of(listener.getsockname()[1], timeout_seconds=60, scheme="ldaps")
            async with directory_at(settings) as directory:
                waiting = [
                    asyncio.create_task(directory.log_in("alice", "x"))
                    for _ in range(people.MOST_WAITING)
                ]
                await asyncio.sleep(0)
                with pytest.raises(UserStoreError, match="too many log-ins wait"):
                    await directory.log_in("alice", "x")
                for task in waiting:
                    task.cancel()
                assert all(
                    isinstance(one, asyncio.CancelledError)
                    for one in await asyncio.gather(*waiting, return_exceptions=True)
                )

    asyncio.run(main())


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        (b"", "closed the connection"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "does not speak LDAP"),
        (b"\x30\x80\x00\x00", "does not speak LDAP"),
        (b"\x30\x0c\x02\x01\x63\x61\x07\x0a\x01\x00\x04\x00\x04\x00", "does not speak LDAP"),
        (bytes.fromhex("300e0200260265090a010604007f00a300"), "does not speak LDAP"),
        (b"\x30\x84\x7f\xff\xff\xff" + bytes(LONGEST_ANSWER_BYTES + 1), "answer is endless"),
    ],
    ids=[
        "nothing",
        "http",
        "indefinite length",
        "another message's answer",
        "cut short",
        "endless",
    ],
)
def test_what_is_no_directory_is_a_lost_connection(sent, said):
    def talk(peer, heard):
        hear(peer, heard)
        peer.sendall(sent)

    message, _ = talking_to(talk)
    assert said in message


def test_an_answer_of_another_kind_is_none():
    def talk(peer, heard):
        hear(peer, heard)
        peer.sendall(b"\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x00\x04\x00\x04\x00")

    message, _ = talking_to(talk)
    assert "the answer to a bind is none" in message


@pytest.mark.parametrize("is_secured", [False, True])
def test_what_a_directory_says_is_quoted_in_short_on_one_line(certified, tmp_path, is_secured):
    said = "not\nnow \x1b[31m" + "x" * 100_000

    def talk(peer, heard):
        with certified.wrap_socket(peer, server_side=True) if is_secured else peer as peer_:
            server = LDAPServer()
            (request,) = server.receive(hear(peer_, heard))
            server.bind_response(
                request.message_id, result_code=Code.BUSY, diagnostics_message=said
            )
            peer_.sendall(server.data_to_send())
            hear(peer_, heard)

    how = {"scheme": "ldaps", "ca_file": str(tmp_path / "ca.pem")} if is_secured else {}
    message, _ = talking_to(talk, **how)
    assert "busy (not\ufffdnow \ufffd[31mxxx" in message
    assert len(message) < 300


def test_a_disconnection_is_quoted_on_one_line():
    def talk(peer, heard):
        hear(peer, heard)
        notice = LDAPServer()
        notice._outstanding_requests = {0}
        notice.extended_response(
            0,
            name=ExtendedOperations.LDAP_NOTICE_OF_DISCONNECTION.value,
            result_code=Code.UNAVAILABLE,
            diagnostics_message="a\nb",
        )
        peer.sendall(notice.data_to_send())

    message, _ = talking_to(talk)
    assert "a\ufffdb" in message


@pytest.mark.parametrize("count", [MOST_MESSAGES + 1, LONGEST_ANSWER_BYTES])
def test_a_search_that_finds_too_much_is_given_up(count):
    def talk(peer, heard):
        hear(peer, heard)
        peer.sendall(SMALL_ENTRY * count)

    message, _ = talking_to(talk, ask=Directory.check)
    assert "the answer is endless" in message


def test_a_check_tells_a_directory_from_another_server():
    def talk(peer, heard):
        hear(peer, heard)
        peer.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    message, _ = talking_to(talk, ask=Directory.check)
    assert "does not speak LDAP" in message


def test_where_start_tls_is_refused_no_password_is_sent():
    def talk(peer, heard):
        server = LDAPServer()
        (request,) = server.receive(hear(peer, heard))
        server.extended_response(request.message_id, result_code=Code.PROTOCOL_ERROR)
        peer.sendall(server.data_to_send())
        hear(peer, heard)

    message, heard = talking_to(talk, start_tls=True)
    assert "localhost refuses StartTLS: protocol error" in message
    assert START_TLS.encode() in heard
    assert b"secret word" not in heard


@pytest.fixture
def certified(tmp_path):
    """Return the context of a server that `ca.pem` in `tmp_path` vouches for."""
    write_certificates(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server.pem", tmp_path / "server.key")
    return context


def test_half_an_answer_that_was_slipped_in_before_tls_is_forgotten(certified, tmp_path):
    """What comes by TLS is not taken for the rest of what somebody on the way began in clear."""

    def talk(peer, heard):
        server = LDAPServer()
        (request,) = server.receive(hear(peer, heard))
        server.extended_response(request.message_id)
        peer.sendall(server.data_to_send() + b"\x30")
        with certified.wrap_socket(peer, server_side=True) as secured:
            server = LDAPServer()
            (request,) = server.receive(secured.recv(65536))
            server.bind_response(request.message_id, result_code=Code.BUSY)
            secured.sendall(server.data_to_send())
            hear(secured, heard)

    message, _ = talking_to(talk, start_tls=True, ca_file=str(tmp_path / "ca.pem"))
    assert message == "cannot bind as the user at localhost: busy"


def test_an_answer_that_was_slipped_in_before_tls_ends_the_connection(certified, tmp_path):
    """Somebody on the way adds a successful bind behind the answer to StartTLS, in clear."""

    def talk(peer, heard):
        server, forged = LDAPServer(), LDAPServer()
        (request,) = server.receive(hear(peer, heard))
        server.extended_response(request.message_id)
        forged._outstanding_requests = {1, 2}
        forged.bind_response(1)
        forged.bind_response(2)
        peer.sendall(server.data_to_send() + forged.data_to_send())
        with certified.wrap_socket(peer, server_side=True) as secured:
            hear(secured, heard)

    message, heard = talking_to(talk, start_tls=True, ca_file=str(tmp_path / "ca.pem"))
    assert "localhost was lost" in message
    assert b"secret word" not in heard
