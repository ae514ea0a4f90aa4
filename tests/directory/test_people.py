import asyncio
from dataclasses import replace

import pytest

from apimctl.directory.connection import LdapConnection
from apimctl.directory.people import Directory, Person, Refusal
from apimctl.domain.ldap import LdapSettings
from apimctl.errors import UserStoreError
from tests.slapd import (
    GROUPS,
    ODD_NAMES,
    OPEN,
    PEOPLE,
    SEARCHER_PASSWORD,
    SUFFIX,
    TEMPLATE,
    write_certificates,
)

pytestmark = pytest.mark.needs("slapd", "slapd")


@pytest.fixture(params=["by_template", "by_search"])
def settings(request, slapd):
    """Two ways to say who somebody is; what follows is the same for both."""
    return LdapSettings(**getattr(slapd, request.param))


def ask(settings, *log_ins, bind_password=SEARCHER_PASSWORD):
    """Return what came of each log-in, one after another on the same directory."""

    async def main():
        directory = Directory(settings, bind_password)
        try:
            return [await directory.log_in(*log_in) for log_in in log_ins]
        finally:
            directory.close()

    return asyncio.run(main())


def check(settings, *, bind_password=SEARCHER_PASSWORD):
    async def main():
        directory = Directory(settings, bind_password)
        try:
            return await directory.check()
        finally:
            directory.close()

    return asyncio.run(main())


def test_who_has_the_password_is_let_in(settings):
    right, wrong, unknown = ask(settings, ("alice", "ecila"), ("alice", "alice"), ("zed", "dez"))
    assert right == Person("alice", f"uid=alice,{PEOPLE}", None)
    assert wrong is Refusal.WRONG_PASSWORD
    assert unknown in {Refusal.UNKNOWN, Refusal.WRONG_PASSWORD}


@pytest.mark.parametrize("name", ODD_NAMES)
def test_a_name_is_a_value_whatever_is_in_it(settings, name):
    person, wrong = ask(settings, (name, name[::-1]), (name, "wrong"))
    assert isinstance(person, Person)
    assert person.name == name
    assert wrong is Refusal.WRONG_PASSWORD


@pytest.mark.parametrize(
    "name",
    [
        "*",
        "a*",
        "alice)(uid=*",
        "alice,ou=people",
        "alice\\",
        "alice\0",
        "\\61lice",
        "x)(|(uid=alice)",
        "alice+cn=x",
        "",
        " ",
    ],
)
def test_no_name_is_syntax(settings, name):
    """Each of these would find alice, or somebody, if it were part of a filter or a DN."""
    for refusal in ask(settings, (name, "ecila"), (name, "x")):
        assert refusal in {Refusal.UNKNOWN, Refusal.WRONG_PASSWORD}


@pytest.mark.parametrize("password", ["", "ecila\0", "\0", "\0ecila"])
def test_an_empty_password_or_one_with_a_nul_is_never_sent(settings, password):
    """The directory takes an empty one for an anonymous bind and says success: RFC 4513, 5.1.2."""
    assert ask(settings, ("alice", password)) == [Refusal.WRONG_PASSWORD]


def test_nobody_binds_with_a_dn_and_without_a_password():
    connection = LdapConnection("localhost")
    with pytest.raises(ValueError, match="uid=alice"):
        asyncio.run(connection.bind("uid=alice", ""))


def test_who_has_no_password_in_the_directory_is_not_let_in(settings):
    assert ask(settings, ("nopass", "x")) == [Refusal.WRONG_PASSWORD]


def test_a_search_tells_how_the_name_is_written(slapd):
    by_mail = "(|(uid={})(mail={}))"
    settings = LdapSettings(**slapd.by_search, search_filter=by_mail)
    typed_so = [("ALICE", "ecila"), ("Alice@Foo.com", "ecila")]
    assert [person.name for person in ask(settings, *typed_so)] == ["alice", "alice"]


def test_a_name_that_several_have_is_nobodys(slapd):
    settings = LdapSettings(**slapd.by_search, search_filter="(mail={})")
    for password in ("bob", "lorac"):
        assert ask(settings, ("shared@foo.com", password)) == [Refusal.AMBIGUOUS]


def test_a_filter_may_ask_for_more_than_the_name(slapd):
    settings = LdapSettings(**slapd.by_search, search_filter="(&(objectClass=person)(uid={}))")
    assert isinstance(ask(settings, ("bob", "bob"))[0], Person)
    none = replace(settings, search_filter="(&(objectClass=device)(uid={}))")
    assert ask(none, ("bob", "bob")) == [Refusal.UNKNOWN]


def test_the_search_may_be_nobodys_in_particular(slapd):
    settings = replace(LdapSettings(**slapd.by_search), bind_dn="", search_base=OPEN)
    found = ask(settings, ("erin", "nire"), ("erin", "x"), ("erin", "nire"), ("alice", "ecila"))
    assert [isinstance(one, Person) for one in found] == [True, False, True, False]


def test_groups_are_found_by_dn_and_by_name(settings):
    asked = replace(settings, group_base=GROUPS)
    alice, bob, odd = ask(asked, ("alice", "ecila"), ("bob", "bob"), ("star*", "*rats"))
    assert alice.groups == ("reader", "two words", "writer")
    assert bob.groups == ("reader",)
    assert odd.groups == ("others",)
    by_name = replace(asked, group_filter="(memberUid={name})")
    assert [one.groups for one in ask(by_name, ("alice", "ecila"), ("bob", "bob"))] == [
        ("posix",),
        (),
    ]


def test_a_check_connects_binds_and_looks_at_what_is_searched(settings):
    assert check(settings) == "TLSv1.3"
    assert check(replace(settings, group_base=GROUPS)) == "TLSv1.3"


@pytest.mark.parametrize(
    ("changes", "bind_password", "said"),
    [
        ({}, "wrong", "cannot bind as cn=searcher.*invalid credentials"),
        ({"bind_dn": f"cn=nobody,{SUFFIX}"}, "x", "cannot bind as cn=nobody"),
        ({"bind_dn": "nonsense"}, "x", "cannot bind as nonsense.*invalid dn"),
        ({"search_base": f"ou=gone,{SUFFIX}"}, SEARCHER_PASSWORD, "cannot search ou=gone"),
        ({"group_base": f"ou=gone,{SUFFIX}"}, SEARCHER_PASSWORD, "cannot search ou=gone"),
        ({"bind_dn": ""}, "", "cannot search ou=people"),
    ],
)
def test_a_store_that_is_not_set_up_right_says_what_is_wrong(slapd, changes, bind_password, said):
    settings = replace(LdapSettings(**slapd.by_search), **changes)
    with pytest.raises(UserStoreError, match=said):
        check(settings, bind_password=bind_password)
    with pytest.raises(UserStoreError, match=said):
        ask(settings, ("alice", "ecila"), bind_password=bind_password)


def test_start_tls_is_tls_before_any_password(slapd):
    settings = LdapSettings(
        slapd.plain, user_dn_template=TEMPLATE, start_tls=True, ca_file=slapd.ca_file
    )
    assert check(settings) == "TLSv1.3"
    assert isinstance(ask(settings, ("alice", "ecila"))[0], Person)


@pytest.mark.parametrize("start_tls", [False, True])
def test_a_certificate_of_a_stranger_is_refused(slapd, tmp_path, start_tls):
    write_certificates(tmp_path)
    url = slapd.plain if start_tls else slapd.tls
    for ca_file in (str(tmp_path / "ca.pem"), ""):
        settings = LdapSettings(
            url, user_dn_template=TEMPLATE, start_tls=start_tls, ca_file=ca_file
        )
        with pytest.raises(UserStoreError, match="certificate of localhost is not to be trusted"):
            ask(settings, ("alice", "ecila"))


@pytest.mark.parametrize("start_tls", [False, True])
def test_a_certificate_for_another_host_is_refused(slapd, start_tls):
    url = (slapd.plain if start_tls else slapd.tls).replace("localhost", "127.0.0.1")
    settings = LdapSettings(
        url, user_dn_template=TEMPLATE, start_tls=start_tls, ca_file=slapd.ca_file
    )
    with pytest.raises(UserStoreError, match=r"certificate of 127\.0\.0\.1 is not .*mismatch"):
        ask(settings, ("alice", "ecila"))


def test_a_ca_file_that_went_away_is_named(slapd, tmp_path):
    settings = LdapSettings(slapd.tls, user_dn_template=TEMPLATE, ca_file=str(tmp_path / "no.pem"))
    with pytest.raises(UserStoreError, match=r"CA file .*no\.pem"):
        ask(settings, ("alice", "ecila"))


def test_a_directory_that_was_restarted_is_asked_again(slapd):
    """The kept connection is lost, known to be so or not yet, and nobody who logs in notices."""

    async def main():
        directory = Directory(LdapSettings(**slapd.by_search), SEARCHER_PASSWORD)
        try:
            assert isinstance(await directory.log_in("alice", "ecila"), Person)
            await asyncio.to_thread(slapd.stop)
            with pytest.raises(UserStoreError, match="cannot connect to localhost"):
                await directory.log_in("alice", "ecila")
            await asyncio.to_thread(slapd.start)
            assert isinstance(await directory.log_in("alice", "ecila"), Person)
            slapd.stop()  # with the event loop standing still
            slapd.start()
            assert isinstance(await directory.log_in("alice", "ecila"), Person)
        finally:
            directory.close()

    asyncio.run(main())


def test_searches_are_the_searchers_whoever_logged_in_before(slapd):
    """In the directory of the tests, nobody else finds people."""
    asked = LdapSettings(**slapd.by_search)
    found = ask(asked, ("alice", "ecila"), ("bob", "bob"), ("bob", "wrong"), ("alice", "ecila"))
    assert [isinstance(one, Person) for one in found] == [True, True, False, True]


def test_many_log_ins_at_once_are_each_answered_for_their_own(slapd):
    """They share few connections, each of which is now one user's and now another's."""

    async def main():
        asked = LdapSettings(**slapd.by_search, group_base=GROUPS)
        directory = Directory(asked, SEARCHER_PASSWORD)
        names = [name for name in ("alice", "bob", "star*", "carol") for _ in range(8)]
        try:
            people = await asyncio.gather(
                *(directory.log_in(name, name[::-1]) for name in names),
                *(directory.log_in(name, "wrong") for name in names),
            )
        finally:
            directory.close()
        assert [person.name for person in people[: len(names)]] == names
        assert {person.groups for person in people[: len(names)] if person.name == "bob"} == {
            ("reader",)
        }
        assert set(people[len(names) :]) == {Refusal.WRONG_PASSWORD}

    asyncio.run(main())
