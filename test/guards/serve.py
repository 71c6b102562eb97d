"""An HTTP server for the examples: serve.py FOLDER PORTFILE; the port is written when it listens.

Files of the folder; and /sick/... is 503, /well/... and /other are 200, /moved/X leads to /well/X.
"""
import functools, http.server, os, sys


class Handler(http.server.SimpleHTTPRequestHandler):
    def do_GET(self):
        if self.path.startswith("/sick/"):
            self.send_error(503)
        elif self.path.startswith("/moved/"):
            self.answer(302, "it has moved", "/well/" + self.path[len("/moved/"):])
        elif self.path.startswith("/well/") or self.path == "/other":
            self.answer(200, "hello from " + self.path)
        else:
            super().do_GET()

    def answer(self, status, text, location=None):
        self.send_response(status)
        if location is not None:
            self.send_header("Location", location)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())


handler = functools.partial(Handler, directory=sys.argv[1])
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
with open(sys.argv[2] + ".new", "w") as file:
    file.write(str(server.server_port))
os.rename(sys.argv[2] + ".new", sys.argv[2])
server.serve_forever()
