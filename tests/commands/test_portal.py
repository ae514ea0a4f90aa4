def test_alone_it_shows_its_verbs_as_every_noun_does(cli):
    for arguments in (["portal"], ["portal", "--help"]):
        result = cli.ok(*arguments)
        assert result.stdout.startswith("Usage: apimctl portal [OPTIONS] COMMAND")
        assert "serve  Serve the API Store" in result.stdout
    assert "--http" in cli.ok("portal", "serve", "--help").stdout


def test_a_verb_that_it_has_not_is_a_usage_error(cli):
    result = cli("portal", "sevre", "--json")
    assert (result.code, result.error["code"]) == (2, "usage")


def test_certificate_and_key_go_together(cli):
    for one in ("--cert", "--key"):
        assert cli("portal", "serve", one, "a.pem").code == 2
    assert not cli.store.exists()


def test_passwords_do_not_travel_in_clear_over_a_network(cli):
    result = cli("portal", "serve", "--http", "--host", "192.0.2.1", "--json")
    assert result.code == 2
    assert "in clear" in result.error["message"]
    assert "proxy" in result.error["hint"]
    assert not cli.store.exists()
