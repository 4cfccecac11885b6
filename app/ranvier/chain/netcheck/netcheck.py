"""What a network costs in time: each endpoint's latency and how far it lags, and how long a payment takes to settle."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace

from ranvier.chain import submit
from ranvier.chain.connection import Connection
from ranvier.chain.model import TxStage
from ranvier.chain.model_netcheck import EndpointCheck, NetCheck, Settlement
from ranvier.chain.networks import Network
from ranvier.chain.plans import plans
from ranvier.core.errors import NetworkError, RanvierError
from ranvier.core.units import Tao
from ranvier.keys.signing import Signer

_TIMEOUT_S = 10.0
_SETTLE_S = 180.0
_LEAST = Tao(1)


async def check(
    network: Network,
    *,
    endpoints: Sequence[str] = (),
    samples: int = 5,
    signer: Signer | None = None,
    axon_url: str | None = None,
) -> NetCheck:
    """Check every endpoint at the same time; with a signer also a self-transfer (play money only).

    Never raises for an endpoint that fails: its row says so. Raises NetworkError for a signer on a network of value.
    """
    if signer is not None and not network.play_money:
        raise NetworkError(
            "Not with real money",
            f"The settlement time is measured with play money only, and {network.title} is not that.",
            "Measure it on the testnet or the sandbox.",
        )
    at = time.time()
    wanted = tuple(dict.fromkeys((*endpoints, *network.endpoints)))
    rows = await asyncio.gather(*(_endpoint(network, endpoint, samples) for endpoint in wanted))
    highest = max((row.block for row in rows if row.block is not None), default=None)
    rows = [
        replace(row, lag_blocks=highest - row.block) if row.block is not None and highest is not None else row
        for row in rows
    ]
    found = NetCheck(network.name, at, tuple(rows))
    if signer is not None:
        best = found.best
        settled = Settlement(None, None, None, None, None, "No endpoint answers.")
        if best is not None:
            settled = await settle(replace(network, endpoints=(best.endpoint,)), signer)
        found = replace(found, settlement=settled)
    if axon_url is not None:
        took, error = await _http(axon_url)
        found = replace(found, axon_ms=took, axon_error=error)
    return found


async def settle(network: Network, signer: Signer) -> Settlement:
    """Pay one rao to oneself and time it until it is final. The fee is really paid."""
    connection = Connection(network, timeout_s=_TIMEOUT_S)
    seen: dict[TxStage, float] = {}
    try:
        await connection.open()
        plan = await plans.plan_transfer(connection, signer.ss58, signer.ss58, _LEAST)
        started = time.monotonic()

        def tell(stage: TxStage) -> None:
            seen.setdefault(stage, time.monotonic() - started)

        receipt = await submit.submit(connection, plan, signer, on_stage=tell, wait=TxStage.FINAL, timeout_s=_SETTLE_S)
    except RanvierError as error:
        return Settlement(seen.get(TxStage.SUBMITTED), seen.get(TxStage.IN_BLOCK), None, None, None, error.message)
    finally:
        await connection.close()
    return Settlement(
        in_pool_s=seen.get(TxStage.SUBMITTED),
        in_block_s=seen.get(TxStage.IN_BLOCK),
        final_s=seen.get(TxStage.FINAL),
        fee_rao=receipt.fee_rao,
        block=receipt.block.number if receipt.block is not None else None,
        error=receipt.error,
    )


async def _endpoint(network: Network, endpoint: str, samples: int) -> EndpointCheck:
    connection = Connection(replace(network, endpoints=(endpoint,)), timeout_s=_TIMEOUT_S)
    row = EndpointCheck(endpoint)
    times: list[float] = []
    asked = 0
    try:
        started = time.monotonic()
        await connection.open()
        row = replace(row, open_ms=_ms(started), spec_version=connection.spec_version)
        for _ in range(samples):
            asked += 1
            started = time.monotonic()
            await connection.rpc("chain_getHeader", [])
            times.append(_ms(started))
        head = await connection.head()
        final = await connection.rpc("chain_getHeader", [await connection.rpc("chain_getFinalizedHead", [])])
        age = time.time() - head.time_ms / 1000 if head.time_ms is not None else None
        behind = max(0, head.number - int(final["number"], 16))
        row = replace(row, block=head.number, final_lag_blocks=behind, head_age_s=age)
    except RanvierError as error:
        row = replace(row, error=_beside(endpoint, error.message))
    except (KeyError, TypeError, ValueError):
        row = replace(row, error="It answers, but not as a node of this network does.")
    finally:
        await connection.close()
    middle = sorted(times)[len(times) // 2] if times else None
    worst = max(times, default=None)
    return replace(row, latency_ms=middle, worst_ms=worst, answered=len(times), asked=asked)


def _beside(endpoint: str, message: str) -> str:
    """A sentence for a row that names the endpoint already."""
    return f"It{message.removeprefix(endpoint)}" if message.startswith(f"{endpoint} ") else message


async def _http(url: str) -> tuple[float | None, str | None]:
    import aiohttp

    timeout = aiohttp.ClientTimeout(total=_TIMEOUT_S)
    try:
        started = time.monotonic()
        async with aiohttp.ClientSession(timeout=timeout) as session, session.get(url) as answer:
            await answer.read()
            status = answer.status
        took = _ms(started)
    except (aiohttp.ClientError, OSError, ValueError):  # a time-out is an OSError here
        return None, f"{url} does not answer."
    return took, None if status < 400 else f"{url} answers with status {status}."


def _ms(started: float) -> float:
    return (time.monotonic() - started) * 1000
