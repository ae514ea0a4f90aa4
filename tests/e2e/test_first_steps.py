import json


def test_a_key_is_the_very_first_command(cli):
    result = cli("key", "generate", "--sandbox", "--json")
    assert result.code == 0
    assert list(result.json) == [
        "application",
        "key_type",
        "consumer_key",
        "consumer_secret",
        "access_token",
        "validity_seconds",
        "expires_at",
        "allowed_domains",
    ]
    assert result.json["application"] == "DefaultApplication"
    assert result.json["key_type"] == "SANDBOX"
    assert cli.store.exists()


def test_renewing_follows_generating_without_an_option(cli):
    generated = cli.data("key", "generate", "--sandbox")
    renewed = cli.data("token", "renew")
    assert list(renewed) == [
        "application",
        "key_type",
        "access_token",
        "validity_seconds",
        "expires_at",
    ]
    assert renewed["key_type"] == "SANDBOX"
    assert renewed["access_token"] != generated["access_token"]


def test_renewing_with_nothing_to_renew_says_what_to_do(cli):
    result = cli("token", "renew")
    assert result.code == 3
    assert "apimctl key generate --production" in result.stderr
    assert result.stdout == ""


def test_serving_is_the_very_first_command(cli, gateway):
    assert gateway.get("/nothing/here").fault == 900906
    status = cli.data("gateway", "status", "--wait", "10s")
    assert [row["url"] for row in status] == [gateway.url]
    assert "this machine only" in gateway.log
    assert str(cli.store) in gateway.log


def test_the_whole_page(shop):
    sandboxed = shop.call(shop.sandbox["access_token"])
    assert (sandboxed.status, sandboxed.json["backend"]) == (200, "sandbox")
    produced = shop.call(shop.production["access_token"])
    assert (produced.status, produced.json["backend"]) == (200, "production")
    assert produced.json["target"] == "/search.atom?q=cat"

    shop.cli.ok("key", "update", "--domains", "example.com")
    refused = shop.call(shop.production["access_token"])
    assert (refused.status, refused.fault) == (403, 900908)
    allowed = shop.call(shop.production["access_token"], headers={"domain": "example.com"})
    assert allowed.status == 200

    renewed = shop.cli.data("token", "renew", "--production")
    old = shop.call(shop.production["access_token"], headers={"domain": "example.com"})
    assert (old.status, old.fault) == (401, 900904)
    new = shop.call(renewed["access_token"], headers={"domain": "example.com"})
    assert new.status == 200
    assert json.loads(new.body)["headers"].count(["domain", "example.com"]) == 1
