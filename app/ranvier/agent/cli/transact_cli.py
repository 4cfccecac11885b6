"""``ranvier transact``: register, serve, stake and the rest on a terminal, by the same plans and guards as the window.

Each command shows its plan, asks, opens the key for one signature, follows the transaction until it is final, and
leaves its receipt with the agent. Exit status 0: done, or shown or written as asked; 1: nothing was sent; 2: wrong use;
3: it was sent, and the chain refused it or it did not do what the plan said; 4: it was sent, and what became of it is
not known yet (the agent finds out); 130: interrupted.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from ranvier.agent.api.client import AgentClient, ensure_agent
from ranvier.agent.api.endpoint import read_endpoint
from ranvier.agent.api.messages import ChainView, GetStatus, UseNetwork
from ranvier.agent.cli import transact_offline
from ranvier.agent.cli.transact_io import Teller, agree, insist, plan_data, receipt_data, show_plan, show_receipt
from ranvier.agent.cli.transact_offline import Waiting
from ranvier.agent.cli.transact_plans import COMMANDS, Keys, add_arguments, amount
from ranvier.agent.money.receipt_book import ReceiptBook
from ranvier.agent.network.link import linked
from ranvier.chain.model import Plan, TxStage
from ranvier.chain.networks import NETWORKS
from ranvier.chain.plans.wording import RETRACTED, STEPS
from ranvier.chain.policy import Policy, Verdict, judge, policy_of
from ranvier.core.errors import KeyFileError, NetworkError, RanvierError
from ranvier.core.evidence import Level
from ranvier.core.paths import Paths
from ranvier.core.settings import NETWORK, Settings
from ranvier.keys import folders, memory, wallets
from ranvier.keys.cli_io import out_json, secret, waiting
from ranvier.keys.cli_read import find
from ranvier.keys.listing import KeyForm, Wallet, list_wallets, read_wallet
from ranvier.keys.signing import OneSignature, Signer

if TYPE_CHECKING:
    from ranvier.chain.connection import Connection
    from ranvier.chain.submit import Unsigned

_CONNECT_S, _LOOK_S = 30.0, 0.25
_HAPPENED = (TxStage.IN_BLOCK, TxStage.FINAL)
_WORDS = {**dict(STEPS), TxStage.RETRACTED: RETRACTED}


def main(arguments: list[str], paths: Paths) -> int:
    """Exit statuses: see above."""
    memory.forbid_core_dumps()
    try:
        options = _parser().parse_args(arguments)
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 2
    try:
        return asyncio.run(_run(options, paths))
    except RanvierError as error:
        if not options.json:
            raise
        out_json({"error": msgspec.to_builtins(error.data())})
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("\n")
        return 130


def _parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--json", action="store_true", help="one JSON document on standard output")
    common.add_argument("--yes", action="store_true", help="sign without asking, below the limit in the settings")
    common.add_argument(
        "--confirm",
        type=amount,
        metavar="AMOUNT",
        help="sign without asking what moves no more TAO than this, above that limit too",
    )
    common.add_argument("--plan-only", action="store_true", help="show what it would do, and end")
    common.add_argument(
        "--network", choices=sorted(NETWORKS), help="insist on this network; chosen for good where none is yet"
    )
    planned = argparse.ArgumentParser(add_help=False)
    planned.add_argument("--wallet", required=True, metavar="NAME", help="the wallet whose keys are meant")
    planned.add_argument("--folder", metavar="DIR", help="the wallet folder, instead of the one from the settings")
    planned.add_argument("--password-fd", type=int, metavar="N", help="read the key's password from descriptor N")
    planned.add_argument(
        "--payload", type=Path, metavar="FILE", help="sign nothing: write the payload, to be signed where the key is"
    )
    parser = argparse.ArgumentParser(
        prog="ranvier transact", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, (text, arguments, _) in COMMANDS.items():
        add_arguments(commands.add_parser(name, help=text, description=text, parents=[common, planned]), arguments)
    text = "send what was written with --payload, with the signature that was made elsewhere"
    signed = commands.add_parser("submit", help=text, description=text, parents=[common])
    signed.add_argument("--signed", type=Path, required=True, metavar="FILE", help="the signature's file")
    return parser


async def _run(options: argparse.Namespace, paths: Paths) -> int:
    teller = Teller(as_json=options.json)
    if read_endpoint(paths) is None:
        teller.say("No agent runs here: one is started, because it keeps the receipts.")
    async with AsyncExitStack() as stack:
        client = await ensure_agent(paths)
        stack.push_async_callback(client.close)
        settings = Settings(paths.settings_file)
        view = await _network(client, options.network, settings)
        here = _folders(options, settings, paths, view.network)
        book = ReceiptBook(client, partial(_wallets, here), lambda error: teller.say(str(error)))
        desk = _Desk(options, teller, book, policy_of(settings))
        if options.command == "submit":
            waiting_for = transact_offline.load(paths, view.network, options.signed)
            return await desk.send_signed(await stack.enter_async_context(linked(view, paths.metadata)), waiting_for)
        keys = Keys(read_wallet(find(here, options.wallet)))
        return await desk.send(await stack.enter_async_context(linked(view, paths.metadata)), keys, paths)


@dataclass(frozen=True, slots=True)
class _Desk:
    """The way of one transaction."""

    options: argparse.Namespace
    teller: Teller
    book: ReceiptBook
    policy: Policy

    async def send(self, connection: Connection, keys: Keys, paths: Paths) -> int:
        """Plan, show, ask, sign and send; or only show; or only write the payload."""
        options, teller = self.options, self.teller
        plan = await COMMANDS[options.command][2](connection, keys, options)
        verdict = await self._shown(plan)
        if options.plan_only:
            teller.end(**plan_data(plan, verdict))
            return 0
        if options.payload is not None:
            insist(verdict)
            said = await transact_offline.export(connection, plan, keys, options.payload, paths)
            teller.say(said.text)
            teller.end(**plan_data(plan, verdict), payload_id=said.id, last_block=said.last_block)
            return 0
        form = _form(plan, keys)  # a key that is not here is told before anything is asked
        agree(options, plan, verdict, "Sign and send?")
        return await self._watched(connection, plan, verdict, await _unlocked(options, plan, keys, form), None)

    async def send_signed(self, connection: Connection, found: Waiting) -> int:
        """Show and send what was signed elsewhere."""
        plan = found.unsigned.plan
        signer = await found.signer(connection)
        verdict = await self._shown(plan)
        if self.options.plan_only:
            self.teller.end(**plan_data(plan, verdict))
            return 0
        agree(self.options, plan, verdict, "It is signed. Send it?")
        status = await self._watched(connection, plan, verdict, signer, found.unsigned)
        found.forget()
        return status

    async def _shown(self, plan: Plan) -> Verdict:
        verdict = judge(self.policy, plan, await self.book.spent_today())
        self.teller.say(show_plan(plan, verdict))
        return verdict

    async def _watched(
        self, connection: Connection, plan: Plan, verdict: Verdict, signer: Signer, unsigned: Unsigned | None
    ) -> int:
        begun = time.monotonic()

        def tell(stage: TxStage) -> None:
            if stage in _WORDS:
                self.teller.say(f"{time.monotonic() - begun:6.1f} s  {_WORDS[stage]}")

        try:
            receipt = await self.book.send(connection, plan, signer, tell, unsigned=unsigned)
        except asyncio.CancelledError:
            lost = (
                "Interrupted. It was sent, or is about to be: the agent finds out what becomes of it. Do not repeat it."
            )
            sys.stderr.write(f"\n{lost if self.book.underway else 'Interrupted. Nothing was sent.'}\n")
            raise
        self.teller.say(show_receipt(receipt))
        self.teller.end(**plan_data(plan, verdict), receipt=receipt_data(receipt))
        if receipt.stage is TxStage.SUBMITTED:
            return 4
        return 0 if receipt.stage in _HAPPENED and receipt.as_planned is not False else 3


def _form(plan: Plan, keys: Keys) -> KeyForm:
    """How the key that must sign is kept. Raises KeyFileError when it is not here."""
    hotkey = keys.hotkey_of(plan.signer_ss58)
    mine = keys.wallet.coldkey_ss58 == plan.signer_ss58
    form = keys.wallet.coldkey if mine else hotkey.form if hotkey is not None else KeyForm.NONE
    if form not in (KeyForm.ENCRYPTED, KeyForm.PLAIN):
        raise KeyFileError(
            "Key not here",
            f"The secret of {plan.signer_ss58}, which must sign this, is not in the wallet {keys.wallet.name}.",
            "Add --payload FILE to sign it where the key is.",
        )
    return form


async def _unlocked(options: argparse.Namespace, plan: Plan, keys: Keys, form: KeyForm) -> OneSignature:
    """The key, for one signature. Raises KeyFileError."""
    path, hotkey = keys.wallet.path, keys.hotkey_of(plan.signer_ss58)
    coldkey = keys.wallet.coldkey_ss58 == plan.signer_ss58 or hotkey is None
    name = keys.wallet.name if coldkey or hotkey is None else f"{keys.wallet.name} / {hotkey.name}"
    password = ""
    if form is KeyForm.ENCRYPTED:
        password = secret(options.password_fd, f"Password of {name}", "--password-fd")
    if coldkey or hotkey is None:
        return OneSignature(await wallets.unlock_coldkey(path, password, on_attempt=waiting))
    return OneSignature(await wallets.unlock_hotkey(path, hotkey.name, password, on_attempt=waiting))


async def _network(client: AgentClient, wanted: str | None, settings: Settings) -> ChainView:
    """The chain that the agent works on, as soon as it is connected. Raises NetworkError."""
    view = (await client.call(GetStatus())).chain
    if not view.network:
        if wanted is None:
            raise NetworkError(
                "No network", "No network was chosen yet.", f"Add --network with one of {', '.join(NETWORKS)}."
            )
        await client.call(UseNetwork(wanted))
        settings.set(NETWORK, wanted)  # as the window does
    elif wanted not in (None, view.network):
        raise NetworkError(
            "Another network", f"The agent works on {view.network}, not {wanted}.", "Nothing was signed or sent."
        )
    end = time.monotonic() + _CONNECT_S
    while True:
        view = (await client.call(GetStatus())).chain
        reached = view.endpoint is not None and view.genesis_hash is not None
        if reached or view.level in (Level.BAD, Level.OFF) or time.monotonic() > end:
            return view
        await asyncio.sleep(_LOOK_S)


def _folders(
    options: argparse.Namespace, settings: Settings, paths: Paths, network: str
) -> tuple[folders.WalletFolder, ...]:
    """Where wallets are looked for: practice wallets first on the sandbox."""
    if getattr(options, "folder", None) is not None:
        return (folders.WalletFolder(folders.absolute(options.folder), "given with --folder"),)
    practice = folders.WalletFolder(paths.practice_wallets, "practice wallets")
    return (*((practice,) if network == "sandbox" else ()), *folders.wallet_folders(settings, paths))


def _wallets(here: tuple[folders.WalletFolder, ...]) -> list[Wallet]:
    return [wallet for folder in here for wallet in list_wallets(folder.path)]
