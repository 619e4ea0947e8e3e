"""Every page of the portal with sample data, as files and at an address."""

import contextlib
import functools
import http.server
import subprocess
import threading

import websanitizer

# What the server sends with each page, as far as the browser enforces it.
POLICY = ("default-src 'none'; style-src 'self'; script-src 'self'; "
          "img-src 'self'; connect-src 'self'; form-action 'self'; "
          "base-uri 'none'; frame-ancestors 'none'")


class Handler(http.server.SimpleHTTPRequestHandler):
    def end_headers(self):
        self.send_header("Content-Security-Policy", POLICY)
        super().end_headers()

    def log_message(self, *_arguments):
        pass


def make(folder):
    subprocess.run([websanitizer.made("unit/web/gallery"), folder], check=True)
    return folder


@contextlib.contextmanager
def serving(folder):
    """Its address."""
    handler = functools.partial(Handler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def names(folder):
    found = sorted(path.name for path in folder.glob("*.html"))
    assert len(found) > 100
    return found
