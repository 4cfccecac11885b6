"""NVIDIA's driver library by ctypes: what a benchmark needs of it and no more. Needs a driver, no toolkit."""

from __future__ import annotations

import ctypes
import sys
import uuid as uuids
from types import TracebackType
from typing import Any

from ranvier.benchmark.errors import BenchmarkError

_MULTIPROCESSORS, _L2, _MAJOR, _MINOR = 16, 38, 75, 76  # CUdevice_attribute
_HINTS = {
    2: "Free some of the GPU's memory: stop the miner, or close the other program.",
    3: "Restart the machine.",
    100: "Look at ranvier hardware: the driver sees no GPU.",
    101: "Look at ranvier hardware for the GPU's name.",
    209: "This card is too new or too old for the shipped kernels.",
    222: "Update the NVIDIA driver.",
    719: "Restart the miner; if it returns, update the driver.",
    999: "Restart the machine; after sleep a laptop's driver is sometimes lost.",
}


class Cuda:
    """The loaded driver library. ``path`` is for tests. Raises BenchmarkError."""

    def __init__(self, path: str | None = None) -> None:
        name = path or ("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
        try:
            self._library = ctypes.CDLL(name)
        except OSError as error:
            message = "NVIDIA's CUDA driver is not on this machine."
            raise BenchmarkError("No CUDA", message, "Install NVIDIA's driver.") from error
        self.call("cuInit", 0)

    def call(self, function: str, *arguments: Any) -> None:
        """Call it; anything but success becomes a BenchmarkError with the driver's own name for it."""
        try:
            code = getattr(self._library, function)(*arguments)
        except AttributeError as error:
            raise BenchmarkError("Old driver", f"The driver has no {function}.", "Update the NVIDIA driver.") from error
        if code:
            text = ctypes.c_char_p()
            self._library.cuGetErrorName(code, ctypes.byref(text))
            name = (text.value or b"an unknown error").decode("ascii", "replace")
            raise BenchmarkError("The GPU refused", f"{function}: {name} ({code}).", _HINTS.get(code, ""))

    @property
    def version(self) -> str:
        """The newest CUDA version that the driver serves: ``13.0``."""
        number = ctypes.c_int()
        self.call("cuDriverGetVersion", ctypes.byref(number))
        return f"{number.value // 1000}.{number.value % 1000 // 10}"

    def find(self, wanted: str | None) -> int:
        """The device with this UUID (``GPU-...``) or PCI address; None means the first. Raises BenchmarkError."""
        count = ctypes.c_int()
        self.call("cuDeviceGetCount", ctypes.byref(count))
        for index in range(count.value):
            device = ctypes.c_int()
            self.call("cuDeviceGet", ctypes.byref(device), index)
            if wanted is None or wanted in (self.uuid(device.value), self.address(device.value)):
                return device.value
        raise BenchmarkError("No such GPU", f"CUDA does not see {wanted or 'any GPU'}.", _HINTS[101])

    def uuid(self, device: int) -> str:
        raw = (ctypes.c_ubyte * 16)()
        self.call("cuDeviceGetUuid", raw, device)
        return f"GPU-{uuids.UUID(bytes=bytes(raw))}"

    def address(self, device: int) -> str:
        text = ctypes.create_string_buffer(32)
        self.call("cuDeviceGetPCIBusId", text, 32, device)
        return text.value.decode("ascii", "replace").lower()

    def attribute(self, device: int, number: int) -> int:
        value = ctypes.c_int()
        self.call("cuDeviceGetAttribute", ctypes.byref(value), number, device)
        return value.value


class Context:
    """The device's primary context with one PTX module loaded; give it back by leaving the ``with`` block."""

    def __init__(self, cuda: Cuda, device: int) -> None:
        self._cuda, self.device = cuda, device
        name = ctypes.create_string_buffer(128)
        cuda.call("cuDeviceGetName", name, 128, device)
        self.name = name.value.decode("utf-8", "replace")
        self.multiprocessors = cuda.attribute(device, _MULTIPROCESSORS)
        self.cache = cuda.attribute(device, _L2)
        self.capability = (cuda.attribute(device, _MAJOR), cuda.attribute(device, _MINOR))
        self._events = [ctypes.c_void_p(), ctypes.c_void_p()]
        self._module = ctypes.c_void_p()

    def __enter__(self) -> Context:
        context = ctypes.c_void_p()
        self._cuda.call("cuDevicePrimaryCtxRetain", ctypes.byref(context), self.device)
        try:
            self._cuda.call("cuCtxSetCurrent", context)
            for event in self._events:
                self._cuda.call("cuEventCreate", ctypes.byref(event), 0)
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Give the context back; the process ends soon, and the driver clears up after it in any case."""
        self._cuda.call("cuDevicePrimaryCtxRelease_v2", self.device)

    def load(self, ptx: bytes) -> None:
        self._cuda.call("cuModuleLoadData", ctypes.byref(self._module), ctypes.c_char_p(ptx))

    def function(self, name: str) -> ctypes.c_void_p:
        found = ctypes.c_void_p()
        self._cuda.call("cuModuleGetFunction", ctypes.byref(found), self._module, name.encode())
        return found

    def memory(self) -> tuple[int, int]:
        """Free and total bytes."""
        free, total = ctypes.c_size_t(), ctypes.c_size_t()
        self._cuda.call("cuMemGetInfo_v2", ctypes.byref(free), ctypes.byref(total))
        return free.value, total.value

    def allocate(self, size: int) -> ctypes.c_uint64:
        """``size`` bytes of the card's memory, filled with one pattern."""
        place = ctypes.c_uint64()
        self._cuda.call("cuMemAlloc_v2", ctypes.byref(place), ctypes.c_size_t(size))
        self._cuda.call("cuMemsetD32_v2", place, ctypes.c_uint(0x5A5A5A5A), ctypes.c_size_t(size // 4))
        return place

    def free(self, place: ctypes.c_uint64) -> None:
        self._cuda.call("cuMemFree_v2", place)

    def time(self, function: ctypes.c_void_p, grid: int, block: int, arguments: list[Any], launches: int) -> float:
        """Seconds for so many launches one after the other, by the card's own clock."""
        pointers = (ctypes.c_void_p * len(arguments))(
            *[ctypes.cast(ctypes.pointer(argument), ctypes.c_void_p) for argument in arguments]
        )
        begin, end = self._events
        self._cuda.call("cuEventRecord", begin, None)
        for _ in range(launches):
            self._cuda.call("cuLaunchKernel", function, grid, 1, 1, block, 1, 1, 0, None, pointers, None)
        self._cuda.call("cuEventRecord", end, None)
        self._cuda.call("cuEventSynchronize", end)
        milliseconds = ctypes.c_float()
        self._cuda.call("cuEventElapsedTime", ctypes.byref(milliseconds), begin, end)
        return milliseconds.value / 1000
