"""What NVML's return codes mean to people: a short code for programs, one sentence with the next step."""

from __future__ import annotations

from ranvier.hardware.pci import PciCard

# By number: old and new pynvml name the classes alike, the numbers are the library's own.
NO_PERMISSION, NO_POWER, NOT_LOADED, NO_LIBRARY = 4, 8, 9, 12
INTERRUPTS, NO_FUNCTION, BAD_INFOROM, LOST, NEEDS_RESET = 11, 13, 14, 15, 16
BLOCKED, MISMATCH, UNKNOWN = 17, 18, 999

REASONS = (  # nvmlClocksEventReasons; 0x1 (idle) is no throttling
    (0x2, "application clocks"),
    (0x4, "power limit"),
    (0x8, "hardware slowdown"),
    (0x10, "sync boost"),
    (0x20, "heat (software)"),
    (0x40, "heat (hardware)"),
    (0x80, "power brake"),
    (0x100, "display clocks"),
)

# Xids that tell of the end of programs after another error: they do not stand in the place of their cause.
FOLLOWING_XIDS = frozenset({43, 45, 154})

ARCHITECTURES = {
    2: "Kepler", 3: "Maxwell", 4: "Pascal", 5: "Volta", 6: "Turing", 7: "Ampere", 8: "Ada Lovelace", 9: "Hopper",
    10: "Blackwell", 13: "Rubin",
}  # fmt: skip


def card_trouble(code: int) -> tuple[str, str]:
    """Code and sentence for one card that fails."""
    return {
        LOST: (
            "lost",
            "The GPU is lost: it fell off the bus. Restart the machine; check power and seating if it returns.",
        ),
        NEEDS_RESET: ("needs_reset", "The GPU needs a reset: stop what uses it, then restart the machine."),
        NO_PERMISSION: ("no_permission", "This user may not read the GPU."),
        NO_POWER: ("no_power", "The GPU's own power cables are not connected, or not all of them."),
        INTERRUPTS: ("interrupts", "The kernel has a problem with this GPU's interrupts."),
        BAD_INFOROM: ("inforom", "The GPU's own settings memory (infoROM) is damaged."),
        BLOCKED: ("blocked", "The system keeps this GPU from this program (a container's or a service's limits)."),
    }.get(code, ("unreadable", f"The driver cannot read this GPU (NVML error {code})."))


_HIDDEN = (
    "container",
    "An NVIDIA GPU is there, this container may not see it. "
    "Install the NVIDIA Container Toolkit on the host and start the container with its GPUs.",
)


def driver_trouble(
    code: int, cards: tuple[PciCard, ...] | None, container: str | None = None, loaded: str | None = None
) -> tuple[str, str]:
    """Why the driver as a whole does not answer, and the next step. ``cards`` are what the kernel sees, ``loaded`` the
    version of the kernel module that runs."""
    if container is not None and code in (BLOCKED, UNKNOWN):
        # A reload of the host's systemd takes the devices from containers that run: a known fault of the toolkit.
        return "container_lost", "This container has lost its GPUs, most likely by a reload of the host's services."
    if code == NO_LIBRARY:
        if not cards:
            return "none", "No NVIDIA GPU or driver was found."
        if container is not None:
            return _HIDDEN
        if any(card.driver == "nouveau" for card in cards):
            return "nouveau", "The nouveau driver holds the GPU; install NVIDIA's own driver and restart the machine."
        return "no_driver", "An NVIDIA GPU is there, its driver is not installed. Install NVIDIA's driver."
    if code == NOT_LOADED:
        if container is not None and cards and not any(card.driver == "nouveau" for card in cards):
            return _HIDDEN  # the library came with the image, the devices did not
        if cards and any(card.driver == "nouveau" for card in cards):
            return "nouveau", "The nouveau driver holds the GPU; NVIDIA's own driver is not loaded."
        return "not_loaded", "NVIDIA's driver is installed but not loaded. Restart the machine."
    if code == MISMATCH:
        old = "the old one" if loaded is None else f"the old one ({loaded})"
        return "mismatch", f"The NVIDIA driver was updated and {old} still runs. Restart the machine."
    if code == NO_PERMISSION:
        return "no_permission", "This user may not use the NVIDIA driver. Check the permissions of /dev/nvidia*."
    if code in (LOST, NEEDS_RESET):
        return card_trouble(code)
    return "silent", f"The NVIDIA driver does not answer (NVML error {code})."
