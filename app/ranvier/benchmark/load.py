"""The load client: sends one plan's requests and notes when their tokens arrive. Runs in a process of its own.

One connection for each request (``force_close``): servers that mishandle keep-alive would count as failing.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import os
import time
from collections.abc import Callable
from urllib.parse import urlsplit

import aiohttp
import msgspec

from ranvier.benchmark.errors import BenchmarkError
from ranvier.benchmark.metrics import Client, LoadResult, Request, percentile, summarise
from ranvier.benchmark.plans import ServingPlan, arrivals, prompts
from ranvier.benchmark.stream import Answer, StreamError
from ranvier.core.errors import why
from ranvier.core.outside import NOT_JSON
from ranvier.core.tasks import Tasks

Progress = Callable[[int, int, int], None]  # finished, failed, sent

log = logging.getLogger(__name__)

_LIMITED_CPU_PERCENT = 80.0
_LIMITED_LATE_MS = 50.0
_BEAT_S = 0.05


def is_loopback(url: str) -> bool:
    """Whether the address is this machine's own."""
    host = (urlsplit(url).hostname or "").lower()
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


async def run_load(plan: ServingPlan, progress: Progress = lambda finished, failed, sent: None) -> LoadResult:
    """Do the plan. Raises BenchmarkError when it may not run, or when not one warm-up request is answered."""
    plan.check()
    parts = urlsplit(plan.url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise BenchmarkError("No such server", f"{plan.url!r} is no http address.", "Like http://127.0.0.1:8000/v1.")
    if not plan.remote and not is_loopback(plan.url):
        message = f"{parts.hostname} is not this machine."
        hint = "Load on other people's servers does harm. Say that it is yours to go on (--remote)."
        raise BenchmarkError("Not this machine", message, hint)
    headers = {}
    if plan.api_key_variable is not None:
        key = os.environ.get(plan.api_key_variable)
        if not key:
            hint = f"Set the variable {plan.api_key_variable}."
            raise BenchmarkError("No key", f"The environment has no {plan.api_key_variable}.", hint)
        headers["Authorization"] = f"Bearer {key}"
    connector = aiohttp.TCPConnector(limit=0, force_close=True)
    timeout = aiohttp.ClientTimeout(total=plan.timeout_s, sock_connect=min(10.0, plan.timeout_s))
    async with aiohttp.ClientSession(connector=connector, timeout=timeout, headers=headers) as session:
        model = plan.model or await _first_model(session, plan.url)
        return await _Load(plan, session, model, progress).run()


class _Load:
    """One run of one plan."""

    def __init__(self, plan: ServingPlan, session: aiohttp.ClientSession, model: str, progress: Progress) -> None:
        self._plan, self._session, self._model, self._progress = plan, session, model, progress
        self._url = plan.url.rstrip("/") + "/chat/completions"
        self._prompts = prompts(plan.input_words, plan.seed)
        self._requests: list[Request] = []
        self._late: list[float] = []

    async def run(self) -> LoadResult:
        await self._warm_up()
        plan = self._plan
        cpu, start = time.process_time(), time.perf_counter()
        tasks = Tasks()
        tasks.start(self._beat(), "benchmark beat")
        try:
            async with asyncio.timeout(plan.max_seconds + plan.timeout_s):
                if plan.rate is not None:
                    await self._at_rate(start, plan.rate)
                else:
                    await self._always_open(start, plan.concurrency or 1)
        except TimeoutError:
            pass  # what was cut off is marked unfinished
        finally:
            await tasks.close()
        wall = max(1e-6, time.perf_counter() - start)
        share = 100 * (time.process_time() - cpu) / wall
        late = percentile(sorted(self._late), 99) * 1000 if self._late else 0.0
        limited = share > _LIMITED_CPU_PERCENT or late > _LIMITED_LATE_MS
        return summarise(
            self._requests, model=self._model, concurrency=plan.concurrency, rate=plan.rate, objective=plan.objective,
            client=Client(round(share, 1), round(late, 2), limited), burstiness=plan.burstiness,
        )  # fmt: skip

    async def _warm_up(self) -> None:
        """Compiled kernels, loaded weights, filled caches; and a plain answer when nothing works at all."""
        reasons: list[str] = []
        for number in range(self._plan.warmup):
            request = Request(number, time.perf_counter())
            await self._one(request)
            if request.ok:
                reasons.clear()
            else:
                reasons.append(request.reason or "unknown")
        if reasons and len(reasons) == self._plan.warmup:
            raise BenchmarkError("The server does not answer", f"{self._url}: {reasons[-1]}.", "Look at its log.")

    async def _always_open(self, start: float, concurrency: int) -> None:
        """New requests until count or time is reached; those that are open then may finish."""
        end = start + self._plan.max_seconds

        async def worker() -> None:
            while len(self._requests) < self._plan.requests and time.perf_counter() < end:
                request = self._new(time.perf_counter())
                await self._one(request)
                self._tell()

        async with asyncio.TaskGroup() as group:
            for _ in range(min(concurrency, self._plan.requests)):
                group.create_task(worker())

    async def _at_rate(self, start: float, rate: float) -> None:
        """Each request at its own moment; a cap on open ones makes them wait, and the waiting is counted."""
        gate = asyncio.Semaphore(self._plan.concurrency) if self._plan.concurrency is not None else None

        async def one(request: Request) -> None:
            if gate is None:
                await self._one(request)
            else:
                async with gate:
                    await self._one(request)
            self._tell()

        async with asyncio.TaskGroup() as group:
            for due in arrivals(rate, self._plan.burstiness, self._plan.seed):
                if len(self._requests) >= self._plan.requests or due >= self._plan.max_seconds:
                    break
                await asyncio.sleep(max(0.0, start + due - time.perf_counter()))
                group.create_task(one(self._new(start + due)))

    def _new(self, due: float) -> Request:
        request = Request(len(self._requests), due, arrivals=[], unfinished=True)
        self._requests.append(request)
        return request

    def _tell(self) -> None:
        finished = sum(request.ok for request in self._requests)
        failed = sum(request.reason is not None for request in self._requests)
        self._progress(finished, failed, len(self._requests))

    async def _one(self, request: Request) -> None:
        """One request from sending to its end mark. Every way to fail is a reason, none an exception."""
        body = {
            "model": self._model,
            "messages": [{"role": "user", "content": next(self._prompts)}],
            "max_tokens": self._plan.output_tokens,
            "temperature": 0,
            "ignore_eos": True,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        answer, clock = Answer(), time.perf_counter
        request.arrivals = []
        request.sent = clock()
        try:
            async with self._session.post(self._url, json=body) as response:
                if response.status != 200:
                    text = (await response.content.read(300)).decode("utf-8", "replace")
                    raise StreamError(f"HTTP {response.status} {' '.join(text.split())[:120]}".strip())
                async for piece in response.content.iter_any():
                    now = clock()
                    for _ in range(answer.feed(piece)):
                        request.arrivals.append(now)
            if not answer.done:
                raise StreamError("the connection ended before the answer did")
            if not request.arrivals:
                raise StreamError("the answer is empty")
            request.ok = True
        except TimeoutError:
            request.reason = f"no whole answer within {self._plan.timeout_s:g} s"
        except aiohttp.ClientPayloadError:
            request.reason = "the connection ended before the answer did"
        except aiohttp.ClientError as error:
            log.info("request %s", error)
            request.reason = why(getattr(error, "os_error", None) or error)
        except StreamError as error:
            request.reason = str(error)[:160]
        except OSError as error:
            log.info("request %s", error)
            request.reason = why(error)
        request.unfinished = False
        if answer.usage is not None:
            request.output_tokens, request.prompt_tokens = answer.usage.completion_tokens, answer.usage.prompt_tokens

    async def _beat(self) -> None:
        """How late this process gets round to things: lateness that would be blamed on the server."""
        while True:
            due = time.perf_counter() + _BEAT_S
            await asyncio.sleep(_BEAT_S)
            self._late.append(max(0.0, time.perf_counter() - due))


async def _first_model(session: aiohttp.ClientSession, url: str) -> str:
    address = url.rstrip("/") + "/models"
    try:
        async with session.get(address) as response:
            body = msgspec.json.decode(await response.content.read(1 << 20))
            return str(body["data"][0]["id"])
    except (aiohttp.ClientError, TimeoutError, OSError, *NOT_JSON, LookupError, TypeError) as error:
        log.info("%s: %s", address, error)
        reason = why(getattr(error, "os_error", None) or error)
        hint = "Start the server, or name the model."
        raise BenchmarkError("The server does not answer", f"{address}: {reason}.", hint) from error
