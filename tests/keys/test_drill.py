"""Asking words back and the restore drill: right words only, nothing kept but the date."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keys.vectors import ABANDON, DEV
from ranvier.core.errors import KeyFileError, MnemonicError
from ranvier.core.paths import Paths
from ranvier.keys import drill, encryption, files
from ranvier.keys.content import SecretPart
from ranvier.keys.drill import Drills, WordsBack
from ranvier.keys.encryption import Cost
from ranvier.keys.signing import ED25519, LocalSigner

CHEAP = Cost(passes=3, memory_bytes=8192)
COLD = LocalSigner.from_mnemonic(DEV).ss58


@given(st.sampled_from([12, 15, 18, 21, 24]), st.integers(1, 12))
def test_positions_are_spread_over_the_phrase(words: int, asked: int) -> None:
    positions = drill.choose_positions(words, asked)
    assert len(set(positions)) == asked and list(positions) == sorted(positions)
    assert positions[0] >= 1 and positions[-1] <= words
    assert all(words * n // asked < p <= words * (n + 1) // asked for n, p in enumerate(positions))


def test_positions_differ_from_time_to_time() -> None:
    assert len({drill.choose_positions(12) for _ in range(40)}) > 5


def test_words_back() -> None:
    back = WordsBack(DEV, (1, 4, 12))
    assert back.check(1, " Bottom ") and back.check(12, "walk") and not back.done
    assert not back.check(4, "lakes") and not back.check(4, "") and not back.done
    assert back.check(4, "LAKE") and back.done
    assert not back.check(4, "bottom") and not back.done, "the last answer counts"
    assert back.check(2, "drive") and not back.done, "a word that was not asked changes nothing"
    assert "bottom" not in repr(back)
    back.wipe()
    assert back.phrase == ""
    assert len(WordsBack(ABANDON).positions) == drill.ASKED
    with pytest.raises(MnemonicError):
        WordsBack("abandon " * 12)


@pytest.mark.parametrize("scheme", [ED25519, 1])
def test_typed_backup(scheme: int) -> None:
    ss58 = LocalSigner.from_mnemonic(DEV, scheme).ss58
    assert drill.compare_words(DEV.upper(), ss58).matches, "in whichever scheme the wallet is"
    seed = SecretPart.from_mnemonic(DEV).seed or b""
    assert drill.compare_words(seed.hex(), ss58).matches
    wrong = drill.compare_words(ABANDON, ss58)
    assert not wrong.matches and wrong.backup_ss58 == LocalSigner.from_mnemonic(ABANDON).ss58
    with pytest.raises(MnemonicError, match="Word 2"):
        drill.compare_words(DEV.replace("drive", "dirve"), ss58)
    assert drill.compare_words(LocalSigner.from_mnemonic(DEV).private_key().hex(), COLD).matches


async def test_backup_in_a_file(tmp_path: Path) -> None:
    part = SecretPart.from_mnemonic(DEV)
    data = encryption.encrypt(files.secret_json(part), await encryption.derive("pw", CHEAP))
    for name, content in (("coldkey", data), ("words.txt", DEV.encode()), ("plain", files.secret_json(part))):
        (tmp_path / name).write_bytes(content)
        assert (await drill.compare_file(tmp_path / name, "pw", COLD, _cost=CHEAP)).matches
        other = LocalSigner.from_mnemonic(ABANDON).ss58
        assert not (await drill.compare_file(tmp_path / name, "pw", other, _cost=CHEAP)).matches


def test_only_the_date_is_kept(tmp_path: Path) -> None:
    paths = Paths.under(tmp_path)
    drills = Drills(paths)
    assert drills.verified_on(COLD) is None
    with pytest.raises(KeyFileError, match="opens"):
        drills.remember(drill.compare_words(ABANDON, COLD))
    assert drills.verified_on(COLD) is None
    day = datetime.date(2026, 11, 22)
    assert drills.remember(drill.compare_words(DEV, COLD), day) == day
    assert Drills(paths).verified_on(COLD) == day
    (kept,) = [p for p in tmp_path.rglob("*") if p.is_file()]
    assert kept.read_text() == f'{{"verified":{{"{COLD}":"2026-11-22"}}}}'
    for broken in ("", "{", '{"verified": 5}', f'{{"verified": {{"{COLD}": "yesterday"}}}}'):
        kept.write_text(broken)
        assert Drills(paths).verified_on(COLD) is None
    assert drills.remember(drill.compare_words(DEV, COLD))
