"""The forms of the Benchmark page: readable at any width, own limits, and a sweep's steps in order."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from gui import samples_bench, samples_hardware
from gui.stage import settle, texts
from gui.test_benchmark import N, house, opened
from ranvier.benchmark.objectives import PRESETS
from ranvier.benchmark.store import Store
from ranvier.ui.widgets.hardware_cards import GpuCard
from ranvier.ui.widgets.share_card import ShareCard

__all__ = ["house"]
LONG = "NVIDIA RTX PRO 6000 Blackwell Max-Q Workstation Edition with 96 GB of memory that is corrected"


@pytest.mark.parametrize(("width", "columns"), [(1280, 6), (820, 4), (560, 2)])
async def test_no_form_is_wider_than_the_window(qtbot, house, width, columns):
    page = await opened(qtbot, house)
    page.resize(width, 700)
    page.serving.load.setCurrentIndex(1)
    page.serving.objective.setCurrentIndex(page.serving.objective.findText("Own limits"))
    for part in ("serving", "device", "fit", "results"):
        page.show_part(part)
        await settle()
        assert page.area.widget().width() <= page.area.viewport().width(), part
    page.show_part("serving")
    await settle()
    fields = page.serving.fields
    inside = [field for field, _span in fields._fields if not field.isHidden()]
    assert fields._placed[0] == columns and len(inside) == 14
    for field in inside:
        assert field.geometry().right() <= fields.width() and field.width() >= 100
        others = [other for other in inside if other is not field and other.geometry().intersects(field.geometry())]
        assert not others, "no input stands on another"
    await house.close()


async def test_own_limits_are_the_plans_objective(qtbot, house):
    page = await opened(qtbot, house)
    form = page.serving
    assert form.plan().objective == PRESETS["llama3.1-8b"]
    assert all(box.isHidden() for box in form._limit_boxes)
    form.objective.setCurrentIndex(form.objective.findText("Own limits"))
    assert not any(box.isHidden() for box in form._limit_boxes)
    form.limits["ttft"].setValue(750)
    form.limits["tpot"].setValue(0)
    form.limits["e2el"].setValue(9000)
    found = form.plan().objective
    assert (found.ttft_ms, found.tpot_ms, found.e2el_ms, found.share) == (750, None, 9000, 0.99)
    words = form.meaning.text().replace(N, " ")
    assert words == (
        "A request is good with its first token within 750 ms, whole answer within 9 000 ms (own limits). "
        "A load keeps the objective when 99 of 100 requests are good."
    )
    for limit in form.limits.values():
        limit.setValue(0)
    assert form.limits["ttft"].text() == "any time"
    assert form.meaning.text() == "Without a limit, every request that is answered is good."
    assert form.plan().objective.ttft_ms is None and form.start.isEnabled()
    await house.close()


async def test_the_steps_of_a_sweep_are_in_order_and_tell_their_energy(qtbot, house):
    page = await opened(qtbot, house)
    page.resize(1500, 900)
    view = page.results.view
    view.show_record(samples_bench.sweep(1e9))
    table = view.steps
    shown = [table.proxy.index(row, 0).data() for row in range(table.proxy.rowCount())]
    assert shown == ["1", "2", "4", "8", "16", "32", "64"]
    column = next(n for n, one in enumerate(view.steps.rows_model.columns) if one.title == "Per joule")
    assert table.proxy.index(0, column).data().endswith(f"{N}tok/J")
    await house.close()


async def test_a_long_name_of_a_card_is_read_to_its_end(qtbot):
    gpu = replace(samples_hardware.rich(1000.0).gpus[0], name=LONG)
    card = GpuCard()
    qtbot.addWidget(card)
    card.show_gpu(gpu, (), ())
    card.resize(600, 400)
    card.show()
    await settle()
    assert LONG in texts(card) and card.minimumSizeHint().width() <= 600
    assert card.title.height() > 1.5 * card.fontMetrics().height(), "in two lines"
    assert card.history.accessibleName() == f"History of GPU 0 · {LONG}"


async def test_a_long_name_of_a_model_widens_nothing(qtbot, house):
    record = samples_bench.sweep(1e9)
    name = "Llama-3.1-Nemotron-Ultra-253B-v1-Instruct_abliterated.GGUF-Q4_K_M-" * 2 + "end"
    Store(house.paths.benchmarks).add(
        msgspec.structs.replace(record, subject=msgspec.structs.replace(record.subject, name=f"/models/{name}"))
    )
    page = await opened(qtbot, house)
    page.resize(820, 700)
    page.show_part("results")
    page.results.table.selectRow(0)
    await settle()
    assert page.area.widget().width() <= page.area.viewport().width()
    assert page.results.view.title.text().replace("\N{ZERO WIDTH SPACE}", "") == name
    table = page.results.table
    assert table.horizontalHeader().length() <= table.viewport().width(), "the name is elided, the rest is read"
    assert table.tip(table.proxy.index(0, 2)) == name
    card = ShareCard(page.results.picked()[0], page)
    card.ensurePolished()
    card.layout().activate()
    title = card.layout().itemAt(0).widget()
    assert title.minimumSizeHint().width() <= title.width() and title.heightForWidth(title.width()) <= title.height()
    await house.close()
