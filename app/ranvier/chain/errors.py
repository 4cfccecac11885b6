"""What the chain's refusals mean, in plain words. Dispatch errors go by name, never by number."""

from __future__ import annotations

import re
from typing import Any

from ranvier.core.errors import ChainError


class RpcError(ChainError):
    """The node answered a request with an error; ``code`` and ``detail`` are its own."""

    def __init__(self, code: int, message: str, detail: str) -> None:
        title, sentence, hint = _rpc_words(code, message, detail)
        super().__init__(title, sentence, hint)
        self.code = code
        self.detail = detail


TOO_LONG_AGO = "Too long ago"
_BALANCE = "There is not enough free TAO for the amount plus the fee; 0.0000005 TAO must stay."
_LOCKED = "That alpha is locked (by a conviction lock or as collateral)."
_UNKNOWN_HOTKEY = "The hotkey is unknown to the chain or has no place in this subnet."
_TOO_SOON = "It is too soon after the last such action; wait some blocks."
_SLIPPAGE = "The price moved past your limit; nothing was swapped."
_POOL = "The subnet's pool is too small for this amount."
_OFF = "The chain has switched this kind of transaction off."
_VALIDATOR = "This is something only validators do; a miner does not need it."

WORDS: dict[str, str] = {
    "NotEnoughBalanceToStake": _BALANCE,
    "InsufficientBalance": _BALANCE,
    "FundsUnavailable": _BALANCE,
    "Underflow": _BALANCE,
    "BalanceWithdrawalError": _BALANCE,
    "BelowMinimum": "The amount is below what an account must hold (0.0000005 TAO).",
    "ExistentialDeposit": "The amount is below what an account must hold (0.0000005 TAO).",
    "Expendability": "This would empty the account; 0.0000005 TAO must stay.",
    "NotExpendable": "This would empty the account; 0.0000005 TAO must stay.",
    "HotKeyAlreadyRegisteredInSubNet": "This hotkey already has a place in this subnet.",
    "SubNetRegistrationDisabled": "The subnet's owner has closed registration.",
    "TooManyRegistrationsThisBlock": "Others registered first; try again in the next block.",
    "TooManyRegistrationsThisInterval": "Others registered first; try again in the next interval.",
    "RegistrationPriceLimitExceeded": "The price rose above your limit; nothing was charged but the fee.",
    "NoNeuronIdAvailable": "The subnet is full and nobody may be removed now.",
    "NonAssociatedColdKey": "Another coldkey owns this hotkey.",
    "HotKeyAccountNotExists": _UNKNOWN_HOTKEY,
    "HotKeyNotRegisteredInSubNet": _UNKNOWN_HOTKEY,
    "HotKeyNotRegisteredInNetwork": _UNKNOWN_HOTKEY,
    "SubnetNotExists": "There is no such subnet.",
    "SubNetworkDoesNotExist": "There is no such subnet.",
    "MechanismDoesNotExist": "There is no such subnet or mechanism.",
    "SubtokenDisabled": "Trading of this subnet's alpha has not started.",
    "AmountTooLow": "The amount is below the minimum (about 0.002 TAO after the fee).",
    "SlippageTooHigh": _SLIPPAGE,
    "PriceLimitExceeded": _SLIPPAGE,
    "ZeroMaxAmount": _SLIPPAGE,
    "InsufficientLiquidity": _POOL,
    "ReservesTooLow": _POOL,
    "SwapInputTooLarge": _POOL,
    "NotEnoughStakeToWithdraw": "You hold less than that there.",
    "InsufficientAlphaBalance": "You hold less than that there.",
    "StakeUnavailable": _LOCKED,
    "AccountRejectsLockedAlpha": _LOCKED,
    "KeepStakeBlockedByCollateral": _LOCKED,
    "ServingRateLimitExceeded": "The axon was announced a short while ago; wait some blocks (50 as a rule).",
    "InvalidIpAddress": "The chain does not accept this IP address.",
    "InvalidPort": "The port must be between 1 and 65535.",
    "InvalidIpType": "The IP address must be version 4 or 6.",
    "TxRateLimitExceeded": _TOO_SOON,
    "HotKeySetTxRateLimitExceeded": _TOO_SOON,
    "HotKeySwapOnSubnetIntervalNotPassed": _TOO_SOON,
    "SettingWeightsTooFast": _VALIDATOR,
    "NotEnoughStakeToSetWeights": _VALIDATOR,
    "NeuronNoValidatorPermit": _VALIDATOR,
    "SameAutoStakeHotkeyAlreadySet": "That hotkey is the destination already.",
    "ColdkeySwapAnnounced": "A swap of this coldkey is announced. If it was not you, act at once.",
    "ColdkeySwapDisputed": "A swap of this coldkey is disputed. If it was not you, act at once.",
    "SpaceLimitExceeded": "The commitment space of this tempo is used up.",
    "AccountNotAllowedCommit": "The hotkey is not registered, so it may not commit.",
    "StakingOperationRateLimitExceeded": _TOO_SOON,
    "StakingRateLimitExceeded": _TOO_SOON,
    "TransferDisallowed": "The subnet's owner does not allow transfers of its alpha.",
    "SameNetuid": "Origin and destination are the same subnet.",
    "ZeroMaxStakeAmount": _SLIPPAGE,
    "RootStakeLocked": "The root stake is held for a while after it was added.",
    "NewHotKeyIsSameWithOld": "The new hotkey is the old one.",
    "NotEnoughBalanceToPaySwapHotKey": "There is not enough TAO for the price of the swap.",
    "RegistrationNotPermittedOnRootSubnet": "Root has no miners: choose another subnet.",
    "TransactorAccountShouldBeHotKey": "This has to be signed by the hotkey.",
    "ColdkeyIsInArbitration": "This coldkey is being swapped and may do nothing else now.",
    "CannotUnstakeLock": _LOCKED,
    "NotEnoughStake": "You hold less than that there.",
    "ZeroBalanceAfterWithdrawn": "This would empty the account; 0.0000005 TAO must stay.",
    "InsufficientTaoBalance": _BALANCE,
    "LiquidityRestrictions": "A part of this account's TAO is held for something else and cannot be spent.",
    "VestingBalance": "A part of this account's TAO is held for something else and cannot be spent.",
    "DeadAccount": "The receiving account does not exist, and this would not create it.",
    "InsufficientStakeForLock": "You hold less than that there.",
    "ActiveLockExists": _LOCKED,
    "LockHotkeyMismatch": _LOCKED,
    "TooManyStakingHotkeys": "This coldkey stakes on as many hotkeys as the chain allows.",
    "ColdkeyCollateralPositionsFull": "This coldkey has as many positions with collateral as the chain allows.",
    "CannotUseSystemAccount": "That address belongs to the chain itself.",
    "NewHotKeyNotCleanForRootSwap": "The new hotkey was used on root before.",
    "WaitingForDissolvedSubnetCleanup": "A subnet is just being removed, and the chain is busy with that.",
    "NetworkDissolveAlreadyQueued": "This subnet is about to be removed.",
    "BetaBasketSeedInProgress": "Root stake is just being settled by the chain.",
    "BasketDepositPending": "Root stake is just being settled by the chain.",
    "InsufficientInputAmount": "The amount is too small for the pool.",
    "ReservesOutOfBalance": _POOL,
    "TooManySwapSteps": _POOL,
    "TooManyCalls": "These are more parts than the chain takes at once.",
    "TooManyFieldsInCommitmentInfo": "The commitment has more parts than the chain takes.",
    "CallDisabled": _OFF,
    "DisabledTemporarily": _OFF,
    "Deprecated": _OFF,
    "CallFiltered": "The chain does not allow this call now (it may be in safe mode).",
    "SafeMode": "The chain is in safe mode and accepts hardly anything.",
    "ConsumerRemaining": "The account is still in use (a proxy, a lock or the like), so it cannot be emptied.",
    "BadOrigin": "This account may not do that.",
    "CannotLookup": "The chain does not know the destination.",
    "Exhausted": "The block was full; try again.",
}

_FIX: dict[str, str] = {
    _BALANCE: "Send TAO to this account, or take a smaller amount.",
    _LOCKED: "Look at the position's lock: it says what releases it.",
    _UNKNOWN_HOTKEY: "Register the hotkey on that subnet first.",
    _TOO_SOON: "Try again in some minutes.",
    _SLIPPAGE: "Plan it again at the price of now, or allow more slippage.",
    _POOL: "Take a much smaller amount.",
    _VALIDATOR: "Leave it out.",
    _OFF: "Look whether there is a newer Ranvier that does it in another way.",
}
_NEXT: dict[str, str] = {
    "HotKeyAlreadyRegisteredInSubNet": "Nothing is to be done: start its miner.",
    "SubNetRegistrationDisabled": "Choose another subnet, or ask its owner when it opens.",
    "TooManyRegistrationsThisBlock": "Plan it again now.",
    "TooManyRegistrationsThisInterval": "Plan it again when the next interval begins.",
    "RegistrationPriceLimitExceeded": "Plan it again at the price of now, or wait: it falls with every block.",
    "NoNeuronIdAvailable": "Wait until somebody's immunity ends.",
    "NonAssociatedColdKey": "Use the coldkey that owns it, or a hotkey of your own.",
    "SubnetNotExists": "Choose another subnet.",
    "SubNetworkDoesNotExist": "Choose another subnet.",
    "SubtokenDisabled": "Wait until the subnet's owner starts it.",
    "AmountTooLow": "Take a larger amount, or all that you hold.",
    "NotEnoughStakeToWithdraw": "Look at the position again and plan with what is there.",
    "InsufficientAlphaBalance": "Look at the position again and plan with what is there.",
    "ServingRateLimitExceeded": "Announce it again after that.",
    "InvalidIpAddress": "Give the public address under which others reach this machine.",
    "InvalidPort": "Choose another port.",
    "SameAutoStakeHotkeyAlreadySet": "Nothing is to be done.",
    "ColdkeySwapAnnounced": "If it was not you, dispute it at once with the coldkey.",
    "ColdkeySwapDisputed": "Ask the network's team; until it is settled this coldkey may do nothing else.",
    "SpaceLimitExceeded": "Try again in the next tempo, with less.",
    "AccountNotAllowedCommit": "Register the hotkey on that subnet first.",
    "TransferDisallowed": "Sell it instead, or ask the subnet's owner.",
    "CallFiltered": "Try again later.",
    "BelowMinimum": "Send more than that.",
    "ExistentialDeposit": "Send more than that.",
    "Expendability": "Send a little less.",
    "NotExpendable": "Send a little less.",
    "MechanismDoesNotExist": "Choose another subnet.",
    "InvalidIpType": "Give an address of version 4 or 6.",
    "ConsumerRemaining": "Leave a little in the account.",
    "BadOrigin": "Sign it with the account that may: the coldkey for money, the hotkey for its miner.",
    "CannotLookup": "Check the address.",
    "Exhausted": "Plan it again in a minute.",
    "SameNetuid": "Choose two different subnets.",
    "RootStakeLocked": "Try again later.",
    "NewHotKeyIsSameWithOld": "Choose another hotkey.",
    "NotEnoughBalanceToPaySwapHotKey": "Send TAO to the coldkey first.",
    "RegistrationNotPermittedOnRootSubnet": "Choose a subnet above 0.",
    "TransactorAccountShouldBeHotKey": "Sign it with the hotkey.",
    "ColdkeyIsInArbitration": "Wait until the swap is over.",
    "SafeMode": "Try again when the chain has left safe mode.",
    "ZeroBalanceAfterWithdrawn": "Send a little less.",
    "LiquidityRestrictions": "Take a smaller amount.",
    "VestingBalance": "Take a smaller amount.",
    "DeadAccount": "Check the address; send it more than 0.0000005 TAO.",
    "InsufficientStakeForLock": "Look at the position again and plan with what is there.",
    "NotEnoughStake": "Look at the position again and plan with what is there.",
    "TooManyStakingHotkeys": "Sell or move a small position first.",
    "ColdkeyCollateralPositionsFull": "Use another coldkey, or let work release a position's collateral.",
    "CannotUseSystemAccount": "Check the address.",
    "NewHotKeyNotCleanForRootSwap": "Make a new hotkey and take that one.",
    "WaitingForDissolvedSubnetCleanup": "Try again in some minutes.",
    "NetworkDissolveAlreadyQueued": "Choose another subnet.",
    "BetaBasketSeedInProgress": "Try again in some minutes.",
    "BasketDepositPending": "Try again in some minutes.",
    "InsufficientInputAmount": "Take a larger amount.",
    "TooManyCalls": "Sign them in smaller batches.",
    "TooManyFieldsInCommitmentInfo": "Publish less.",
}

_LOOK_UP = "Plan it again; if it is refused again, the chain's documentation explains that name."

_POOL_CODES: dict[int, str] = {
    1011: "The transaction has a form the node does not know.",
    1012: "The node has banned this transaction for a while; make a new one in some minutes.",
    1013: "This very transaction is in the node's pool already.",
    1014: "Another transaction with the same number is waiting; let it finish first.",
    1016: "The node's pool is full; try again in a minute.",
}
_CUSTOM: dict[int, str] = {
    0: WORDS["ColdkeySwapAnnounced"],
    1: "The stake is too low.",
    2: _BALANCE,
    3: "There is no such subnet.",
    4: _UNKNOWN_HOTKEY,
    5: "You hold less stake than that there.",
    6: _TOO_SOON,
    7: _POOL,
    8: _SLIPPAGE,
    9: "Transfers are not allowed there.",
    10: _UNKNOWN_HOTKEY,
    11: WORDS["InvalidIpAddress"],
    12: WORDS["ServingRateLimitExceeded"],
    13: WORDS["InvalidPort"],
    14: _SLIPPAGE,
    15: _VALIDATOR,
    16: _VALIDATOR,
    17: _VALIDATOR,
    18: _VALIDATOR,
    19: _UNKNOWN_HOTKEY,  # UidNotFound stands for HotKeyNotRegisteredInSubNet
    20: "The EVM key cannot be used.",
    21: WORDS["ColdkeySwapDisputed"],
    22: "The proxy does not act for this account.",
    23: "The encrypted form of this transaction is not accepted.",
    24: "The encrypted form of this transaction is not accepted.",
    # 425 counts NonAssociatedColdKey and the two of the take from 25 on, the newest runtime puts others in between.
    **dict.fromkeys((25, 26, 27), "Another coldkey owns this hotkey, or a validator's weights or take are refused."),
    28: WORDS["InvalidIpType"],
    **dict.fromkeys((29, 30, 31, 36, 37), _VALIDATOR),
    32: WORDS["NewHotKeyIsSameWithOld"],
    33: WORDS["HotKeyAlreadyRegisteredInSubNet"],
    34: WORDS["NotEnoughBalanceToPaySwapHotKey"],
    35: WORDS["HotKeySwapOnSubnetIntervalNotPassed"],
    255: "The chain refused it before it got into a block, and does not say why.",
}
_VALIDITY: tuple[tuple[str, str, str], ...] = (
    ("outdated", "The transaction is outdated: its number was used, or it waited too long.", "Plan it again."),
    ("stale", "The transaction is outdated: its number was used, or it waited too long.", "Plan it again."),
    ("future", "An earlier transaction of this account is missing.", "Wait for it, then plan this again."),
    ("pay some fees", "The account cannot pay the fee.", "Send some TAO to it first."),
    ("payment", "The account cannot pay the fee.", "Send some TAO to it first."),
    ("bad signature", "The signature does not fit: wrong key, or another network or version.", "Plan it again."),
    ("badproof", "The signature does not fit: wrong key, or another network or version.", "Plan it again."),
    ("exhaust", "The block is full.", "Try again in a minute."),
)


def error_name(error: object) -> str:
    """The bare name in ``Token.FundsUnavailable`` or ``SubtensorModule.AmountTooLow``."""
    return str(error).rpartition(".")[2]


def dispatch_sentence(name: str, docs: str = "") -> str:
    """A failed dispatch in one sentence; an unknown one with its own name and the chain's words for it."""
    words = WORDS.get(error_name(name))
    if words:
        return words
    return f"The chain refused: {name}." + (f" ({docs.strip()})" if docs.strip() else "")


def dispatch_hint(name: str) -> str:
    """What to do next about a failed dispatch."""
    bare = error_name(name)
    return _NEXT.get(bare) or _FIX.get(WORDS.get(bare, ""), _LOOK_UP)


def rpc_error(answer: Any) -> RpcError:
    """The error for the ``error`` member of a JSON-RPC answer."""
    if not isinstance(answer, dict):
        return RpcError(0, str(answer), "")
    code = answer.get("code")
    return RpcError(code if isinstance(code, int) else 0, str(answer.get("message", "")), str(answer.get("data") or ""))


def _rpc_words(code: int, message: str, detail: str) -> tuple[str, str, str]:
    own = f"{message} {detail}".strip()
    if code in _POOL_CODES:
        return "Transaction not accepted", _POOL_CODES[code], ""
    custom = re.search(r"[Cc]ustom error:?\s*\(?(\d+)", own)
    if custom:
        words = _CUSTOM.get(int(custom[1]), f"The chain refused the transaction (custom error {custom[1]}).")
        return "Transaction not accepted", words, _FIX.get(words, "")
    if code == 1010:
        low = own.lower()
        for mark, sentence, hint in _VALIDITY:
            if mark in low:
                return "Transaction not accepted", sentence, hint
        return "Transaction not accepted", f"The node refused the transaction: {own}.", ""
    if "discarded" in own.lower():
        return (
            TOO_LONG_AGO,
            "This node no longer keeps the state of that block.",
            "Ask an archive node for history.",
        )
    if code == -32601:
        return "Not supported", f"The node does not know this request: {own}.", "Use another endpoint."
    return "Node refused", f"The node answered with an error: {own or code}.", ""
