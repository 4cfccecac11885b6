"""Any vendor's GPU by shaders, inside a child (the optional ``wgpu`` package): bandwidth and fp32/fp16 matrix rate.

Shaders do not reach tensor cores, so these figures are a check that the card is alive, right and not slowed down; they
are no promise for inference. A processor that plays a GPU is refused, unless a test asks for it.
"""

from __future__ import annotations

import time
from importlib import import_module
from typing import Any

import msgspec

from ranvier.benchmark.child import Say
from ranvier.benchmark.errors import BenchmarkError
from ranvier.benchmark.figures import Device, DeviceResult, Figure

LABEL = (
    "By shaders, without tensor cores: says that the card is alive and right, not what inference gets. "
    "This measurement was checked on a software GPU only, not yet on a real card."
)
_BACKENDS = ("Vulkan", "Metal", "D3D12")
_SAMPLES = 5
_LONGEST_S = 0.15  # Windows ends a driver that is busy for two seconds

_COPY = """
@group(0) @binding(0) var<storage, read> source: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> target_: array<vec4<f32>>;
@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let step = groups.x * 256u;
    for (var i = id.x; i < arrayLength(&source); i += step) { target_[i] = source[i]; }
}
"""
# Tiles of 16x16 through workgroup memory; each invocation makes one element. Sums are fp32 in both kinds.
_MATRIX = """
ENABLE
const SIDE: u32 = SIDEu;
@group(0) @binding(0) var<storage, read> left: array<KIND>;
@group(0) @binding(1) var<storage, read> right: array<KIND>;
@group(0) @binding(2) var<storage, read_write> out: array<KIND>;
var<workgroup> a: array<KIND, 256>;
var<workgroup> b: array<KIND, 256>;
@compute @workgroup_size(16, 16)
fn main(@builtin(workgroup_id) tile: vec3<u32>, @builtin(local_invocation_id) at: vec3<u32>) {
    let row = tile.y * 16u + at.y;
    let column = tile.x * 16u + at.x;
    let place = at.y * 16u + at.x;
    var sum: f32 = 0.0;
    for (var k = 0u; k < SIDE; k += 16u) {
        a[place] = left[row * SIDE + k + at.x];
        b[place] = right[(k + at.y) * SIDE + column];
        workgroupBarrier();
        for (var i = 0u; i < 16u; i++) { sum += f32(a[at.y * 16u + i]) * f32(b[i * 16u + at.x]); }
        workgroupBarrier();
    }
    out[row * SIDE + column] = KIND(sum);
}
"""


class WgpuRequest(msgspec.Struct, frozen=True):
    """``index`` among the real adapters; ``side`` a multiple of 16."""

    index: int = 0
    size_mib: int = 128
    side: int = 1024
    check_s: float = 5.0
    processor_too: bool = False


def work(request: Any, say: Say) -> DeviceResult:
    """Measure one adapter. Raises BenchmarkError."""
    asked = msgspec.convert(request, WgpuRequest)
    try:
        import numpy

        wgpu: Any = import_module("wgpu")  # optional, and without types
    except ImportError as error:
        message = f"The package {error.name} is not installed."
        raise BenchmarkError("No shader benchmark", message, "Install Ranvier with its bench extra.") from error
    adapter = choose(wgpu.gpu.enumerate_adapters_sync(), asked.index, asked.processor_too)
    card = _Card(wgpu, numpy, adapter)
    figures, skipped = [], {}
    size = min(asked.size_mib * 2**20, int(adapter.limits["max-storage-buffer-binding-size"])) // 256 * 256
    say({"event": "progress", "test": "Memory copy", "done": 0, "of": 3})
    source, target = card.buffer(numpy.ones(size // 4, numpy.float32)), card.buffer(None, size)
    run = card.pipeline(_COPY, [source, target])
    figures.append(card.figure("copy", "Memory copy", "GB/s", 2 * size / 1e9, run, (1024, 1), asked.check_s / 3))
    for kind, number in (("f32", numpy.float32), ("f16", numpy.float16)):
        say({"event": "progress", "test": f"{kind} matrix product", "done": len(figures), "of": 3})
        name = f"matmul_{kind}"
        if kind == "f16" and not card.half:
            skipped[name] = "This adapter has no fp16 in shaders."
            continue
        figure, wrong = _matrix(card, numpy, kind, number, asked)
        figures.append(figure)
        if wrong is not None:
            skipped[name] = wrong
    info = adapter.info
    details = {key: str(info[key]) for key in ("vendor", "adapter_type", "backend_type", "description") if key in info}
    uuid = f"wgpu:{info['device']}"
    device = Device(uuid, str(info["device"]), "wgpu", details=details)
    return DeviceResult(device, LABEL, tuple(figures), {"wgpu": wgpu.__version__}, skipped)


def choose(adapters: Any, index: int, processor_too: bool) -> Any:
    """The adapter to measure. Raises BenchmarkError when there is none, or only a processor that plays one."""
    seen = [adapter for adapter in adapters if adapter.info["backend_type"] in _BACKENDS]
    real = [adapter for adapter in seen if processor_too or adapter.info["adapter_type"] != "CPU"]
    if not real:
        message = "Only the processor offers to play a GPU." if seen else "No GPU with Vulkan, Metal or Direct3D 12."
        raise BenchmarkError("No GPU for shaders", message, "Install the GPU's driver (and libvulkan1 on Linux).")
    if not 0 <= index < len(real):
        raise BenchmarkError("No such GPU", f"There are {len(real)}.", "Count from 0.")
    return real[index]


def _matrix(card: _Card, numpy: Any, kind: str, number: Any, asked: WgpuRequest) -> tuple[Figure, str | None]:
    """The figure, and what is wrong with the product if it is not the right one."""
    side = asked.side
    chance = numpy.random.default_rng(0)
    left, right = ((chance.standard_normal((side, side)) * 0.1).astype(number) for _ in range(2))
    out = card.buffer(None, left.nbytes)
    code = _MATRIX.replace("ENABLE", "enable f16;" if kind == "f16" else "").replace("KIND", kind)
    run = card.pipeline(code.replace("SIDEu", f"{side}u"), [card.buffer(left), card.buffer(right), out])
    tiles = (side // 16, side // 16)
    title = f"{'fp16' if kind == 'f16' else 'fp32'} matrix product {side}"
    figure = card.figure(f"matmul_{kind}", title, "TFLOP/s", 2 * side**3 / 1e12, run, tiles, asked.check_s / 3)
    got = numpy.frombuffer(card.read(out), number).reshape(side, side).astype(numpy.float64)
    expected = left.astype(numpy.float64) @ right.astype(numpy.float64)
    error = float(numpy.abs(got - expected).max() / numpy.abs(expected).max())
    limit = 5e-3 if kind == "f16" else 1e-4
    return figure, None if error < limit else f"The result is wrong: off by {error:.2g}. The card may be failing."


class _Card:
    """One adapter's device, and how to run something on it."""

    def __init__(self, wgpu: Any, numpy: Any, adapter: Any) -> None:
        self._wgpu, self._numpy = wgpu, numpy
        self.half = "shader-f16" in adapter.features
        limits = {key: adapter.limits[key] for key in ("max-buffer-size", "max-storage-buffer-binding-size")}
        features = ["shader-f16"] if self.half else []
        self._device = adapter.request_device_sync(required_features=features, required_limits=limits)
        self._fence = self.buffer(None, 16)

    def buffer(self, data: Any, size: int = 0) -> Any:
        usage = self._wgpu.BufferUsage
        kind = usage.STORAGE | usage.COPY_SRC | usage.COPY_DST
        if data is None:
            return self._device.create_buffer(size=size, usage=kind)
        return self._device.create_buffer_with_data(data=data.tobytes(), usage=kind)

    def read(self, buffer: Any) -> bytes:
        return bytes(self._device.queue.read_buffer(buffer))

    def pipeline(self, code: str, buffers: list[Any]) -> tuple[Any, Any]:
        module = self._device.create_shader_module(code=code)
        pipeline = self._device.create_compute_pipeline(
            layout="auto", compute={"module": module, "entry_point": "main"}
        )
        entries = [
            {"binding": place, "resource": {"buffer": buffer, "offset": 0, "size": buffer.size}}
            for place, buffer in enumerate(buffers)
        ]
        group = self._device.create_bind_group(layout=pipeline.get_bind_group_layout(0), entries=entries)
        return pipeline, group

    def time(self, run: tuple[Any, Any], groups: tuple[int, int], launches: int) -> float:
        """Seconds until the card has done so many launches."""
        encoder = self._device.create_command_encoder()
        part = encoder.begin_compute_pass()
        part.set_pipeline(run[0])
        part.set_bind_group(0, run[1])
        for _ in range(launches):
            part.dispatch_workgroups(*groups)
        part.end()
        begin = time.perf_counter()
        self._device.queue.submit([encoder.finish()])
        self._device.queue.read_buffer(self._fence)  # comes after everything submitted before
        return time.perf_counter() - begin

    def figure(
        self, name: str, title: str, unit: str, amount: float, run: tuple[Any, Any], groups: tuple[int, int],
        seconds: float,
    ) -> Figure:  # fmt: skip
        """``amount`` of ``unit``-seconds is done by one launch; no submission is longer than a driver allows."""
        self.time(run, groups, 1)
        once = self.time(run, groups, 1)
        launches = max(1, min(1000, int(_LONGEST_S / max(once, 1e-6))))
        rounds = max(1, int(seconds / _SAMPLES / max(once * launches, 1e-6)))
        samples = []
        for _ in range(_SAMPLES):
            taken = sum(self.time(run, groups, launches) for _ in range(rounds))
            samples.append(amount * launches * rounds / taken)
        return Figure(name, title, unit, tuple(samples), launches * rounds)
