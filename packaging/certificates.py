"""Runs first in a frozen copy: where certificate authorities are.

Its OpenSSL looks where the build machine kept them, which another distribution does not. The system's own come
first, because a company's proxy may be among them; those that certifi brings are the last resort.
"""

import os
import sys

_SYSTEM = (
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, Arch
    "/etc/pki/tls/certs/ca-bundle.crt",  # Fedora
    "/etc/ssl/ca-bundle.pem",  # openSUSE
    "/etc/ssl/cert.pem",  # Alpine, macOS
)
if os.name == "posix" and "SSL_CERT_FILE" not in os.environ:
    _bundled = os.path.join(getattr(sys, "_MEIPASS", ""), "certifi", "cacert.pem")  # noqa: PTH118  # pathlib is slow here
    for _file in (*_SYSTEM, _bundled):
        if os.path.exists(_file):  # noqa: PTH110
            os.environ["SSL_CERT_FILE"] = _file
            break
