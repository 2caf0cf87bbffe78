#!/usr/bin/env python3
"""More requests than the server can answer: how many it answers, how it refuses the others, and what memory it takes.

    python3 benches/overload.py PORT PID EMAIL PASSWORD [--rates 200,400,800,1600] [--seconds 10]

Signs in once, and asks for `/v1/me` at each rate, a connection a request. Requests are due at a fixed rate, and their
latency counts from when they were due. Prints a line a rate, with the resident memory of the process PID at the end of
it; the last line is ten seconds after the last request.
"""

import argparse
import asyncio
import collections
import json
import time
import urllib.request
from pathlib import Path

# Seconds after which a request counts as sent late.
LATE = 0.05


def sign_in(port: int, email: str, password: str) -> str:
    body = json.dumps({"email": email, "password": password}).encode()
    request = urllib.request.Request(f"http://localhost:{port}/v1/login", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as answer:  # noqa: S310
        return str(json.load(answer)["access_token"])


def resident(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")) / 1024


async def ask(port: int, request: bytes, due: float, latencies: list[float], ends: collections.Counter[str]) -> None:
    try:
        reader, writer = await asyncio.wait_for(asyncio.open_connection("127.0.0.1", port), 10)
        writer.write(request)
        answer = await asyncio.wait_for(reader.read(), 10)
        writer.close()
        status = answer[9:12].decode()
        if status == "200":
            latencies.append(time.monotonic() - due)
        ends[status] += 1
    except (TimeoutError, OSError) as error:
        ends[type(error).__name__] += 1


async def at_rate(options: argparse.Namespace, request: bytes, rate: int) -> None:
    latencies: list[float] = []
    ends: collections.Counter[str] = collections.Counter()
    tasks = []
    begun = time.monotonic()
    late = 0
    for number in range(rate * options.seconds):
        due = begun + number / rate
        wait = due - time.monotonic()
        late += wait < -LATE
        await asyncio.sleep(max(0, wait))
        tasks.append(asyncio.create_task(ask(options.port, request, due, latencies, ends)))
    await asyncio.gather(*tasks)
    latencies.sort()

    def at(share: float) -> str:
        return f"{latencies[int(share * (len(latencies) - 1))] * 1000:.0f} ms" if latencies else "none"

    print(
        f"{rate}/s: {dict(ends)}, {ends['200'] / options.seconds:.0f}/s answered, p50 {at(0.5)}, p99 {at(0.99)}, "
        f"{late} sent late, {resident(options.pid):.0f} MiB",
        flush=True,
    )


async def main(options: argparse.Namespace) -> None:
    token = sign_in(options.port, options.email, options.password)
    head = f"GET /v1/me HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n"
    print(f"before: {resident(options.pid):.0f} MiB")
    for rate in options.rates.split(","):
        await at_rate(options, head.encode(), int(rate))
    await asyncio.sleep(10)
    print(f"after: {resident(options.pid):.0f} MiB")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    for name, kind in [("port", int), ("pid", int), ("email", str), ("password", str)]:
        parser.add_argument(name, type=kind)
    parser.add_argument("--rates", default="200,400,800,1600")
    parser.add_argument("--seconds", type=int, default=10)
    asyncio.run(main(parser.parse_args()))
