"""The servers that peers.py measures: each with its configuration, its directory, and all its processes.

nginx, Varnish and Squid are reverse caching proxies configured for such an API: one body a URL, fresh for a
day, one request upstream for identical misses, connections to upstream kept, no log of requests, memory or
disk enough for all that is asked. rowcached has its shipped defaults but for addresses and directory.
"""

import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.request
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
AS_ROOT = os.geteuid() == 0

NGINX = """
{user}
worker_processes auto;
worker_rlimit_nofile 65536;
daemon off;
pid {place}/nginx.pid;
error_log {place}/error.log error;
events {{ worker_connections 8192; }}
http {{
  access_log off;
  sendfile on;
  tcp_nopush on;
  keepalive_requests 1000000000;
  open_file_cache max=20000 inactive=1h;
  open_file_cache_valid 1h;
  client_body_temp_path {place}/body;
  proxy_temp_path {place}/temp;
  fastcgi_temp_path {place}/fastcgi;
  scgi_temp_path {place}/scgi;
  uwsgi_temp_path {place}/uwsgi;
  proxy_cache_path {place}/cache levels=1:2 keys_zone=answers:32m max_size=8g inactive=1d use_temp_path=off;
  map $http_cache_control $not_stored {{ default 0; ~no-store 1; }}
  upstream ahrefs {{
    server 127.0.0.1:{upstream};
    keepalive 64;
    keepalive_requests 1000000000;
  }}
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location / {{
      proxy_pass http://ahrefs;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_buffer_size 16k;
      proxy_buffers 16 32k;
      proxy_busy_buffers_size 64k;
      proxy_cache answers;
      proxy_cache_valid 200 1d;
      proxy_cache_lock on;
      proxy_cache_lock_age 60s;
      proxy_cache_lock_timeout 60s;
      proxy_cache_bypass $not_stored;
      proxy_no_cache $not_stored;
    }}
  }}
}}
"""

VARNISH = """
vcl 4.1;
backend ahrefs {{ .host = "127.0.0.1"; .port = "{upstream}"; }}
sub vcl_recv {{
  if (req.http.Cache-Control ~ "no-store") {{ return (pass); }}
  return (hash);
}}
sub vcl_backend_response {{
  if (!bereq.uncacheable && beresp.status == 200) {{ set beresp.ttl = 1d; }}
  return (deliver);
}}
"""

SQUID = """
http_port 127.0.0.1:{port} accel defaultsite=ahrefs.example no-vhost
cache_peer 127.0.0.1 parent {upstream} 0 no-query no-digest no-netdb-exchange originserver name=ahrefs
acl all_of_it src all
http_access allow all_of_it
never_direct allow all_of_it
collapsed_forwarding on
refresh_pattern . 1440 100% 1440
cache_mem 2 GB
maximum_object_size_in_memory 1 GB
maximum_object_size 1 GB
memory_cache_mode always
memory_pools_limit 64 MB
access_log none
cache_store_log none
cache_log {place}/cache.log
coredump_dir {place}
pid_filename {place}/squid.pid
netdb_filename none
pinger_enable off
shutdown_lifetime 1 second
max_filedescriptors 65536
client_persistent_connections on
server_persistent_connections on
{user}
"""


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def wait_until_open(port, process):
    """Until somebody listens there."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except OSError:
            if process.poll() is not None:
                break
            time.sleep(0.05)
    raise SystemExit(f"{process.args[0]} does not start")


class Server:
    """A process that listens at a port, and the processes that it has started."""

    name = ""
    programs = ()  # what has to be installed

    def __init__(self, place, upstream, build):
        self.place, self.upstream, self.build = Path(place), upstream, Path(build)
        self.port = free_port()
        self.process = None

    def start(self):
        shutil.rmtree(self.place, ignore_errors=True)
        self.place.mkdir(parents=True)
        self.prepare()
        self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until_open(self.port, self.process)

    def prepare(self):
        """Writes what the program reads."""

    def command(self):
        raise NotImplementedError

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.place, ignore_errors=True)

    def write(self, name, text, **more):
        self.place.chmod(0o755)
        path = self.place / name
        path.write_text(text.format(place=self.place, port=self.port, upstream=self.upstream, **more))
        return path

    # Its processes

    def pids(self):
        found, rest = [], [self.process.pid]
        while rest:
            pid = rest.pop()
            try:
                for task in os.listdir(f"/proc/{pid}/task"):
                    rest += map(int, Path(f"/proc/{pid}/task/{task}/children").read_text().split())
                found.append(pid)
            except OSError:
                pass  # it has ended
        return found

    def cpu(self):
        """Seconds of processors so far, of all its processes and threads."""
        return sum(map(cpu_of, self.pids()))

    def resident(self):
        """MiB, summed over its processes."""
        return sum(_status_of(pid, "VmRSS") for pid in self.pids()) / 1024

    def peak(self):
        """The most MiB since forget_peak(), summed over its processes."""
        return sum(_status_of(pid, "VmHWM") for pid in self.pids()) / 1024

    def forget_peak(self):
        for pid in self.pids():
            Path(f"/proc/{pid}/clear_refs").write_text("5")


def cpu_of(pid):
    """Seconds of processors so far, of one process and all its threads."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return sum(map(int, fields[11:15])) / TICKS  # utime, stime, and those of children it waited for


def _status_of(pid, name):
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith(name + ":")), 0)


class Upstream(Server):
    name = "upstream"

    def __init__(self, place, build):
        super().__init__(place, None, build)

    def command(self):
        return [self.build / "tests/bench_upstream", str(self.port)]

    def questions(self):
        """How many have come."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/count") as answer:
            return int(answer.read())


class Nginx(Server):
    name, programs = "nginx", ("nginx",)

    def prepare(self):
        self.write("nginx.conf", NGINX, user="user root;" if AS_ROOT else "")

    def command(self):
        return ["nginx", "-p", self.place, "-c", self.place / "nginx.conf"]


class Varnish(Server):
    name, programs = "Varnish", ("varnishd",)

    def prepare(self):
        self.write("rules.vcl", VARNISH)

    def command(self):
        return ["varnishd", "-F", "-n", self.place / "work", "-a", f"127.0.0.1:{self.port}",
                "-f", self.place / "rules.vcl", "-s", "malloc,4G", "-T", "none",
                "-p", "thread_pools=2", "-p", "thread_pool_min=100", "-p", "thread_pool_max=1000"]


class Squid(Server):
    name, programs = "Squid", ("squid",)

    def prepare(self):
        self.write("squid.conf", SQUID, user="cache_effective_user proxy" if AS_ROOT else "")
        if AS_ROOT:
            shutil.chown(self.place, "proxy", "proxy")

    def command(self):
        return ["squid", "-N", "-f", self.place / "squid.conf"]


class Rowcached(Server):
    name = "rowcached"

    def command(self):
        options = [f"server.listen=127.0.0.1:{self.port}", "admin.listen=127.0.0.1:0",
                   f"state.directory={self.place}", f"upstream.url=http://127.0.0.1:{self.upstream}/"]
        return [self.build / "daemon/rowcached", *(word for one in options for word in ("-o", one))]


class Ready(Server):
    name = "ready-made"

    def command(self):
        return [self.build / "tests/bench_ready", str(self.port)]


PEERS = (Nginx, Varnish, Squid, Rowcached, Ready)
