"""Hardware: units on every number, unknown grey, lost GPUs told, polling only while somebody looks."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gui import samples
from ranvier.agent.api.messages import GetHardware, GetHardwareHistory
from ranvier.core.errors import AgentError
from ranvier.core.evidence import Level
from ranvier.hardware.snapshot import Gpu
from ranvier.ui import words
from ranvier.ui.models.gpus import (
    cpu_points,
    details_text,
    gpu_facts,
    gpu_level,
    gpu_points,
    host_facts,
    memory_points,
)
from ranvier.ui.pages.hardware import SPAN_S, HardwarePage

N = "\N{NARROW NO-BREAK SPACE}"


def plain(text: str) -> str:
    return text.replace(N, " ")


def test_sizes_and_rates_read_well():
    assert plain(words.size_text(0)) == "0 B"
    assert plain(words.size_text(1536)) == "1.5 KiB"
    assert plain(words.size_text(25_757_220_864)) == "24.0 GiB"
    assert plain(words.size_text(1024**3 * 24)) == "24 GiB"
    assert plain(words.rate_text(1_234_567)) == "1.2 MB/s"
    assert plain(words.power_text(212.4, 450.0)) == "212 W of 450 W"
    assert words.power_text(None, None) == "unknown"
    assert plain(words.power_text(None, 450)) == "unknown of 450 W"
    assert words.duration_text(4 * 86_400 + 7300) == "4 days 2 h"
    assert words.duration_text(3600) == "1 h"


@given(st.one_of(st.none(), st.integers(0, 2**62)))
def test_no_size_is_without_unit_and_unknown_is_never_a_zero(count):
    for text in (words.size_text(count), words.rate_text(count)):
        assert (text == "unknown") == (count is None)
        if count is not None:
            number, unit = text.split(N)
            assert float(number) < 1024.5 or unit in ("PiB", "TB/s")
            assert (float(number) == 0) == (count == 0)


@given(st.integers(0, 2**40))
def test_blocks_lose_no_digit(number):
    assert int(words.block_text(number).replace(N, "")) == number


def test_nothing_known_is_grey_and_no_number():
    gpu = Gpu(uuid="GPU-1", name="Some GPU", index=0)
    assert gpu_level(gpu) is Level.UNKNOWN
    assert all(not fact.known and "unknown" in fact.text for fact in gpu_facts(gpu))


def test_levels_of_a_gpu():
    sound = samples.gpu(0, 0.0)
    assert gpu_level(sound) is Level.GOOD
    assert gpu_level(replace(sound, throttle_reasons=("power limit",))) is Level.BUSY
    assert gpu_level(replace(sound, throttle_reasons=("power limit", "heat (software)"))) is Level.WARN
    assert gpu_level(replace(sound, throttle_reasons=("application clocks",))) is Level.GOOD
    assert gpu_level(replace(sound, asleep=True)) is Level.OFF
    assert gpu_level(replace(sound, problem="Fell off the bus.")) is Level.BAD
    facts = {fact.label: fact.text for fact in gpu_facts(replace(sound, throttle_reasons=("power limit",)))}
    assert facts["Throttling"] == "power limit"
    told = replace(sound, throttle_reasons=None, clock_sm_max_mhz=3105, performance_state=2, energy_j=3600.0 * 5)
    more = {fact.label: (plain(fact.text), fact.known) for fact in gpu_facts(told)}
    assert more["Throttling"] == ("unknown", False) and more["Clock"] == ("2520 MHz of 3105 MHz", True)
    assert more["Performance state"][0] == "P2" and more["Energy since driver start"][0] == "5.0 Wh"
    assert (
        details_text(sound).endswith(sound.uuid) and details_text(replace(sound, uuid="pci:1", pci_address="1")) == "1"
    )


def test_host_facts_have_units_and_tell_what_is_missing():
    host = samples.hardware().host
    texts = {fact.label: plain(fact.text) for fact in host_facts(host)}
    assert texts["Disk used"] == "1.1 TiB of 1.8 TiB, ext4, flash" and texts["Temperature"] == "64 °C"
    assert texts["Disk of /srv/models"] == "4.5 TiB of 7.3 TiB, xfs, spinning"
    bare = replace(host, disks=(), net_sent_bps=None, net_received_bps=None, load_1min=None)
    unknown = {fact.label for fact in host_facts(bare) if not fact.known}
    assert unknown == {"Disk used", "Network", "Load, 1 min"}


def test_points_keep_what_is_missing():
    samples_ = [samples.hardware(1000.0), replace(samples.hardware(1002.0), gpus=())]
    uuid = samples_[0].gpus[0].uuid
    points = gpu_points(samples_, uuid, lambda gpu: gpu.temperature_c)
    assert points[0][1] is not None and points[1] == (1002.0, None)
    silent = replace(samples_[0], host=replace(samples_[0].host, cpu_percent=None))
    assert cpu_points([silent]) == ((1000.0, None),)
    assert 0 < memory_points(samples_)[0][1] < 100


@pytest.fixture
def house(tmp_path, qloop):
    return samples.House(tmp_path)


async def opened(qtbot, house):
    page = HardwarePage(house.context)
    qtbot.addWidget(page)
    page.resize(1000, 760)
    page.show()
    page.shown()
    await samples.until(lambda: page.samples, "samples")
    return page


async def test_page_shows_host_gpus_and_history(qtbot, house):
    page = await opened(qtbot, house)
    await samples.until(lambda: all(view.lines for view in page.histories()), "histories", 15)
    assert len(page.gpus) == 2 and len(page.histories()) == 3
    assert [curve.name for curve in page.histories()[1].lines.curves if curve.known] == [
        "Use",
        "Memory",
        "Heat",
        "Power",
    ]
    assert "driver 580.95.05" in page.subtitle.text()
    assert house.client.called(GetHardwareHistory)[0].seconds == SPAN_S
    assert "not yet beside nvidia-smi on a real card" in page.foot.text()
    first = next(iter(page.gpus.values()))
    assert first.title.text() == "GPU 0 · NVIDIA GeForce RTX 4090"
    assert first.badge.level is Level.GOOD and page.gpus[samples.gpu(1, 0).uuid].badge.level is Level.WARN
    page.hidden()
    await house.close()


async def test_polling_stops_when_nobody_looks(qtbot, house):
    page = await opened(qtbot, house)
    page.hidden()
    asked = len(house.client.calls)
    house.bridge.hardware.emit(samples.hardware())
    await samples.until(lambda: page._drawing is None, "drawing stopped")
    assert len(house.client.calls) == asked and not page._polling.running
    await house.close()


async def test_events_are_appended_once_and_old_samples_go(qtbot, house):
    page = await opened(qtbot, house)
    await samples.until(lambda: page._loaded, "history")
    count, newest = len(page.samples), page.samples[-1].at
    sample = samples.hardware(newest + 1)
    house.bridge.hardware.emit(sample)
    house.bridge.hardware.emit(sample)
    assert len(page.samples) == count + 1
    house.bridge.hardware.emit(samples.hardware(newest + 2 * SPAN_S))
    assert len(page.samples) == 1
    page.hidden()
    await house.close()


async def test_a_gpu_that_disappears_is_told_with_its_last_reading(qtbot, house):
    page = await opened(qtbot, house)
    uuid = samples.gpu(1, 0).uuid
    await samples.until(lambda: uuid in page.gpus, "the card")
    sample = samples.hardware(time.time() + 5)
    page.add_sample(replace(sample, gpus=sample.gpus[:1]))
    assert page.gpus[uuid].badge.level is Level.BAD and not page.gpus[uuid].problem.isHidden()
    page.add_sample(samples.hardware(time.time() + 10))
    assert page.gpus[uuid].badge.level is Level.WARN and page.gpus[uuid].problem.isHidden()
    page.hidden()
    await house.close()


async def test_no_gpu_is_said_in_words(qtbot, tmp_path, qloop):
    house = samples.House(tmp_path, samples.FakeClient(samples.Paths.under(tmp_path), gpus=False))
    page = await opened(qtbot, house)
    await samples.until(lambda: not page.note.isHidden(), "the note")
    assert "No NVIDIA driver" in page.note_text.text() and not page.gpus
    page.hidden()
    await house.close()


async def test_lost_agent_keeps_the_last_sample_with_its_age(qtbot, house):
    page = await opened(qtbot, house)
    house.client.answers[GetHardware] = AgentError("No agent", "The agent is not running.")
    page.samples[-1] = replace(page.samples[-1], at=time.time() - 50)
    page._polling.now()
    await samples.until(lambda: "Not up to date" in page.subtitle.text(), "the warning")
    assert page.samples and "50 s ago" in page.subtitle.text()
    page.hidden()
    await house.close()
