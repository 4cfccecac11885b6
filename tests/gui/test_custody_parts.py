"""What custody shows and keeps, each part by itself: findings, words about backups, dates, dated copies."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest

from gui import samples
from ranvier.core.errors import KeyFileError
from ranvier.core.paths import Paths
from ranvier.keys import files, wallets
from ranvier.keys.custody import Finding, Fix, Level
from ranvier.keys.drill import Comparison, Drills
from ranvier.keys.listing import KeyForm
from ranvier.ui.backup_dates import BackupDates
from ranvier.ui.dialogs.wallets.custody_fixes import keep_copy
from ranvier.ui.models.wallets import Listed, backup_sentence, backup_text
from ranvier.ui.pages.custody import CustodyView, summary


def test_what_is_said_of_backups():
    def listed(form, **more):
        return Listed(wallets.Wallet("w", None, samples.ALICE, form, ()), **more)

    assert backup_text(listed(KeyForm.NONE)) == "–" and not listed(KeyForm.NONE).never_verified
    assert listed(KeyForm.PLAIN).never_verified
    play = listed(KeyForm.ENCRYPTED, practice=True)
    assert backup_text(play) == "play money" and not play.never_verified and "no backup" in backup_sentence(play)
    done = listed(KeyForm.ENCRYPTED, verified_on=datetime.date(2026, 11, 20))
    assert backup_text(done) == "2026-11-20" and not done.never_verified


def finding(level, fix=Fix.LOOK, what="Something", path="/w/x"):
    return Finding(level, "rule", what, "Because.", fix, Path(path), "x")


def test_findings_are_grouped_and_counted(qtbot):
    view = CustodyView()
    qtbot.addWidget(view)
    view.show_findings((), 0.0)
    assert view.badge.text == "nothing found"
    found = (finding(Level.DANGER), finding(Level.WARNING), finding(Level.WARNING), finding(Level.NOTE, None))
    assert summary(found) == "1 danger, 2 warnings, 1 note"
    view.show_findings(found, 0.0)
    assert [button.text() for _finding, button in view.buttons] == ["Look at the wallet"] * 3
    asked = []
    view.fix_wanted.connect(asked.append)
    view.buttons[1][1].click()
    assert asked == [found[1]]


def test_a_copy_is_never_plain_and_never_overwrites(tmp_path):
    plain = wallets.Wallet("w", tmp_path, samples.ALICE, KeyForm.PLAIN, ())
    with pytest.raises(KeyFileError, match="no password"):
        keep_copy(plain, tmp_path, datetime.date(2026, 11, 22))
    (tmp_path / "coldkey").write_bytes(b"$NACL" + bytes(60))
    kept = wallets.Wallet("w", tmp_path, samples.ALICE, KeyForm.ENCRYPTED, ())
    assert keep_copy(kept, tmp_path, datetime.date(2026, 11, 22)).name == "w-coldkey-2026-11-22"
    with pytest.raises(files.KeyTroubleError, match="left as it is"):
        keep_copy(kept, tmp_path, datetime.date(2026, 11, 22))


def test_dates_survive_and_damage_is_no_trouble(tmp_path):
    paths = Paths.under(tmp_path)
    dates = BackupDates(paths)
    assert dates.written_on(samples.ALICE) is None
    dates.remember(samples.ALICE, datetime.date(2026, 1, 2))
    assert BackupDates(paths).written_on(samples.ALICE) == datetime.date(2026, 1, 2)
    (paths.data / "keys" / "written-down.json").write_bytes(b"{")
    assert dates.written_on(samples.ALICE) is None
    Drills(paths).remember(Comparison(True, samples.ALICE, samples.ALICE))
