"""On what kind of machine we are: bare, virtual, in a container, under WSL. Files only; ``root`` is for tests."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

_MAKERS = (  # words in the firmware's names, and what they mean
    ("kvm", "KVM"), ("qemu", "QEMU"), ("vmware", "VMware"), ("virtualbox", "VirtualBox"), ("innotek", "VirtualBox"),
    ("xen", "Xen"), ("microsoft corporation virtual", "Hyper-V"), ("google compute", "Google Compute Engine"),
    ("amazon ec2", "Amazon EC2"), ("parallels", "Parallels"), ("bhyve", "bhyve"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Machine:
    virtual: str | None
    container: str | None
    wsl: int | None


def machine(root: Path = Path("/")) -> Machine:
    """What the files below ``root`` tell. Windows and macOS tell nothing here: all None."""
    if sys.platform in ("win32", "darwin") and root == Path("/"):
        return Machine(None, None, None)
    wsl = _wsl(root)
    return Machine("Hyper-V (WSL)" if wsl == 2 else _virtual(root), container_kind(root), wsl)


def container_kind(root: Path = Path("/")) -> str | None:
    """``docker``, ``podman``, ``kubernetes``, another name, or None outside of containers."""
    if root == Path("/") and os.environ.get("KUBERNETES_SERVICE_HOST"):
        return "kubernetes"
    if (root / ".dockerenv").exists():
        return "docker"
    if (root / "run" / ".containerenv").exists():
        return "podman"
    groups = _text(root / "proc" / "1" / "cgroup")
    for word in ("kubepods", "docker", "containerd", "lxc", "podman"):
        if word in groups:
            return "kubernetes" if word == "kubepods" else word
    return None


def _wsl(root: Path) -> int | None:
    version = _text(root / "proc" / "version").lower()
    if "microsoft" not in version:
        return None
    return 2 if "wsl2" in version or "microsoft-standard" in version else 1


def _virtual(root: Path) -> str | None:
    firmware = root / "sys" / "class" / "dmi" / "id"
    names = f"{_text(firmware / 'sys_vendor')} {_text(firmware / 'product_name')}".lower()
    names = " ".join(names.split())
    for word, meaning in _MAKERS:
        if word in names:
            return meaning
    for line in _text(root / "proc" / "cpuinfo").splitlines():
        if line.startswith("flags"):
            return "a hypervisor" if "hypervisor" in line.split() else None
    return None


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace")
    except OSError:
        return ""
