"""What uv says when it fails, in words for people."""

from __future__ import annotations

import re
from pathlib import Path

from ranvier.core.errors import InstallError

DAMAGED = "Downloads damaged"


def explain(said: str, need: int | None, cache: Path) -> InstallError:
    """The error for what uv wrote on standard error; unknown failures show its own last words."""
    if re.search(r"os error 28\b|No space left|os error 112\b|os error 122\b", said):
        return no_space(need, cache)
    package = re.search(r"(?:download|fetch|prepare|read)[^`\n]*`([^`]+)`", said)
    what = f" ({package[1]})" if package else ""
    if "Hash mismatch" in said:
        return InstallError(
            "Download not genuine",
            f"A package{what} is not the one that the recipe locks: its hash differs.",
            "Nothing of it was installed. Try again later; if it stays, the package index serves something else.",
        )
    address = re.search(r"(https?://[^/\s`]+)", said)
    where = _without_login(address[1]) if address else "the package index"
    if "peer certificate" in said or "CertificateError" in said:
        return InstallError("No safe connection", f"The certificate of {where} is not trusted on this machine.", _CERT)
    if re.search(r"dns error|client error \(Connect\)|tcp connect|timed out|operation timed out", said, re.IGNORECASE):
        return InstallError("No network", f"{where} cannot be reached.", "Check the connection and try again.")
    if re.search(r"error sending request|connection closed|body|incomplete|reset by peer", said, re.IGNORECASE):
        return InstallError(
            "Download broken off",
            f"The connection to {where} broke during a download{what}.",
            "Try again: packages that came whole are kept.",
        )
    if re.search(r"No interpreter found|No download found", said):
        return InstallError("No Python", f"{_first(said)}", "Install that Python, or choose another recipe.")
    if re.search(r"no wheels? with a matching|no version of|not found in the package registry|unsatisfiable", said):
        return InstallError(
            "Package not found", f"{_last_cause(said)}", "The package index may lack it for this system."
        )
    if "Permission denied" in said or "os error 13" in said or "Read-only" in said:
        return InstallError("Cannot write", _last_cause(said), "Check the folder's permissions.")
    if re.search(r"wheel is invalid|zip archive|zip file|cache entry", said):
        return damaged(_last_cause(said))
    return InstallError("Installation failed", _last_cause(said), "Try again.")


def killed(number: int) -> InstallError:
    """uv was ended by a signal: by somebody, or by the system for want of memory."""
    return InstallError(
        "Installation broken off",
        f"The installer (uv) was ended by signal {number} before it was ready.",
        "Try again: packages that came whole are kept.",
    )


def damaged(text: str) -> InstallError:
    """What was downloaded before is no longer what it was."""
    return InstallError(DAMAGED, text, "Try again: everything is fetched anew.")


def no_space(need: int | None, folder: Path) -> InstallError:
    """Not enough room for an environment."""
    size = f" About {need / 1e6:.0f} MB are needed." if need else ""
    return InstallError(
        "Disk full", f"There is not enough space left on the disk of {folder}.{size}", "Free some space and try again."
    )


_CERT = "If a proxy inspects your connections, add its certificate to the system's store."


def _first(said: str) -> str:
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    found = next((line for line in lines if line.startswith("error:")), lines[0] if lines else "uv said nothing")
    return _sentence(found)


def _last_cause(said: str) -> str:
    causes = re.findall(r"(?:cause|Caused by):\s*(.+)", said)
    return _sentence(causes[-1]) if causes else _first(said)


def _sentence(text: str) -> str:
    text = _without_login(text.removeprefix("error:").strip())[:400]
    return text if text.endswith(".") else text + "."


def _without_login(text: str) -> str:
    return re.sub(r"://[^/@\s]+@", "://", text)
