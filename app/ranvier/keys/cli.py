"""``ranvier keys ...``: wallets for scripts and for machines without a display. No secret is ever an argument."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path

import msgspec

from ranvier.core.errors import RanvierError
from ranvier.core.paths import Paths
from ranvier.core.settings import Settings
from ranvier.keys import cli_read, cli_write, folders, memory
from ranvier.keys.cli_io import out_json
from ranvier.keys.mnemonic import LENGTHS

Command = Callable[[argparse.Namespace], int | Coroutine[None, None, int]]
_COMMANDS: dict[str, Command] = {
    "list": cli_read.list_command,
    "show": cli_read.show,
    "check": cli_read.check,
    "verify": cli_read.verify,
    "create": cli_write.create,
    "import": cli_write.import_key,
    "export-public": cli_write.export_public,
    "sign": cli_write.sign,
    "drill": cli_write.drill,
}


def main(arguments: Sequence[str], paths: Paths) -> int:
    """Run one command. Returns 0; 1 for an error, a signature that is not valid or a dangerous finding; 2 for usage."""
    memory.forbid_core_dumps()
    try:
        options = _parser().parse_args(list(arguments))
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 2
    try:
        options.paths = paths
        options.folders = _folders(options, paths)
        result = _COMMANDS[options.command](options)
        status = result if isinstance(result, int) else asyncio.run(result)
        sys.stdout.flush()
        return status
    except RanvierError as error:
        if not options.json:
            raise
        out_json({"error": msgspec.to_builtins(error.data())})
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("\n")
        return 130
    except BrokenPipeError:  # "... | head" has seen enough; Python would complain when it flushes at its end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _folders(options: argparse.Namespace, paths: Paths) -> tuple[folders.WalletFolder, ...]:
    if options.folder is not None:
        return (folders.WalletFolder(folders.absolute(options.folder), "given with --folder"),)
    return folders.wallet_folders(Settings(paths.settings_file), paths)


def _parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--json", action="store_true", help="one JSON document on standard output")
    common.add_argument("--folder", metavar="DIR", help="the wallet folder, instead of the one from the settings")
    parser = argparse.ArgumentParser(
        prog="ranvier keys", description="Wallets: list, make, check, use. Secrets come from a prompt or a descriptor."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name: str, text: str) -> argparse.ArgumentParser:
        return commands.add_parser(name, help=text, description=text, parents=[common])

    command("list", "every wallet, its address and hotkeys, and what is wrong with it")
    show = command("show", "one wallet in full")
    show.add_argument("wallet")
    show.add_argument("--hotkey", metavar="NAME", help="with --reveal: this hotkey's words")
    show.add_argument("--reveal", action="store_true", help="show the recovery phrase, on a terminal only")
    _password(show)
    check = command("check", "what is risky about how keys are kept here, and the fix")
    check.add_argument("wallet", nargs="?", help="open this wallet's coldkey too and judge its password")
    _password(check)
    verify = command("verify", "whether a signature is good (both schemes, wrapped or not)")
    verify.add_argument("address")
    verify.add_argument("signature")
    _message(verify)
    _create(command("create", "a new wallet with a new recovery phrase"))
    _import(command("import", "a wallet or hotkey from words, a seed, a private key, a file, or an address to watch"))
    export = command("export-public", "the public files of a wallet, or exactly what a miner needs")
    export.add_argument("wallet")
    export.add_argument("destination", type=Path)
    export.add_argument("--for-miner", metavar="HOTKEY", help="with this hotkey's secret: three files, no coldkey")
    sign = command("sign", "sign a message, or a payload exported elsewhere")
    sign.add_argument("wallet")
    sign.add_argument("--hotkey", metavar="NAME", help="sign with this hotkey instead of the coldkey")
    sign.add_argument("--wrap", action="store_true", help="sign <Bytes>message</Bytes> as browser wallets do")
    sign.add_argument("--payload", type=Path, metavar="FILE", help="sign this exported payload instead of a message")
    sign.add_argument("--out", type=Path, metavar="FILE", help="with --payload: write the signature to this new file")
    sign.add_argument("--yes", action="store_true", help="with --payload: sign without asking")
    sign.add_argument("--qr", action="store_true", help="show the signature as a QR code too")
    _message(sign)
    _password(sign)
    drill = command("drill", "compare a backup with the wallet, in memory; only the date is kept")
    drill.add_argument("wallet")
    drill.add_argument("--file", type=Path, help="a backup file instead of typed words")
    _mnemonic(drill)
    _password(drill)
    return parser


def _create(create: argparse.ArgumentParser) -> None:
    create.add_argument("wallet")
    create.add_argument("--hotkey", metavar="NAME", default="default", help="name of the new hotkey (default: default)")
    create.add_argument("--no-hotkey", action="store_true", help="make the coldkey only")
    create.add_argument("--words", type=int, choices=LENGTHS, default=12, help="length of the new phrase")
    _writing(create)


def _import(import_: argparse.ArgumentParser) -> None:
    import_.add_argument("wallet")
    import_.add_argument("--hotkey", metavar="NAME", help="import a hotkey of this name instead of the coldkey")
    import_.add_argument("--address", metavar="SS58", help="watch this coldkey address; no secret is stored")
    import_.add_argument("--file", type=Path, help="a key file, a polkadot.js export, or a text with the words")
    import_.add_argument("--file-password-fd", type=_descriptor, metavar="N", help="the file's own password")
    import_.add_argument("--expect", metavar="SS58", help="refuse when the key has another address")
    import_.add_argument("--encrypt-hotkey", action="store_true", help="store the hotkey with a password")
    _mnemonic(import_)
    _writing(import_)


def _writing(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--scheme", choices=("sr25519", "ed25519"), default="sr25519", help="key type")
    parser.add_argument("--replace", action="store_true", help="replace a key that is there; a dated copy is kept")
    parser.add_argument("--confirm", metavar="NAME", help="with --replace: the wallet's name, instead of typing it")
    parser.add_argument("--weak-password-ok", action="store_true", help="take a password that is easily guessed")
    _password(parser)


def _password(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--password-fd", type=_descriptor, metavar="N", help="read the password from descriptor N")


def _mnemonic(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--mnemonic-fd", type=_descriptor, metavar="N", help="read the words, seed or private key from descriptor N"
    )


def _message(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--message", help="the text")
    parser.add_argument("--message-file", type=Path, metavar="FILE", help="the bytes of this file")


def _descriptor(text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        number = -1
    if number < 0:
        raise argparse.ArgumentTypeError("a file descriptor is a number such as 3")
    return number
