#!/usr/bin/env python3
"""A normal load beside clients that send half a head or keep a connection and say nothing.

    python3 benches/slow_clients.py PORT [--half 200] [--idle 500] [--rate 100] [--seconds 10]

Requests are due at a fixed rate, and their latency counts from when they were due: a server that stalls is not asked
less. Prints quantiles, failures, and how many of the others are still connected at the end.
"""

import argparse
import asyncio
import time

REQUEST = b"GET /.well-known/jwks.json HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


async def connect(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", port)


async def slow(port: int, first: bytes) -> None:
    """Connects, sends `first`, and says whether the server let go."""
    try:
        reader, writer = await connect(port)
        writer.write(first)
        await writer.drain()
        while await reader.read(4096):
            pass
    except OSError:
        pass


async def timed(port: int, due: float, latencies: list[float], failures: list[str]) -> None:
    try:
        reader, writer = await asyncio.wait_for(connect(port), 5)
        writer.write(REQUEST)
        answer = await asyncio.wait_for(reader.read(), 5)
        writer.close()
        if b" 200 " not in answer[:20]:
            raise OSError(answer[:20])
        latencies.append(time.monotonic() - due)
    except (TimeoutError, OSError) as error:
        failures.append(type(error).__name__)


async def main(options: argparse.Namespace) -> None:
    asked = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"
    others = [asyncio.create_task(slow(options.port, b"GET /health HTTP/1.1\r\nHost:")) for _ in range(options.half)]
    others += [asyncio.create_task(slow(options.port, asked)) for _ in range(options.idle)]
    await asyncio.sleep(1)
    latencies: list[float] = []
    failures: list[str] = []
    requests = []
    begun = time.monotonic()
    for number in range(options.rate * options.seconds):
        due = begun + number / options.rate
        await asyncio.sleep(max(0, due - time.monotonic()))
        requests.append(asyncio.create_task(timed(options.port, due, latencies, failures)))
    await asyncio.gather(*requests)
    connected = sum(not other.done() for other in others)
    latencies.sort()

    def at(share: float) -> str:
        return f"{latencies[int(share * (len(latencies) - 1))] * 1000:.1f} ms" if latencies else "none"

    print(f"{len(latencies)} answered, {len(failures)} failed, p50 {at(0.5)}, p99 {at(0.99)}, most {at(1)};")
    print(f"{connected} of {len(others)} slow clients are still connected after {options.seconds + 1} s")
    for other in others:
        other.cancel()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    for name, default in [("half", 200), ("idle", 500), ("rate", 100), ("seconds", 10)]:
        parser.add_argument(f"--{name}", type=int, default=default)
    asyncio.run(main(parser.parse_args()))
