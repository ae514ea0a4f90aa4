"""A real backend in a process of its own: it answers with what it was sent.

``python echo_backend.py NAME`` prints its port when it listens. ``/status/N`` answers with that
status, ``/close`` closes the connection, ``/cut`` breaks off in the middle of a body, ``/silent``
never answers, ``/chunks`` streams.
"""

import contextlib
import json
import socketserver
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Echo(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def answer(self):
        target = self.path
        if target.endswith("/close"):
            self.close_connection = True
            return
        if target.endswith("/silent"):
            threading.Event().wait(60)
            return
        body = self._body()
        if target.endswith("/cut"):
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            self.wfile.write(b"only this")
            self.close_connection = True
            return
        if target.endswith("/chunks"):
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for number in range(3):
                self.wfile.write(b"5\r\npart%d\r\n" % number)
            self.wfile.write(b"0\r\n\r\n")
            return
        content = json.dumps(
            {
                "backend": self.server.name,
                "method": self.command,
                "target": target,
                "headers": [[name, value] for name, value in self.headers.items()],
                "body": body.decode("latin-1"),
            }
        ).encode()
        status = int(target.rpartition("/status/")[2]) if "/status/" in target else 200
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("X-Backend", self.server.name)
        self.send_header("Set-Cookie", "first=1")
        self.send_header("Set-Cookie", "second=2")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_PATCH = do_OPTIONS = answer  # noqa: N815

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") == "chunked":
            parts = []
            while size := int(self.rfile.readline(), 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(parts)
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def log_message(self, *arguments):
        """Say nothing: stderr belongs to the tests."""


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def __init__(self, name):
        super().__init__(("127.0.0.1", 0), Echo)
        self.name = name

    def handle_error(self, request, client_address):
        error = sys.exc_info()[1]
        if not isinstance(error, (ConnectionError, TimeoutError)):
            socketserver.BaseServer.handle_error(self, request, client_address)


if __name__ == "__main__":
    server = Server(sys.argv[1])
    sys.stdout.write(f"{server.server_address[1]}\n")
    sys.stdout.flush()
    with contextlib.suppress(KeyboardInterrupt):
        server.serve_forever()
