"""A site of a few pages on loopback, each with one thing wrong or with none: what the checks are tried on."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'"
STYLE = """
:root { color-scheme: light dark; font: 16px sans-serif; background: Canvas; color: CanvasText }
a { color: inherit }
.skip:not(:focus) { position: absolute; clip-path: inset(50%); width: 1px; height: 1px; overflow: hidden }
button, main a { padding: 8px; display: inline-block }
.wide { width: 700px; height: 9px }
.cut { width: 40px; overflow: hidden; white-space: nowrap }
.blind:focus { outline: none }
.small { width: 12px; height: 12px; padding: 0; font-size: 6px }
.roof { position: fixed; inset: 0 0 auto; height: 400px; background: gray }
.faint { color: #bbb; background: #fff }
.tight { width: 30px; white-space: nowrap }
"""
FRAME = (
    '<!doctype html><html lang="en" dir="ltr"><head><title>Tiny</title><meta name="viewport" '
    'content="width=device-width"><link rel="stylesheet" href="/style.css"><link rel="icon" '
    'href="/picture.svg"></head><body>'
    '<a class="skip" href="#main">To the content</a><main id="main"><h1>Tiny</h1>'
    '<p>Words. <a href="/clean">A link</a> <button>Do it</button></p>{}</main></body></html>'
)
PICTURE = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'
SCRIPTS = {
    "/error.js": "console.error('something is wrong')",
    "/throws.js": "setTimeout(() => { throw new Error('thrown later') })",
    "/lost.js": "fetch('/closed').catch(() => 0)",
}
PAGES = {
    "/clean": FRAME.format(""),
    "/inline": FRAME.format("<script>document.title = 'x'</script>"),
    "/console": FRAME.format('<script src="/error.js"></script>'),
    "/throws": FRAME.format('<script src="/throws.js"></script>'),
    "/lost": FRAME.format('<script src="/lost.js"></script>'),
    "/missing": FRAME.format('<img src="/nowhere.svg" alt="none">'),
    "/picture": FRAME.format('<img src="/picture.svg">'),
    "/foreign": FRAME.format('<img src="http://elsewhere.example/a.png" alt="a">'),
    "/wide": FRAME.format('<div class="wide">wide</div>'),
    "/cut": FRAME.format('<div class="cut">a long text that has no room</div>'),
    "/titled": FRAME.format('<div class="cut" title="a long text">a long text that has no room</div>'),
    "/tight": FRAME.format('<table><tr><td><button class="tight">Approve it now</button></td></tr></table>'),
    "/faint": FRAME.format('<p class="faint">hardly to be read</p>'),
    "/small": FRAME.format('<button class="small">a</button><button class="small">b</button>'),
    "/blind": FRAME.format('<button class="blind">No ring</button>'),
    "/jumped": FRAME.format('<button tabindex="-1">Not by Tab</button><span role="button">Nor this</span>'),
    "/roof": FRAME.format('<div class="roof">over all</div>'),
    "/nameless": FRAME.format("").replace(' lang="en"', ""),
    "/wrong-way": FRAME.format("").replace('lang="en"', 'lang="ar"'),
    "/unfit": FRAME.format("").replace("width=device-width", "width=1000"),
    "/two": FRAME.format("<h1>Another</h1>"),
    "/no-skip": FRAME.format("").replace('href="#main"', 'href="/clean"'),
    "/lost-skip": FRAME.format("").replace('id="main"', ""),
}


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        """Answer with what the tables say."""
        kinds = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
        known = {**PAGES, **SCRIPTS, "/style.css": STYLE, "/picture.svg": PICTURE}
        if self.path == "/closed":
            self.close_connection = True
            return
        self.send_response(200 if self.path in known else 404)
        ending = self.path[self.path.rfind(".") :] if "." in self.path else ""
        self.send_header("Content-Type", kinds.get(ending, "text/html; charset=utf-8"))
        self.send_header("Content-Security-Policy", POLICY)
        self.end_headers()
        self.wfile.write(known.get(self.path, "").encode())

    def log_message(self, *told: Any) -> None:
        """Say nothing."""


class TinySite:
    """The site, served by a thread until it is stopped."""

    def __init__(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def stop(self) -> None:
        """No more."""
        self._server.shutdown()
        self._server.server_close()
