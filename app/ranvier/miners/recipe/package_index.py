"""Where packages come from: if this machine's pip was told to use another index, uv is told the same.

Hash-locked requirements make that safe: whoever serves a package, its contents are the locked ones.
"""

from __future__ import annotations

import configparser
import os
import sys
from collections.abc import Mapping
from pathlib import Path

_TO_UV = {"index-url": "UV_DEFAULT_INDEX", "extra-index-url": "UV_INDEX", "find-links": "UV_FIND_LINKS"}


def index_settings(environment: Mapping[str, str]) -> dict[str, str]:
    """Variables for uv from the user's own uv variables, pip's variables and pip's files, in this order of weight."""
    settings: dict[str, str] = {}
    for path in _pip_files(environment):
        settings.update(_from_file(path))
    for key in (*_TO_UV, "cert"):
        value = environment.get("PIP_" + key.upper().replace("-", "_"))
        if value:
            settings[key] = value
    result = {name: " ".join(settings[key].split()) for key, name in _TO_UV.items() if settings.get(key)}
    if "UV_FIND_LINKS" in result:
        result["UV_FIND_LINKS"] = result["UV_FIND_LINKS"].replace(" ", ",")
    if settings.get("cert") and "SSL_CERT_FILE" not in environment:
        result["SSL_CERT_FILE"] = settings["cert"]
    own = ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_INDEX", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS", "UV_OFFLINE")
    result |= {name: environment[name] for name in own if environment.get(name)}
    if "UV_INDEX" in result or "UV_EXTRA_INDEX_URL" in result:
        result["UV_INDEX_STRATEGY"] = "unsafe-best-match"  # what pip does; the hashes decide what is accepted
    return result


def _pip_files(environment: Mapping[str, str]) -> list[Path]:
    """pip's configuration files, the weightiest last."""
    chosen = environment.get("PIP_CONFIG_FILE")
    if chosen == os.devnull:
        return []
    home = Path.home()
    if sys.platform == "win32":
        files = [Path(environment.get("PROGRAMDATA", "C:/ProgramData")) / "pip" / "pip.ini"]
        files += [home / "pip" / "pip.ini", Path(environment.get("APPDATA", str(home))) / "pip" / "pip.ini"]
    else:
        config = Path(environment.get("XDG_CONFIG_HOME") or home / ".config")
        files = [Path("/etc/pip.conf"), home / ".pip" / "pip.conf", config / "pip" / "pip.conf"]
        if sys.platform == "darwin":
            files.append(home / "Library" / "Application Support" / "pip" / "pip.conf")
    return [*files, Path(chosen)] if chosen else files


def _from_file(path: Path) -> dict[str, str]:
    parser = configparser.RawConfigParser()
    try:
        parser.read(path, encoding="utf-8")
    except (configparser.Error, UnicodeDecodeError, OSError):
        return {}
    found: dict[str, str] = {}
    for section in ("global", "install"):
        if parser.has_section(section):
            found.update({key: value for key, value in parser.items(section) if key in (*_TO_UV, "cert")})
    return found
