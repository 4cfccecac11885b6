"""Plans and receipts in words: the same in the window and on a terminal."""

from __future__ import annotations

from ranvier.chain.model import Plan, Receipt, TxStage
from ranvier.core.evidence import Level
from ranvier.core.units import Tao, format_tao

STEPS = (
    (TxStage.SUBMITTED, "Signed and accepted by the node"),
    (TxStage.IN_BLOCK, "In a block"),
    (TxStage.FINAL, "Final: it cannot be taken back"),
)
RETRACTED = "The block that held it lost against another; the node puts it into the next one."
_MEANINGS = {
    "sandbox": "This happens on your own machine; the money is not real.",
    "test": "This happens on the public test network; its TAO has no market value.",
    "finney": "This spends real TAO and cannot be undone.",
}
_KEPT = {
    True: (Level.GOOD, "It did what it said."),
    False: (Level.BAD, "It did not do what it said."),
    None: (Level.UNKNOWN, "Whether it did what it said cannot be told."),
}


def meaning_of(network: str) -> str:
    """What signing on a network means, in one sentence. An unknown name is treated as real money."""
    return _MEANINGS.get(network, "This may spend real money and cannot be undone.")


def plan_rows(plan: Plan) -> list[tuple[str, str]]:
    """Everything that a plan says, as (name, value): its own lines first, then what they do not say."""
    own = [
        ("Fee", format_tao(Tao(plan.fee_rao))),
        ("Call", f"{plan.pallet}.{plan.function}"),
        ("Spends, with fee", format_tao(Tao(plan.spend_rao + plan.fee_rao))),
        ("Signed by", plan.signer_ss58),
        ("Network checked", f"genesis {plan.genesis_hash}, runtime {plan.spec_version}"),
    ]
    said = {name for name, _ in plan.lines}
    return [*plan.lines, *(row for row in own if row[0] not in said)]


def verdict_words(receipt: Receipt) -> tuple[Level, str]:
    """The short of a receipt."""
    if receipt.stage is TxStage.FAILED:
        return Level.BAD, "The chain refused it"
    if receipt.stage is TxStage.DROPPED:
        return Level.BAD, "It was dropped"
    if receipt.stage is TxStage.SUBMITTED:
        return Level.UNKNOWN, "Not in a block yet"
    level, words = _KEPT[receipt.as_planned]
    if receipt.error is not None:
        return Level.WARN, "It is in a block, with a remark"
    return level, words.removesuffix(".")
