import socket


def test_without_a_gateway_the_status_is_not_found(cli):
    result = cli("gateway", "status", "--json")
    assert (result.code, result.json) == (3, [])
    assert result.error["code"] == "not_found"
    assert "apimctl gateway serve" in result.error["hint"]


def test_waiting_for_a_gateway_ends(cli):
    assert cli("gateway", "status", "--wait", "1s").code == 3


def test_routes_are_the_paths_of_what_is_served(cli, api):
    (route,) = cli.data("gateway", "routes")
    assert list(route) == ["path", "api", "state", "production_url", "sandbox_url"]
    assert (route["path"], route["api"]) == ("/twitter/1.0.0/*", "twitter:1.0.0")
    cli.ok("api", "update", api, "--default")
    assert cli.ok("gateway", "routes", "--format", "value").stdout == (
        "/twitter/1.0.0/*\n/twitter/*\n"
    )
    cli.ok("api", "block", api)
    assert cli.ok("gateway", "routes", "--json").stdout == "[]\n"


def test_serving_on_a_port_in_use_is_a_conflict(cli):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = cli("gateway", "serve", "--port", port)
    assert (result.code, result.stdout) == (5, "")
    assert f"port {port} on 127.0.0.1 is in use" in result.stderr
    assert "--port" in result.stderr


def test_what_cannot_be(cli):
    for arguments, code in (
        (("serve", "--port", "http"), 6),
        (("serve", "--port", "65536"), 6),
        (("serve", "--host", "a b"), 6),
        (("serve", "--host", "127.0.0.1/8"), 6),
        (("serve", "--host", "192.0.2.1", "--port", "0"), 6),
        (("status", "--wait", "never"), 2),
    ):
        result = cli("gateway", *arguments)
        assert (result.code, result.stdout) == (code, ""), arguments
        assert "hint:  " in result.stderr
