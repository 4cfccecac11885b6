"""Results are kept whole, found again, compared and given away without identifiers."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from ranvier.benchmark.device import DeviceRun
from ranvier.benchmark.errors import BenchmarkError
from ranvier.benchmark.figures import Device, DeviceResult, Figure, Minute
from ranvier.benchmark.metrics import Client, LoadResult, Request, summarise
from ranvier.benchmark.objectives import DEFAULT
from ranvier.benchmark.store import Record, Store, Subject, compare, export, new_record, newest_bandwidth, values
from ranvier.benchmark.sweep import conclude


def device(rates: tuple[float, ...], driver: str = "580", at: float = 1000.0) -> Record:
    sustained = tuple(Minute(n, 100.0 - n) for n in range(12))
    result = DeviceResult(
        Device("GPU-1", "RTX", "cuda", pci_address="0000:01:00.0"), "label",
        (Figure("read", "Memory read", "GB/s", rates),), {"cuda_driver": "13.0"}, sustained=sustained,
    )  # fmt: skip
    subject = Subject("GPU-1", "RTX", driver, {"cuda": "13.0"})
    return new_record("device", subject, at, device=DeviceRun(result))


def load(seconds: float = 1.0) -> LoadResult:
    requests = [Request(n, 1.0, 1.0, [1.1, 1.0 + seconds], 10, 5, True) for n in range(3)]
    return summarise(requests, model="m", concurrency=1, rate=None, objective=DEFAULT, client=Client(1.0, 0.1, False))


def test_a_record_comes_back_whole(tmp_path: Path) -> None:
    store, record = Store(tmp_path), device((900.0, 950.0, 910.0))
    path = store.add(record)
    assert path.parent.name == "GPU-1"
    assert store.all() == (record,)
    assert store.get(record.id[:-2]) == record
    assert record.device.result.figures[0].samples == (900.0, 950.0, 910.0)
    with pytest.raises(BenchmarkError):
        store.add(record)
    with pytest.raises(BenchmarkError, match="no 'x'"):
        store.get("x")


def test_newest_first_by_device_and_broken_files_are_left_alone(tmp_path: Path) -> None:
    store = Store(tmp_path)
    old, new = device((1.0,), at=1000.0), device((2.0,), at=2000.0)
    serving = new_record("serving", Subject("GPU-2", "Other"), 1500.0, serving=load())
    for record in (old, new, serving):
        store.add(record)
    broken = tmp_path / "results" / "GPU-1" / "broken.json"
    broken.write_text("{")
    assert [record.at for record in store.all()] == [2000.0, 1500.0, 1000.0]
    assert store.of("GPU-1", "device") == (new, old)
    assert broken.exists()
    assert newest_bandwidth(store.all(), "GPU-1") == 2e9
    assert newest_bandwidth(store.all(), "GPU-2") is None


def test_another_driver_is_a_reason_to_measure_again(tmp_path: Path) -> None:
    store = Store(tmp_path)
    assert store.changed_since("GPU-1", "590") is None
    record = device((1.0,))
    store.add(record)
    assert store.changed_since("GPU-1", "580") is None
    assert store.changed_since("GPU-1", "590") == record
    assert store.changed_since("GPU-1", None) is None


def test_two_runs_side_by_side_say_whether_the_change_is_more_than_noise() -> None:
    first, second, third = device((100.0, 104.0)), device((150.0, 151.0)), device((103.0, 104.0))
    row = compare(first, second)[0]
    assert (row.first, row.second, row.unit, row.clear) == (102.0, 150.5, "GB/s", True)
    assert row.change_percent == pytest.approx(47.5, abs=0.1)
    assert not compare(first, third)[0].clear
    other = new_record("serving", Subject("GPU-1", "RTX"), 1.0, serving=load(), joules=60.0)
    rows = {row.key: row for row in compare(first, other)}
    assert (rows["read"].second, rows["output_throughput"].first) == (None, None)
    assert rows["tokens_per_joule"].second == 0.5
    assert not rows["median_ttft"].more_is_better


def test_figures_of_each_kind() -> None:
    assert [value.key for value in values(device((1.0,)))] == ["read", "kept"]
    sweep = new_record("sweep", Subject("u", "n"), 1.0, sweep=conclude([load(), load(2.0)]))
    assert values(sweep)[0].key == "c1.output_throughput"
    assert values(new_record("serving", Subject("u", "n"), 1.0)) == ()


def test_what_is_given_away_names_nobody(tmp_path: Path) -> None:
    record = msgspec.structs.replace(device((1.0,)), settings={"url": "http://secret.example/v1"})
    export(record, tmp_path / "out" / "a.json")
    text = (tmp_path / "out" / "a.json").read_text()
    assert "GPU-1" not in text
    assert "0000:01" not in text
    assert "secret" not in text
    assert '"RTX"' in text
    export(record, tmp_path / "b.json", identifiers=True)
    assert msgspec.json.decode((tmp_path / "b.json").read_bytes(), type=Record) == record
