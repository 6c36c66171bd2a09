"""A real nginx between rowcached and the simulated Ahrefs: TLS, and connections that end."""

import socket
import subprocess
import time

from sockets import CLOSE_WAIT, HELD, connections
from wire import patience

_CONFIGURATION = """
daemon off;
master_process off;
pid {directory}/pid;
error_log {directory}/error.log warn;
events {{ worker_connections 1024; }}
http {{
  log_format asked '$connection "$request"';
  access_log {directory}/access.log asked;
  client_body_temp_path {directory}/body;
  proxy_temp_path {directory}/proxy;
  fastcgi_temp_path {directory}/fastcgi;
  scgi_temp_path {directory}/scgi;
  uwsgi_temp_path {directory}/uwsgi;
  {options}
  server {{
    listen 127.0.0.1:{port} ssl http2 reuseport;
    ssl_certificate {certificate};
    ssl_certificate_key {key};
    location / {{
      proxy_pass {upstream};
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_buffering off;
    }}
  }}
}}
"""


class Nginx:
    """Use as a context manager: `url` is where it listens."""

    def __init__(self, directory, upstream, certificate, key, *options):
        """`options` are directives of nginx's http block, without their semicolons."""
        self._directory = directory / "nginx"
        self._directory.mkdir()
        # The port is taken here and shared with nginx: nobody else can have it meanwhile.
        self._reserved = socket.socket()
        self._reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        self._reserved.bind(("127.0.0.1", 0))
        self._port = self._reserved.getsockname()[1]
        self._process = None
        (self._directory / "nginx.conf").write_text(_CONFIGURATION.format(
            directory=self._directory, port=self._port, upstream=upstream, certificate=certificate,
            key=key, options=" ".join(option + ";" for option in options)))

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self._port}/"

    @property
    def protocols(self) -> set:
        """In which versions of HTTP it was asked."""
        return {line.split('"')[1].rpartition(" ")[2] for line in self._asked}

    @property
    def connections(self) -> int:
        """Over how many connections it was asked."""
        return len({line.split()[0] for line in self._asked})

    @property
    def requests(self) -> int:
        """How often it was asked; it knows a moment after its answer."""
        return len(self._asked)

    @property
    def _asked(self):
        return (self._directory / "access.log").read_text().splitlines()

    @property
    def closed(self) -> bool:
        """Whether nginx has closed all connections that the daemon still holds."""
        return self._held == {CLOSE_WAIT}

    @property
    def is_connected(self) -> bool:
        """Whether the daemon holds a connection to it."""
        return self._held != set()

    @property
    def _held(self):
        """The states of the daemon's ends."""
        return {one.state for one in connections()
                if one.there == self._port and one.state in HELD}

    def __enter__(self):
        self._process = subprocess.Popen(
            ["/usr/sbin/nginx", "-p", self._directory, "-c", self._directory / "nginx.conf",
             "-e", self._directory / "error.log"],
            stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        end = time.monotonic() + patience(10)
        while not (self._directory / "pid").exists():
            assert self._process.poll() is None and time.monotonic() < end, self._log()
            time.sleep(0.01)
        return self

    def __exit__(self, *_exception):
        self._process.terminate()
        self._process.wait(patience(10))
        self._reserved.close()

    def _log(self):
        log = self._directory / "error.log"
        return log.read_text() if log.exists() else "nginx wrote no log"
