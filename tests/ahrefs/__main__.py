"""python3 -m ahrefs: the simulator on its own, until SIGTERM or SIGINT."""

import argparse
import signal

from . import Simulator


def _options():
    parser = argparse.ArgumentParser(prog="ahrefs", description=__doc__)
    parser.add_argument("--listen", default="127.0.0.1:0", metavar="ADDRESS:PORT")
    parser.add_argument("--tls-certificate", metavar="FILE")
    parser.add_argument("--tls-key", metavar="FILE")
    parser.add_argument("--token", action="append", help="accept this one; may be repeated")
    parser.add_argument("--rows-limit", type=int, default=500000, metavar="N")
    options = parser.parse_args()
    if bool(options.tls_certificate) != bool(options.tls_key):
        parser.error("--tls-certificate and --tls-key go together")
    return options


def main():
    options = _options()
    host, _, port = options.listen.rpartition(":")
    files = options.tls_certificate and (options.tls_certificate, options.tls_key)
    ends = {signal.SIGINT, signal.SIGTERM}
    signal.pthread_sigmask(signal.SIG_BLOCK, ends)
    with Simulator(
        options.token, files, host.strip("[]"), int(port), options.rows_limit
    ) as simulator:
        print(f"listening on {simulator.url}", flush=True)
        signal.sigwait(ends)


main()
