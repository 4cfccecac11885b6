"""AdminUtils: the settings of subnets and of the network, changed by a subnet's owner or by root (pallets/admin-utils).

Most are rows of admin_settings.py; the others check or do more than that and are written out here.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from ranvier.sandbox.codec.composites import Field, Option, Vec
from ranvier.sandbox.codec.scale import BOOL, I16, U8, U16, U32, U64, Alias
from ranvier.sandbox.codec.types import ACCOUNT
from ranvier.sandbox.frame.context import Context
from ranvier.sandbox.frame.pallet import ROOT_ORIGIN, Call, Pallet, call, ensure_root
from ranvier.sandbox.pallets.admin_settings import INDEX, SETTING_EVENTS, SETTINGS, Setting, fail
from ranvier.sandbox.pallets.subtensor import limits, mechanisms, trimming
from ranvier.sandbox.pallets.subtensor.events import fail as subtensor_fail
from ranvier.sandbox.pallets.subtensor.storage import NETUID, Subtensor, rules
from ranvier.sandbox.pallets.subtensor.subnet_events import (
    ALPHA_SIGMOID_STEEPNESS_SET,
    BONDS_MOVING_AVERAGE_SET,
    POW_REGISTRATION_ALLOWED,
    SUBNET_OWNER_HOTKEY_SET,
    TEMPO_SET,
    WEIGHTS_VERSION_KEY_SET,
)

_MOST_BONDS_AVERAGE = 975_000
_LEAST_ALPHA = 65_535 // 40
_OWNER_HOTKEY_BLOCKS = 50_400
_FACTOR_MILLI = range(1_000, 50_001)
_EVERYWHERE = ("network_registration_allowed", "liquid_alpha_enabled", "toggle_transfer", "recycle_or_burn",
               "owner_immune_neuron_limit", "yuma3_enabled", "bonds_reset_enabled", "ema_price_halving_period",
               "subtoken_enabled", "min_non_immune_uids")  # fmt: skip
"""Settings that do not ask whether the subnet exists."""
_NOT_ON_ROOT = ("burn_half_life", "burn_increase_mult", "collateral_lock_share", "collateral_drain_ratio",
                "owner_cut_enabled", "owner_cut_auto_lock_enabled", "subnet_emission_enabled")  # fmt: skip


def _exists(context: Context, netuid: int) -> None:
    if not Subtensor.NetworksAdded.get(context.state, netuid):
        raise fail("SubnetDoesNotExist")


def _set(setting: Setting, context: Context, who: bytes, **arguments: Any) -> None:
    """Change one plain setting, in the order of the runtime's checks."""
    value = arguments[setting.argument]
    if not setting.of_a_subnet:
        ensure_root(who)
        if setting.check is not None:
            setting.check(context.state, 0, value)
        setting.item.put(context.state, value=value)
        if setting.event is not None:
            context.deposit(setting.event, value)
        return
    netuid = arguments["netuid"]
    limit = None
    if setting.owner is None:
        ensure_root(who)
    elif setting.owner:
        limit = limits.OwnerLimit(context, who, netuid, setting.owner)
    else:
        limits.ensure_owner_or_root(context.state, who, netuid)
    if setting.window:
        limits.ensure_window(context, netuid)
    if setting.name not in _EVERYWHERE:
        _exists(context, netuid)
    if setting.name in _NOT_ON_ROOT and netuid == 0:
        raise fail("NotPermittedOnRootSubnet")
    if setting.check is not None:
        setting.check(context.state, netuid, value)
    if setting.name == "max_allowed_uids" and rules(context.state) >= 425:
        mechanisms.ensure_room(value, Subtensor.MechanismCountCurrent.get(context.state, netuid))
    setting.item.put(context.state, netuid, value=value)
    if setting.event is not None:
        named = setting.event.fields[0].name is not None
        context.deposit(setting.event, {"netuid": netuid, "enabled": value} if named else (netuid, value))
    if limit is not None:
        limit.note()


def _plain(setting: Setting) -> Call:
    fields = [Field("netuid", NETUID)] if setting.of_a_subnet else []
    fields.append(Field(setting.argument, setting.codec))
    run = partial(_set, setting)
    name = f"sudo_set_{setting.name}"
    return Call(setting.index, name, tuple(fields), run, 20_000_000, True, "Operational", 425, True)


@call(30, {"netuid": NETUID, "tempo": U16}, root=True, paid_since=425)
def sudo_set_tempo(context: Context, who: bytes, netuid: int, tempo: int) -> None:
    """Blocks of an epoch: root any; at 425 the owner too, within bounds, and the schedule begins anew."""
    state = context.state
    if rules(state) < 425:
        ensure_root(who)
        limits.ensure_window(context, netuid)
        _exists(context, netuid)
    else:
        by_owner = limits.ensure_owner_or_root(state, who, netuid)
        if not Subtensor.NetworksAdded.get(state, netuid):
            raise subtensor_fail("SubnetNotExists")
        if by_owner and not limits.LEAST_TEMPO <= tempo <= limits.MOST_TEMPO:
            raise subtensor_fail("TempoOutOfBounds")
        limits.ensure_window(context, netuid)
        if by_owner:
            if not limits.passes(context, netuid, who, limits.SET_TEMPO):
                raise subtensor_fail("TxRateLimitExceeded")
            limits.note(context, netuid, who, limits.SET_TEMPO)
        Subtensor.LastEpochBlock.put(state, netuid, value=context.block)
    Subtensor.Tempo.put(state, netuid, value=tempo)
    context.deposit(TEMPO_SET, (netuid, tempo))


@call(97, {"netuid": NETUID, "factor_milli": U32}, root=True)
def sudo_set_activity_cutoff_factor(context: Context, who: bytes, netuid: int, factor_milli: int) -> None:
    """After how many thousandths of a tempo a silent validator is inactive (425); root is bound by no window."""
    by_owner = limits.ensure_owner_or_root(context.state, who, netuid)
    if factor_milli not in _FACTOR_MILLI:
        raise subtensor_fail("ActivityCutoffFactorMilliOutOfBounds")
    if by_owner:
        limits.ensure_window(context, netuid)
    limit = limits.OwnerLimit(context, who, netuid, "ActivityCutoffFactorMilli")
    Subtensor.ActivityCutoffFactorMilli.put(context.state, netuid, value=factor_milli)
    limit.note()


@call(6, {"netuid": NETUID, "weights_version_key": U64}, root=True, paid_since=425)
def sudo_set_weights_version_key(context: Context, who: bytes, netuid: int, weights_version_key: int) -> None:
    """The least version that set_weights must name."""
    limit = limits.OwnerLimit(context, who, netuid, limits.WEIGHTS_VERSION)
    limits.ensure_window(context, netuid)
    _exists(context, netuid)
    limit.note()
    Subtensor.WeightsVersionKey.put(context.state, netuid, value=weights_version_key)
    context.deposit(WEIGHTS_VERSION_KEY_SET, (netuid, weights_version_key))


@call(20, {"netuid": NETUID, "registration_allowed": BOOL}, root=True, paid_since=425)
def sudo_set_network_pow_registration_allowed(
    context: Context, who: bytes, netuid: int, registration_allowed: bool
) -> None:
    """Registration by work: gone at 425."""
    if rules(context.state) >= 425:
        raise fail("POWRegistrationDisabled")
    limit = limits.OwnerLimit(context, who, netuid, "PowRegistrationAllowed")
    limits.ensure_window(context, netuid)
    Subtensor.NetworkPowRegistrationAllowed.put(context.state, netuid, value=registration_allowed)
    context.deposit(POW_REGISTRATION_ALLOWED, (netuid, registration_allowed))
    limit.note()


@call(26, {"netuid": NETUID, "bonds_moving_average": U64}, root=True, paid_since=425)
def sudo_set_bonds_moving_average(context: Context, who: bytes, netuid: int, bonds_moving_average: int) -> None:
    """How slowly bonds follow weights, of a million; the owner's has an upper bound."""
    limit = limits.OwnerLimit(context, who, netuid, "BondsMovingAverage")
    limits.ensure_window(context, netuid)
    if limit.by_owner and bonds_moving_average > _MOST_BONDS_AVERAGE:
        raise fail("BondsMovingAverageMaxReached")
    _exists(context, netuid)
    Subtensor.BondsMovingAverage.put(context.state, netuid, value=bonds_moving_average)
    context.deposit(BONDS_MOVING_AVERAGE_SET, (netuid, bonds_moving_average))
    limit.note()


@call(51, {"netuid": NETUID, "alpha_low": U16, "alpha_high": U16}, root=True, paid_since=425)
def sudo_set_alpha_values(context: Context, who: bytes, netuid: int, alpha_low: int, alpha_high: int) -> None:
    """The bounds of liquid alpha, which must be on (``do_set_alpha_values``)."""
    limit = limits.OwnerLimit(context, who, netuid, "AlphaValues")
    limits.ensure_window(context, netuid)
    if not Subtensor.LiquidAlphaOn.get(context.state, netuid):
        raise subtensor_fail("LiquidAlphaDisabled")
    if alpha_high < _LEAST_ALPHA:
        raise subtensor_fail("AlphaHighTooLow")
    if not _LEAST_ALPHA <= alpha_low <= alpha_high:
        raise subtensor_fail("AlphaLowOutOfRange")
    Subtensor.AlphaValues.put(context.state, netuid, value=(alpha_low, alpha_high))
    limit.note()


@call(68, {"netuid": NETUID, "steepness": I16}, root=True, paid_since=425)
def sudo_set_alpha_sigmoid_steepness(context: Context, who: bytes, netuid: int, steepness: int) -> None:
    """How steep liquid alpha is; only root may make it negative."""
    limit = limits.OwnerLimit(context, who, netuid, "AlphaSigmoidSteepness")
    limits.ensure_window(context, netuid)
    _exists(context, netuid)
    if steepness < 0 and who != ROOT_ORIGIN:
        raise fail("NegativeSigmoidSteepness")
    Subtensor.AlphaSigmoidSteepness.put(context.state, netuid, value=steepness)
    context.deposit(ALPHA_SIGMOID_STEEPNESS_SET, (netuid, steepness))
    limit.note()


@call(67, {"netuid": NETUID, "hotkey": Alias(ACCOUNT, "<T as frame_system::Config>::AccountId")}, root=True)
def sudo_set_sn_owner_hotkey(context: Context, who: bytes, netuid: int, hotkey: bytes) -> None:
    """Which hotkey gets the owner's cut, once a week (``do_set_sn_owner_hotkey``; it binds root too)."""
    state, key = context.state, ("SetSNOwnerHotkey", netuid)
    limits.ensure_owner_or_root(state, who, netuid)
    if not Subtensor.NetworksAdded.get(state, netuid):
        raise subtensor_fail("SubnetNotExists")
    last = Subtensor.LastRateLimitedBlock.get(state, key)
    if last and context.block - last < _OWNER_HOTKEY_BLOCKS:
        raise subtensor_fail("TxRateLimitExceeded")
    Subtensor.LastRateLimitedBlock.put(state, key, value=context.block)
    Subtensor.SubnetOwnerHotkey.put(state, netuid, value=hotkey)
    context.deposit(SUBNET_OWNER_HOTKEY_SET, (netuid, hotkey))


@call(76, {"netuid": NETUID, "mechanism_count": Alias(U8, "MechId")}, root=True, paid_since=425)
def sudo_set_mechanism_count(context: Context, who: bytes, netuid: int, mechanism_count: int) -> None:
    """How many incentive mechanisms a subnet has; those that go are forgotten, and the split is even again."""
    limit = limits.OwnerLimit(context, who, netuid, limits.MECHANISM_COUNT)
    limits.ensure_window(context, netuid)
    mechanisms.set_count(context.state, netuid, mechanism_count)
    limit.note()


@call(77, {"netuid": NETUID, "maybe_split": Option(Vec(U16))}, root=True, paid_since=425)
def sudo_set_mechanism_emission_split(context: Context, who: bytes, netuid: int, maybe_split: list[int] | None) -> None:
    """What part of the emission each mechanism gives, of 65535 in all; none: even."""
    limit = limits.OwnerLimit(context, who, netuid, limits.MECHANISM_EMISSION)
    limits.ensure_window(context, netuid)
    mechanisms.set_split(context.state, netuid, maybe_split)
    limit.note()


@call(78, {"netuid": NETUID, "max_n": U16}, root=True, paid_since=425)
def sudo_trim_to_max_allowed_uids(context: Context, who: bytes, netuid: int, max_n: int) -> None:
    """Fewer seats at once, every 216000 blocks: the least paid lose theirs."""
    limit = limits.OwnerLimit(context, who, netuid, limits.TRIM)
    limits.ensure_window(context, netuid)
    trimming.trim(context, netuid, max_n)
    limit.note()


PALLET = Pallet(
    "AdminUtils",
    INDEX,
    "pallet_admin_utils",
    calls=(
        *map(_plain, SETTINGS),
        sudo_set_tempo,
        sudo_set_activity_cutoff_factor,
        sudo_set_weights_version_key,
        sudo_set_network_pow_registration_allowed,
        sudo_set_bonds_moving_average,
        sudo_set_alpha_values,
        sudo_set_alpha_sigmoid_steepness,
        sudo_set_sn_owner_hotkey,
        sudo_set_mechanism_count,
        sudo_set_mechanism_emission_split,
        sudo_trim_to_max_allowed_uids,
    ),
    events=tuple(event for event in SETTING_EVENTS if event.pallet_index == INDEX),
    errors=fail,
)
