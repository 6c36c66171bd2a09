"""Certificates for tests, made by openssl."""

import re
import ssl
import subprocess

from wire import open_socket

_CURVE = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
HERE = "DNS:localhost,IP:127.0.0.1"


def make_certificate(directory, name, names=HERE) -> list:
    """A certificate for these names, which is its own authority, and its key: two files."""
    files = [str(directory / f"{name}.{kind}.pem") for kind in ("certificate", "key")]
    subprocess.run(
        ["openssl", "req", "-x509", *_CURVE, "-days", "2", "-subj", f"/CN={name}",
         "-addext", f"subjectAltName={names}", "-out", files[0], "-keyout", files[1]],
        check=True, capture_output=True)
    return files


def trust(certificate) -> ssl.SSLContext:
    """A client's, which trusts this certificate and no other."""
    return ssl.create_default_context(cafile=str(certificate))


def name_shown(address) -> str:
    """The subject of the certificate that a new connection is shown."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with context.wrap_socket(open_socket(address)) as sock:
        shown = ssl.DER_cert_to_PEM_cert(sock.getpeercert(binary_form=True))
    done = subprocess.run(["openssl", "x509", "-noout", "-subject"], input=shown,
                          capture_output=True, text=True, check=True)
    return re.search(r"CN ?= ?(\w+)", done.stdout)[1]
