"""Settings: by a subnet's owner within limits, by root without; closed before an epoch."""

from __future__ import annotations

from typing import Any

import pytest

from ranvier.sandbox.pallets.admin_settings import SETTINGS
from ranvier.sandbox.pallets.subtensor.storage import Subtensor
from ranvier.sandbox.runtime.runtime import PALLETS
from ranvier.sandbox.runtime.specs import Face
from sandbox.support import Bench
from sandbox.test_networks import as_root

FITTING = {"max_burn": 10**9, "min_burn": 10**6, "recycle_or_burn": ("Recycle", ()), "min_allowed_uids": 3}

FULL = {"max_allowed_validators", "commit_reveal_version"}


@pytest.fixture(params=[343, 425])
def bench(request: pytest.FixtureRequest) -> Bench:
    bench = Bench(tempo=40, rules=request.param)
    bench.blocks(2)
    return bench


def set_by(bench: Bench, who: Any, name: str, **arguments: Any) -> str | None:
    return bench.run(who, "AdminUtils", f"sudo_set_{name}", netuid=1, **arguments)


def other(setting: Any, now: Any) -> Any:
    """A value that fits, and is not the one of now."""
    if setting.name in FITTING:
        return FITTING[setting.name]
    if isinstance(now, bool):
        return not now
    return now - 1 if now in (65_535, 2**64 - 1) or setting.name in FULL else now + 1


def test_root_may_change_everything_that_the_spec_has(bench: Bench) -> None:
    version = bench.node.chain.spec.version
    assert as_root(bench, "AdminUtils", "sudo_set_admin_freeze_window", window=0) is None
    changed = 0
    for setting in SETTINGS:
        if version < setting.since or setting.name == "admin_freeze_window":
            continue
        keys = (1,) if setting.of_a_subnet else ()
        value = other(setting, setting.item.get(bench.state, *keys))
        arguments = {setting.argument: value} | ({"netuid": 1} if keys else {})
        assert as_root(bench, "AdminUtils", f"sudo_set_{setting.name}", **arguments) is None, setting.name
        assert setting.item.get(bench.state, *keys) == value, setting.name
        changed += 1
    assert changed == {343: 50, 425: 63}[version]


def test_what_a_spec_does_not_have_is_hidden() -> None:
    faces = {version: Face(version, PALLETS) for version in (343, 425)}
    for setting in SETTINGS:
        name = f"sudo_set_{setting.name}"
        assert faces[343].has("AdminUtils", "calls", name) == (setting.since < 425), name
        assert faces[425].has("AdminUtils", "calls", name)


def test_an_owner_changes_its_own_and_not_too_often(bench: Bench) -> None:
    owner, stranger = bench.cast.owner[0], bench.cast.validators[0][0]
    assert set_by(bench, stranger, "rho", rho=11) == "BadOrigin"
    assert set_by(bench, owner, "kappa", kappa=11) == "BadOrigin"
    assert set_by(bench, owner, "rho", rho=11) is None
    assert bench.event("RhoSet") == (1, 11)
    assert set_by(bench, owner, "rho", rho=12) == "TxRateLimitExceeded"
    assert set_by(bench, owner, "immunity_period", immunity_period=9) is None, "each by itself"
    assert as_root(bench, "AdminUtils", "sudo_set_rho", netuid=1, rho=13) is None, "root is not bound"
    assert set_by(bench, owner, "min_burn", min_burn=10**9) == "ValueNotInBounds"
    assert set_by(bench, owner, "max_allowed_uids", max_allowed_uids=5) == "MaxAllowedUidsLessThanMinAllowedUids"
    assert set_by(bench, owner, "alpha_values", alpha_low=2000, alpha_high=9000) == "LiquidAlphaDisabled"
    assert set_by(bench, owner, "alpha_sigmoid_steepness", steepness=-1) == "NegativeSigmoidSteepness"
    assert as_root(bench, "AdminUtils", "sudo_set_rho", netuid=9, rho=13) == "SubnetDoesNotExist"


def test_settings_are_closed_before_an_epoch(bench: Bench) -> None:
    owner = bench.cast.owner[0]
    assert as_root(bench, "AdminUtils", "sudo_set_admin_freeze_window", window=39) is None
    closed = "AdminActionProhibitedDuringWeightsWindow"
    told = [set_by(bench, owner, "bonds_penalty", bonds_penalty=1) for _ in range(6)]
    assert closed in told
    assert as_root(bench, "AdminUtils", "sudo_set_tempo", netuid=1, tempo=50) in (closed, None)
    assert as_root(bench, "AdminUtils", "sudo_set_kappa", netuid=1, kappa=9) is None, "this one is never closed"
    assert as_root(bench, "AdminUtils", "sudo_set_admin_freeze_window", window=0) is None
    assert as_root(bench, "AdminUtils", "sudo_set_tempo", netuid=1, tempo=50) is None
    assert Subtensor.Tempo.get(bench.state, 1) == 50
    wanted = "BadOrigin" if bench.node.chain.spec.version < 425 else "TempoOutOfBounds"
    assert set_by(bench, owner, "tempo", tempo=50) == wanted
