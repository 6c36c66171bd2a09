"""Certificates for tests, made by openssl."""

import subprocess

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
