"""The API Store behind a real nginx, which does the TLS and gives it a path of its own."""

import contextlib
import shutil
import socket
import subprocess

import pytest

from tests.binary import TIMEOUT_SECONDS
from tests.e2e.conftest import Gateway
from tests.e2e.storefront import OverTls, Shopper, serving_portal
from tests.e2e.tls import write_pair
from tests.e2e.waiting import until

pytestmark = pytest.mark.needs("nginx", "nginx-light")

CONFIGURATION = """
daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 64; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port} ssl; ssl_certificate {certificate}; ssl_certificate_key {key};
    location /keys/ {{
      proxy_pass {portal}/;
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    }}
  }}
}}
"""


@contextlib.contextmanager
def running_nginx(folder, **places):
    """Run nginx with that configuration until it listens."""
    file = folder / "nginx.conf"
    file.write_text(CONFIGURATION.format(folder=folder, **places))
    program = shutil.which("nginx") or "/usr/sbin/nginx"
    with (
        (folder / "said").open("w") as said,
        subprocess.Popen(
            [program, "-p", folder, "-e", folder / "error.log", "-c", file],
            stdout=said,
            stderr=said,
        ) as process,
    ):
        try:
            until(lambda: process.poll() is not None or listens(places["port"]))
            assert process.poll() is None, (folder / "said").read_text()
            yield process
        finally:
            process.terminate()
            process.wait(TIMEOUT_SECONDS)


def listens(port) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
        return True
    return False


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def test_behind_a_proxy_log_in_and_forms_work_and_the_cookie_is_secure(cli, tmp_path, port):
    cli.ok("user", "create", "alice", "--password-stdin", stdin="ecila")
    cli.ok("app", "create", "Dashboard", "--owner", "alice")
    cli.ok("config", "set", "portal.url", f"https://127.0.0.1:{port}/keys")
    cli.ok("config", "set", "gateway.trusted_proxies", "127.0.0.1")
    certificate, key = write_pair(tmp_path)
    places = {"port": port, "certificate": certificate, "key": key}
    with (
        serving_portal(cli, "--http") as portal,
        running_nginx(tmp_path, portal=portal.url, **places) as nginx,
    ):
        assert f"API Store     https://127.0.0.1:{port}/keys/store\n" in portal.log
        outside = Gateway(f"https://127.0.0.1:{port}", nginx, tmp_path / "said")
        shopper = Shopper(OverTls(outside, certificate))
        own = [("Origin", f"https://127.0.0.1:{port}")]
        shopper.visit("/keys/store/subscriptions")
        assert shopper.address == "/keys/store/login"
        cookies = shopper.answer.headers.get_all("Set-Cookie")
        shopper.send("/keys/store/login", username="alice", password="ecila", headers=own)
        assert shopper.address == "/keys/store/subscriptions"
        assert [cookie.partition("=")[0] for cookie in cookies] == ["__Host-apimctl"]
        assert all("; Path=/; " in cookie and cookie.endswith("; Secure") for cookie in cookies)
        (generate,) = [path for path in shopper.forms if path.endswith("/production/generate")]
        others = [("Origin", "https://127.0.0.1")]
        assert shopper.send(generate, headers=others).status == 403
        shopper.visit("/keys/store/subscriptions")
        assert shopper.send(generate, headers=own).status == 200
        assert len(shopper.secrets()) == 3
