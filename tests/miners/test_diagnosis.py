"""Diagnosis: real-looking ends per cause, look-alikes that must stay unknown, and no input that makes it fail."""

from __future__ import annotations

import os
import re
import socket
import time
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ranvier.core.errors import RecipeError
from ranvier.miners.diagnosis import ACTIONS, Diagnoser
from ranvier.miners.diagnosis_facts import Facts, OomRecord, PortOwner, find_oom, oom_record, port_owner
from ranvier.miners.logs.logs import LogLine
from ranvier.miners.status import ExitRecord

AT = 1_000_000.0
DIAGNOSER = Diagnoser()
STACK = '  File "/m/miner.py", line 12, in <module>\n    main()\n'


def lines(text: str, at: float = AT - 1) -> tuple[LogLine, ...]:
    return tuple(LogLine(at, "err", line) for line in text.splitlines())


def crash(
    text: str = "", code: int | None = 1, signal: int | None = None, wanted: bool = False, at_limit: bool = False,
    **facts: object,
) -> Facts:  # fmt: skip
    end = ExitRecord(AT, None if signal else code, signal, wanted, 3.2, memory=at_limit)
    return Facts(exit=end, lines=lines(text), netuid=1, network="finney", **facts)  # type: ignore[arg-type]


def ends(kind: str) -> list[dict[str, Any]]:
    """Entries of ends.toml, with everything that stands there in short written out."""
    found = tomllib.loads((Path(__file__).parent / "ends.toml").read_text("utf-8"))[kind]
    for one in found:
        one["log"] = one["log"].replace("STACK\n", STACK).replace("LATER\n", LATER)
        for key in {"ports", "command_ports"} & set(one):
            one[key] = {int(p): PortOwner(int(p), *who) if who else None for p, who in one[key].items()}
        if "oom" in one:
            one["oom"] = OomRecord(5, one["oom"])
    return found


STACK = '  File "/m/miner.py", line 12, in <module>\n    main()\n'
LATER = "\n".join(f"INFO step {n} loss 0.1" for n in range(60)) + "\n"
TRACE = "Traceback (most recent call last):\n" + STACK
CASES = ends("known")
LOOK_ALIKES = ends("unknown")
IN_USE = next(case["log"] for case in CASES if "bind on address" in case["log"])


@pytest.mark.parametrize("case", CASES, ids=[f"{number}-{case['cause']}" for number, case in enumerate(CASES)])
def test_causes(case) -> None:
    more = {key: value for key, value in case.items() if key not in ("cause", "log")}
    found = DIAGNOSER.explain(crash(case["log"], **more))
    assert (found.cause, found.known) == (case["cause"], True), found
    assert found.action in ACTIONS and found.step and found.evidence
    assert found.sentence.endswith(".") and "(not known)" not in found.sentence and "{" not in found.sentence


def test_every_cause_of_the_rules_has_a_case() -> None:
    assert {rule.cause for rule in DIAGNOSER.rules} == {case["cause"] for case in CASES}


def test_every_single_rule_is_the_answer_to_a_case() -> None:
    """Two rules of one cause differ in their sentence or step; one that nothing reaches would be dead."""
    said = set()
    for case in CASES:
        found = DIAGNOSER.explain(crash(case["log"], **{k: v for k, v in case.items() if k not in ("cause", "log")}))
        for number, rule in enumerate(DIAGNOSER.rules):
            pattern = re.sub(r"\\{\w+\\}", ".*", re.escape(rule.sentence))
            if rule.cause == found.cause and rule.action == found.action and re.fullmatch(pattern, found.sentence):
                said.add(number)
                break
    left = [rule.sentence for number, rule in enumerate(DIAGNOSER.rules) if number not in said]
    # The same words for an exit code that a shell makes of SIGKILL.
    assert left == ["The system ended it because memory ran out."], left


@pytest.mark.parametrize("case", LOOK_ALIKES, ids=[case["name"] for case in LOOK_ALIKES])
def test_look_alikes_stay_unknown(case) -> None:
    found = DIAGNOSER.explain(crash(case["log"]))
    assert (found.cause, found.known, found.action) == ("unknown", False, "open_log"), found
    assert "does not know why" in found.sentence and found.evidence


def test_an_error_of_the_run_before_is_not_the_cause() -> None:
    old = lines(TRACE + "ModuleNotFoundError: No module named 'torch'")
    rows = (*old, LogLine(AT - 1, "keeper", "started, process 5"), *lines("hello"))
    found = DIAGNOSER.explain(Facts(exit=crash().exit, lines=rows))
    assert (found.known, found.evidence) == (False, ("hello",))


def test_the_state_of_the_card_and_of_the_seat_is_evidence() -> None:
    text = TRACE + "torch.OutOfMemoryError: CUDA out of memory."
    found = DIAGNOSER.explain(crash(text, gpu="RTX 4090: 23.1 of 24 GB used"))
    assert "RTX 4090: 23.1 of 24 GB used" in found.evidence
    registered = crash("ERROR Hotkey is not registered\n", registered=False, registration="no seat at block 5")
    found = DIAGNOSER.explain(registered)
    assert "the chain says the same" in found.sentence and "no seat at block 5" in found.evidence


def test_the_number_of_an_error_is_not_a_port() -> None:
    for frame in ("[Errno 98] %s", "[Errno 48] %s", "(98)%s", "%s (os error 98)", "%s (os error 10048)"):
        text = frame % "Address already in use"
        found = DIAGNOSER.explain(crash(f"{TRACE}OSError: {text}"))
        assert found.sentence.startswith("A port that it wanted"), found
        found = DIAGNOSER.explain(crash(f"{TRACE}OSError: {text}", command_ports={5000: PortOwner(5000, 7, "x")}))
        assert found.sentence == "Port 5000 is in use by x (process 7).", found
        both = {port: PortOwner(port, 7, "x") for port in (5000, 6000)}
        found = DIAGNOSER.explain(crash(f"{TRACE}OSError: {text}", command_ports=both))
        assert found.sentence.startswith("A port that it wanted"), "which of the two is not known"


def test_the_last_lines_that_matter_are_shown() -> None:
    found = DIAGNOSER.explain(crash("INFO start\n" * 50 + TRACE + "KeyError: 'foo'\n"))
    assert found.evidence[0].startswith("Traceback") and found.evidence[-1] == "KeyError: 'foo'"


def test_who_holds_the_port_is_named() -> None:
    found = DIAGNOSER.explain(crash(IN_USE, ports={8091: PortOwner(8091, 77, "nginx")}))
    assert found.sentence == "Port 8091 is in use by nginx (process 77)." and found.action == "change_port"
    found = DIAGNOSER.explain(crash(IN_USE, ports={8091: None}))
    assert "free now" in found.sentence and found.action == "retry"


def test_what_did_not_crash_has_no_diagnosis() -> None:
    assert DIAGNOSER.explain(Facts()).cause == "none"
    assert DIAGNOSER.explain(crash(IN_USE, wanted=True, signal=15)).cause == "none"
    ended = DIAGNOSER.explain(crash("all done\n", code=0))
    assert (ended.cause, ended.known) == ("ended", False) and "without an error" in ended.sentence


def test_what_the_system_refused() -> None:
    found = DIAGNOSER.explain(crash(refused="the program /m/env/bin/python does not exist"))
    assert (found.cause, found.action) == ("missing_file", "reinstall")
    assert found.sentence == "It was not started: the program /m/env/bin/python does not exist."
    found = DIAGNOSER.explain(crash(refused="the working folder /opt/none does not exist"))
    assert (found.cause, found.action) == ("missing_file", "edit_recipe")
    found = DIAGNOSER.explain(crash(refused="needs its secrets again (TOKEN); start it from Ranvier"))
    assert (found.cause, found.action) == ("secrets_forgotten", "retry") and "secrets" in found.sentence


def test_a_secret_that_it_lacks_is_named() -> None:
    for text, name in (
        (TRACE + "KeyError: 'OPENAI_API_KEY'", "OPENAI_API_KEY"),
        ("ValueError: Missing required environment variable: HF_TOKEN", "HF_TOKEN"),
        (TRACE + "huggingface_hub.errors.GatedRepoError: 403 Client Error.", "HF_TOKEN"),
        (TRACE + "wandb.errors.errors.UsageError: api_key not configured (no-tty). call wandb.login(key=[…])",
         "WANDB_API_KEY"),
    ):  # fmt: skip
        found = DIAGNOSER.explain(crash(text))
        assert (found.action, found.subject) == ("set_secret", name), found
    assert not DIAGNOSER.explain(crash(TRACE + "KeyError: 'next_token'")).known


def test_a_python_that_is_not_ours_is_not_made_anew() -> None:
    text = TRACE + "ModuleNotFoundError: No module named 'torch'"
    assert DIAGNOSER.explain(crash(text)).action == "reinstall"
    assert DIAGNOSER.explain(crash(text, own_environment=True)).action == "reinstall"
    found = DIAGNOSER.explain(crash(text, own_environment=False))
    assert found.action == "edit_recipe" and "no module torch" in found.sentence


def test_evidence_holds_no_secret() -> None:
    secret = "0x" + "ab" * 32
    found = DIAGNOSER.explain(crash(TRACE + f"KeyError: '{secret}'"))
    assert secret not in " ".join(found.evidence) and "[redacted]" in found.evidence[-1]


pieces = st.one_of(
    st.text(),
    st.binary().map(lambda data: data.decode("utf-8", "replace")),
    st.sampled_from([case["log"] for case in (*CASES, *LOOK_ALIKES)]),
)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(pieces, max_size=12),
    st.one_of(st.none(), st.integers(-300, 300)),
    st.one_of(st.none(), st.integers(0, 200)),
)
def test_it_never_fails(texts: list[str], code: int | None, signal: int | None) -> None:
    rows = tuple(LogLine(AT, "err", line) for text in texts for line in text.split("\n"))
    found = DIAGNOSER.explain(Facts(exit=ExitRecord(AT, code, signal, False, 1.0), lines=rows, registered=True))
    assert found.action in ACTIONS and found.sentence


def test_it_is_quick_on_long_lines() -> None:
    rows = tuple(
        LogLine(AT, "err", word * 20_000) for word in ("wss://a ", "not registered ", "a:", "[Errno ", "x") * 80
    )
    began = time.monotonic()
    DIAGNOSER.explain(Facts(exit=ExitRecord(AT, 1, None, False, 1.0), lines=rows))
    assert time.monotonic() - began < 3.0


def test_bad_rules_are_named(tmp_path) -> None:
    path = tmp_path / "rules.toml"
    good = 'cause = "x"\nsentence = "X."\nstep = "y"\naction = "retry"\n'
    for text, said in (
        ("[[rule]]\n" + good + 'log = ["("]', "unterminated"),
        ("[[rule]]\n" + good + 'when = ["the moon is full"]', "the moon is full"),
        ("[[rule]]\n" + good.replace("retry", "explode"), "explode"),
        ("[[rule]]\n" + good + "colour = 1", "colour"),
        ("[[rule", "rules.toml"),
    ):
        path.write_text(text)
        with pytest.raises(RecipeError, match=said):
            Diagnoser(path)


def test_the_owner_of_a_port() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        assert port_owner(port) is None  # bound, but nobody listens
        listener.listen()
        owner = port_owner(port)
        assert owner is not None and owner.pid in (os.getpid(), 0)
    assert port_owner(port) is None


KMSG = [
    "6,100,5000000,-;usb 1-1: new device",
    "3,101,90000000,-;Out of memory: Killed process 4242 (python) total-vm:9000kB, anon-rss:7500000kB, file-rss:0kB",
    "3,102,95000000,-;Memory cgroup out of memory: Killed process 17 (sh) total-vm:1kB, anon-rss:1kB",
]


def test_the_kernel_s_record() -> None:
    found = find_oom(KMSG, {4242}, 80.0)
    assert found is not None and "ended process 4242 (python), which held 7.5 GB" in found.text
    assert find_oom(KMSG, {4242}, 200.0) is None  # an older one, of another process with this pid
    assert find_oom(KMSG, {1}, 0.0) is None
    assert find_oom(["garbage", "", "1,2;"], {1}, 0.0) is None


def test_the_record_of_a_control_group(tmp_path) -> None:
    (tmp_path / "memory.events").write_text("low 0\nhigh 0\nmax 7\noom 1\noom_kill 2\n")
    found = oom_record({1}, time.time(), cgroup=tmp_path)
    assert found is not None and "ended 2 of its processes" in found.text
    assert oom_record({2**22 + 7}, time.time()) is None
