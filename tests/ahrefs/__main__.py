"""python3 -m ahrefs: the simulator on its own, until SIGTERM or SIGINT."""

import argparse
import signal

from . import Simulator, v3


def _options():
    parser = argparse.ArgumentParser(prog="ahrefs", description=__doc__)
    parser.add_argument("--listen", default="127.0.0.1:0", metavar="ADDRESS:PORT")
    parser.add_argument("--tls-certificate", metavar="FILE")
    parser.add_argument("--tls-key", metavar="FILE")
    parser.add_argument("--token", action="append", help="accept this one; may be repeated")
    parser.add_argument("--rows-limit", type=int, default=500000, metavar="N")
    parser.add_argument("--api", choices=("v2", "v3"), default="v2")
    parser.add_argument("--plan", choices=tuple(v3.CAPS), default="Enterprise", help="v3")
    parser.add_argument("--units-limit", type=int, metavar="N", help="v3: of the workspace")
    parser.add_argument("--pace", type=int, metavar="N", help="v3: requests in a minute and key")
    parser.add_argument("--today", default=v3.TODAY, metavar="YYYY-MM-DD",
                        help="v3, and v2 with --links: the last day of the data")
    parser.add_argument("--links", action="store_true", help="v2: rows made from what v3 tells")
    options = parser.parse_args()
    if bool(options.tls_certificate) != bool(options.tls_key):
        parser.error("--tls-certificate and --tls-key go together")
    return options


def _simulator(options, common):
    if options.api == "v2":
        source = v3.as_v2(options.today) if options.links else None
        return Simulator(*common, options.rows_limit, source=source)
    workspace = v3.Workspace(options.plan, units_limit=options.units_limit)
    return v3.Simulator(*common, workspace=workspace, today=options.today, pace=options.pace)


def main():
    options = _options()
    host, _, port = options.listen.rpartition(":")
    files = options.tls_certificate and (options.tls_certificate, options.tls_key)
    ends = {signal.SIGINT, signal.SIGTERM}
    signal.pthread_sigmask(signal.SIG_BLOCK, ends)
    with _simulator(options, (options.token, files, host.strip("[]"), int(port))) as simulator:
        print(f"listening on {simulator.url}", flush=True)
        signal.sigwait(ends)


main()
