"""What fits, held against known models; floors as subnets write them."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ranvier.benchmark.errors import BenchmarkError
from ranvier.benchmark.fit import GIB, cache_bytes, fit, fit_all, load_catalogue, roof
from ranvier.benchmark.floor import Card, MachineFacts, check_floor, quantity, read_floor, size

LIST = load_catalogue()


def test_the_catalogue_is_whole_and_every_model_has_its_source() -> None:
    assert len(LIST.models) >= 15
    assert len({model.id for model in LIST.models}) == len(LIST.models)
    known = {how.id for how in LIST.quantisations}
    for model in LIST.models:
        assert model.source.startswith("https://")
        assert set(model.only) <= known
        assert 0 < (model.active or model.parameters) <= model.parameters
        assert model.window_layers <= model.layers


def test_known_figures_come_out() -> None:
    model, bf16 = LIST.find("llama-3.1-8b-instruct", "bf16")
    assert cache_bytes(model, 1) == 128 * 1024, "128 KiB for each token"
    assert cache_bytes(model, 8192) == GIB
    found = fit(model, bf16, 24 * GIB, context=8192, sequences=4, bandwidth=1008e9)
    assert found.weights == pytest.approx(16.06e9, rel=0.001)
    assert found.cache == 4 * GIB
    assert found.fits
    assert found.needed == found.weights + found.cache + found.overhead
    assert roof(model, bf16, 1008e9, context=0) == pytest.approx(62.8, abs=0.1), "bandwidth over the weights"
    assert not fit(model, bf16, 16 * GIB).fits
    assert fit(model, bf16, 10 * GIB).most_sequences is None
    with pytest.raises(BenchmarkError):
        LIST.find("no such model", "bf16")


def test_layers_with_a_window_remember_no_more_than_it() -> None:
    model, how = LIST.find("openai/gpt-oss-20b", "mxfp4")
    assert cache_bytes(model, 8192) == 2 * 8 * 64 * 2 * (12 * 8192 + 12 * 128)
    assert fit(model, how, 16 * GIB).fits
    assert {found.quantisation for found in fit_all(LIST, 80 * GIB) if found.model == model.id} == {"mxfp4"}


@given(st.integers(2**30, 2**37), st.integers(1, 64), st.integers(256, 200_000))
def test_the_limits_told_are_exact(available: int, sequences: int, context: int) -> None:
    model, how = LIST.find("Qwen/Qwen3-8B", "fp8")
    found = fit(model, how, available, context=context, sequences=sequences)
    if found.most_sequences is None:
        assert not found.fits
        return
    assert found.fits == (sequences <= found.most_sequences) == (found.context <= found.longest_context)
    if found.most_sequences:
        assert fit(model, how, available, context=context, sequences=found.most_sequences).fits
    assert not fit(model, how, available, context=context, sequences=found.most_sequences + 1).fits


def test_a_broken_catalogue_is_said(tmp_path: Path) -> None:
    (tmp_path / "m.toml").write_text("[[model]]\nid = 3\n[quantisation]\n")
    with pytest.raises(BenchmarkError, match=r"m\.toml"):
        load_catalogue(tmp_path / "m.toml")


TEMPLATE = """\
version: '1.0'
compute_spec:
  miner:
    cpu:
      min_cores: 4
      min_speed: 2.5GHz
      recommended_cores: 64
      architecture: x86_64
    gpu:
      required: true
      min_vram: 24GB
      cuda_cores: 1024
      min_compute_capability: 8.6
      recommended_gpu: "NVIDIA A100"
    memory:
      min_ram: 16
      min_swap:
      ram_type: "DDR4"
    storage:
      min_space: 1TB
      type: SSD
    os:
      name: Ubuntu
      version: ">=20.04"
  validator:
    cpu: {min_cores: 999}
network_spec:
  bandwidth:
    download: ">=100Mbps"
"""
MACHINE = MachineFacts(
    cores=8, cpu_ghz=2.4, architecture="AMD64", memory=16_600_000_000, disk_free=2 * 10**12, rotational=False,
    system="Linux 6.8", cards=(Card("RTX 4090", 25_757_220_864, "8.9", 16384),),
)  # fmt: skip


def test_a_floor_is_held_line_by_line(tmp_path: Path) -> None:
    path = tmp_path / "min_compute.yml"
    path.write_text(TEMPLATE)
    lines = {line.key: (line.met, line.have) for line in check_floor(read_floor(path), MACHINE)}
    assert lines == {
        "cpu.min_cores": (True, "8"),
        "cpu.min_speed": (False, "2.4 GHz"),
        "cpu.architecture": (True, "AMD64"),
        "gpu.required": (True, "RTX 4090"),
        "gpu.min_vram": (True, "25.8 GB"),
        "gpu.cuda_cores": (True, "16384"),
        "gpu.min_compute_capability": (True, "8.9"),
        "memory.min_ram": (True, "16.6 GB"),
        "memory.ram_type": (None, "cannot be checked"),
        "storage.min_space": (True, "2000.0 GB"),
        "storage.type": (True, "SSD"),
        "os.name": (None, "Linux 6.8"),
        "os.version": (None, "cannot be checked"),
        "network.download": (None, "cannot be checked"),
    }


def test_without_a_gpu_its_lines_are_not_met_and_unknown_is_not_met_either(tmp_path: Path) -> None:
    path = tmp_path / "min_compute.yml"
    path.write_text(TEMPLATE)
    lines = {line.key: line.met for line in check_floor(read_floor(path), MachineFacts(cores=2))}
    assert [lines[f"gpu.{key}"] for key in ("required", "min_vram", "min_compute_capability")] == [False] * 3
    assert (lines["cpu.min_cores"], lines["memory.min_ram"], lines["storage.type"]) == (False, None, None)


def test_floors_of_other_shapes_are_read() -> None:
    flat = {"compute_spec": {"cpu": {"min_cores": "many"}, "gpu": {"required": False, "min_vram": 8}, "note": "x"}}
    lines = check_floor(flat, MACHINE)
    assert [(line.key, line.met) for line in lines] == [("cpu.min_cores", None), ("gpu.required", True)]
    assert check_floor({}, MACHINE) == ()
    assert check_floor({"compute_spec": {"miner": None}}, MACHINE) == ()


def met_of(text: str, machine: MachineFacts = MACHINE, role: str = "miner") -> dict[str, bool | None]:
    return {line.key: line.met for line in check_floor(yaml.safe_load(text), machine, role)}


def test_roles_outside_and_the_specification_inside() -> None:
    text = """
    version: "1.0"
    roles:
      miner:
        compute_spec:
          cpu: {min_cores: 6, min_speed: 2.0GHz}
          gpu: {required: true, min_vram: 80GB, min_amount: 2}
          memory: {min_ram: 12GB}
        network: {bandwidth: {download: ">=50Mbps"}}
      validator:
        compute_spec: {cpu: {min_cores: 999}}
    """
    assert met_of(text) == {
        "cpu.min_cores": True, "cpu.min_speed": True, "gpu.required": True, "gpu.min_vram": False,
        "gpu.min_amount": False, "memory.min_ram": True, "network.download": None,
    }  # fmt: skip
    assert met_of(text, role="validator") == {"cpu.min_cores": False}


def test_a_section_may_be_one_value_and_keys_may_carry_their_unit() -> None:
    short = "compute_spec: {miner: {cpu: 16, ram: 8, disk: 100, gpu: RTX 4090 (24 GB)}, validator: {cpu: 1}}"
    assert met_of(short) == {"cpu": False, "ram": True, "disk": True, "gpu": True}
    assert met_of(short.replace("RTX 4090", "RTX 5090"))["gpu"] is None, "another card may be as good"
    assert met_of(short, MachineFacts())["gpu"] is False
    assert met_of(short.replace("RTX 4090 (24 GB)", "none"))["gpu"] is True
    units = """
    miner:
      gpu: {required: true, type: NVIDIA, min_vram_gb: 16, recommended: "RTX 4090"}
      ram: {min_gb: 32}
      disk: {min_gb: 50, type: NVMe}
      tools: {cpu_cores: 2, ram_gb: 4, gpu_reason: speed}
    validator: {ram: {min_gb: 1}}
    """
    assert met_of(units) == {
        "gpu.required": True, "gpu.type": True, "gpu.min_vram_gb": True, "ram.min_gb": False, "disk.min_gb": True,
        "disk.type": None, "tools.cpu_cores": True, "tools.ram_gb": True,
    }  # fmt: skip


def test_nothing_that_is_asked_is_left_out_and_one_of_several_profiles_is_enough() -> None:
    text = """
    compute_spec:
      miner:
        gpu:
          required: true
          profiles:
            small: {min_vram: 16, min_compute_capability: 8.6, recommended_context: 9}
            large: {min_vram: 80, min_compute_capability: 9.0}
          minimum: [{name: RTX 3090, vram_gb: 24}]
        docker: {required: true, min_version: "24.0"}
        models: {a: [one, two]}
        qpu: anything
    network_spec: {ports: {validator: {outbound: [1]}, miner: {outbound: [443]}}}
    """
    lines = check_floor(yaml.safe_load(text), MACHINE)
    assert [(line.key, line.wanted, line.have, line.met) for line in lines] == [
        ("gpu.required", "yes", "RTX 4090", True),
        ("gpu.profiles", "one of small, large", "enough for small", True),
        ("gpu.minimum", "RTX 3090 24", "cannot be checked", None),
        ("docker.required", "yes", "cannot be checked", None),
        ("docker.min_version", "24.0", "cannot be checked", None),
        ("models.a", "one, two", "cannot be checked", None),
        ("qpu", "anything", "cannot be checked", None),
    ]
    assert met_of(text, MachineFacts(cards=(Card("Old", 8 * 10**9, "6.1"),)))["gpu.profiles"] is False
    assert met_of("compute_spec: {validator: {cpu: 1}}") == {}, "another role's floor is not this one's"


@pytest.mark.parametrize("text", ["- a\n- b\n", "a: [", "\x00"])
def test_what_is_no_floor_is_said(tmp_path: Path, text: str) -> None:
    path = tmp_path / "min_compute.yml"
    path.write_text(text)
    with pytest.raises(BenchmarkError):
        read_floor(path)


def test_quantities_are_read_as_people_write_them() -> None:
    assert [size(text) for text in ("8GB", "8 GiB", 16, "1.5TB", "512MB", ">=100GB", "much")] == [
        8 * 10**9, 8 * 2**30, 16 * 10**9, 15 * 10**11, 512 * 10**6, 100 * 10**9, None,
    ]  # fmt: skip
    assert [quantity(text) for text in ("2.5GHz", "10,000", ">= 20", "x")] == [2.5, 10000.0, 20.0, None]
