"""Hardware: findings in words, MIG instances, sleeping cards, what hosts tell, ranges and thresholds."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from gui import samples, samples_hardware
from gui.stage import texts
from ranvier.agent.api.messages import GetHardwareHistory
from ranvier.core.evidence import Level
from ranvier.core.settings import GPU_HOT_C
from ranvier.hardware.thresholds import Thresholds
from ranvier.ui.models.findings import families, findings
from ranvier.ui.models.gpus import gpu_facts, host_facts, link_text, place_text, programs_text
from ranvier.ui.pages.hardware import HardwarePage

N = "\N{NARROW NO-BREAK SPACE}"


async def opened(qtbot, house):
    page = HardwarePage(house.context)
    qtbot.addWidget(page)
    page.resize(1000, 760)
    page.show()
    house.bridge.status.emit(samples.status())
    page.shown()
    await samples.until(lambda: page._asked_pids and page.samples, "samples")
    return page


def test_new_fields_show_only_where_the_card_tells_them():
    plain = {fact.label for fact in gpu_facts(samples.gpu(0, 0.0))}
    rich = {fact.label: fact.text for fact in gpu_facts(samples_hardware.rich(1000.0).gpus[1])}
    assert len(plain) == 6 and plain < set(rich)
    assert rich["PCIe link"] == "generation 4 x4 of 4 x16" and "kWh" in rich["Energy since driver start"]
    assert link_text(replace(samples.gpu(0, 0.0), pcie_width=8)) == "generation ? x8"
    gpu = samples_hardware.rich(1000.0).gpus[1]
    assert programs_text(gpu).replace(N, " ") == "Programs: python (pid 41950, 14 GiB), blender (pid 5120, 2 GiB)"
    assert programs_text(replace(gpu, processes=gpu.processes * 4)).endswith("and 4 more")


def test_where_the_machine_runs():
    host = samples.hardware().host
    assert place_text(host) == ""
    assert place_text(replace(host, wsl=2, virtual="Hyper-V (WSL)")) == "WSL 2"
    assert place_text(replace(host, container="docker", virtual="KVM")) == "a docker container, a virtual machine (KVM)"
    facts = {f.label: f.text.replace(N, " ") for f in host_facts(replace(host, battery_percent=83.0, on_battery=True))}
    assert facts["Battery"] == "83 %, on battery"


def test_children_of_a_miner_are_its_family_and_strangers_are_not():
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        found = families({"mine": os.getpid()}, [child.pid, 1])
    finally:
        child.communicate()
    assert found == {"mine": frozenset({os.getpid(), child.pid})}
    assert families({"mine": 4_000_000}, [4_000_001]) == {"mine": frozenset({4_000_000})}


def test_own_threshold_is_a_finding():
    sample = samples_hardware.rich(1000.0)
    hot = [one for one in findings([sample], None, limits=Thresholds(hot_c=80)) if one.code == "hot"]
    assert len(hot) == 1 and "your threshold is 80 °C" in hot[0].text
    assert not [one for one in findings([sample], None) if one.code == "hot"]


async def test_findings_stand_on_top_with_their_next_step(qtbot, tmp_path):
    house = samples.House(tmp_path, samples_hardware.client(tmp_path, samples_hardware.rich))
    page = await opened(qtbot, house)
    await samples.until(lambda: not page.diagnosis.isHidden(), "findings")
    shown = texts(page.diagnosis)
    assert "GPU 1 · NVIDIA GeForce RTX 4090: It is slowed down by heat (software)" in shown
    assert "PCIe link runs at generation 4 x4" in shown and "Check slot, riser and BIOS" in shown
    assert "nvidia-smi -i 1 -pl 450" in shown
    assert page.diagnosis.badge.level is Level.WARN and "things to look at" in page.diagnosis.badge.text
    row = page.diagnosis.list.rows[0]
    page.add_sample(samples_hardware.rich(time.time() + 3))
    assert page.diagnosis.list.rows[0] is row, "rows are kept while their words change"
    page.add_sample(samples.hardware(time.time() + 6))
    page.samples.clear()
    first, second = samples.hardware().gpus
    page.add_sample(replace(samples.hardware(time.time() + 9), gpus=(first, replace(first, uuid=second.uuid))))
    assert page.diagnosis.isHidden() and not page.diagnosis.list.rows, page.found
    page.hidden()
    await house.close()


async def test_mig_instances_are_rows_of_their_card_and_a_sleeping_card_says_so(qtbot, tmp_path):
    house = samples.House(tmp_path, samples_hardware.client(tmp_path, samples_hardware.mig))
    page = await opened(qtbot, house)
    assert len(page.gpus) == 2
    card, asleep = page.gpus.values()
    rows = list(card.instances.values())
    assert [row.name.text() for row in rows] == ["MIG 3g.40gb · MIG-3f9c2a10", "MIG 2g.20gb · MIG-7be0415d"]
    assert "27 GiB" in rows[0].users.text().replace(N, " ") and rows[1].users.text() == "no program"
    assert asleep.badge.text == "asleep" and asleep.badge.level is Level.OFF
    assert not asleep.asleep.isHidden() and asleep.facts.isHidden() and asleep.row.isHidden()
    sample = samples_hardware.mig(time.time() + 3)
    page.add_sample(replace(sample, gpus=sample.gpus[:2]))
    assert len(card.instances) == 1 and asleep.badge.text == "gone"
    alone = replace(samples_hardware.mig(time.time() + 6), gpus=sample.gpus[1:2])
    page.add_sample(alone)
    assert sample.gpus[1].uuid in page.gpus, "an instance whose card is hidden has a card of its own"
    page.hidden()
    await house.close()


async def test_ranges_ask_for_their_history_and_thresholds_are_drawn(qtbot, tmp_path):
    house = samples.House(tmp_path, samples_hardware.client(tmp_path, samples_hardware.rich))
    house.settings.set(GPU_HOT_C, 75)
    page = await opened(qtbot, house)
    view = next(iter(page.gpus.values())).history
    await samples.until(lambda: view.lines is not None, "the history")
    (heat,) = [curve for curve in view.lines.curves if curve.name == "Heat"]
    assert heat.limits == ((75.0, "your threshold"), (84.0, "slows down"))
    page.range_buttons[86_400].click()
    await samples.until(lambda: house.client.called(GetHardwareHistory)[-1].seconds == 86_400, "the day is asked for")
    await samples.until(lambda: page._loaded and page.samples[0].at < time.time() - 80_000, "the day is here")
    host = page.host.history
    await samples.until(lambda: host.range[1] - host.range[0] == pytest.approx(86_400), "the day is drawn", 15)
    assert host.lines.curves[0].lines[0][1][0][0] < time.time() - 80_000
    page.hidden()
    await house.close()


@pytest.mark.parametrize("trouble", ["no_driver", "mismatch"])
async def test_a_broken_driver_is_told_once(qtbot, tmp_path, trouble):
    def broken(at):
        return replace(samples.hardware(at, gpus=False), gpu_trouble=trouble, gpu_note="The driver is broken. Do this.")

    house = samples.House(tmp_path, samples_hardware.client(tmp_path, broken))
    page = await opened(qtbot, house)
    assert "The driver is broken." in texts(page.diagnosis) and page.note.isHidden()
    assert page.diagnosis.badge.level is Level.BAD
    page.hidden()
    await house.close()
