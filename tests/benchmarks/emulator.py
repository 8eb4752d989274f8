"""`python -m tests.benchmarks.emulator`: how fast the emulator starts and answers, and what 100,000 secrets take.

It prints figures beside what is promised, and judges nothing: a shared machine is slower than its own.
"""

from __future__ import annotations

import argparse
import os
import ssl
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from declarative_kv.emulator.host import process
from declarative_kv.emulator.host.options import Options
from declarative_kv.emulator.world import new_world
from tests.emulator.reach import Client

VAULT = "kv-bench"
HOST = f"{VAULT}.vault.azure.net"
CONNECTIONS = 4
ROW = "{what:<44} {found:>14} {promised:>16}"


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.emulator", description=__doc__)
    parser.add_argument("--secrets", type=int, default=100_000, help="how many secrets it holds")
    parser.add_argument("--seconds", type=float, default=5.0, help="how long it is asked")
    options = parser.parse_args()
    print(ROW.format(what="", found="found", promised="promised"))
    with (
        tempfile.TemporaryDirectory(prefix="dkv-bench-") as name,
        _running(Path(name) / "data") as (folder, pid, start),
    ):
        _row("start-up", f"{start:.2f} s", "under 2 s")
        _row("memory, empty", f"{memory(pid):.0f} MB", "")
        with Client(folder) as client:
            client.make_vault(VAULT)
            client.set_secret(VAULT, "one", "a value")
        _reads(folder, pid, options.seconds, "an empty vault")
        process.stop(folder)
        fill(folder, options.secrets)
        began = time.perf_counter()
        pid = process.start(folder, Options()).pid
        _row(f"start-up with {options.secrets:,} secrets", f"{time.perf_counter() - began:.2f} s", "")
        _row(f"memory with {options.secrets:,} secrets", f"{memory(pid):.0f} MB", "under 500 MB")
        _reads(folder, pid, options.seconds, f"{options.secrets:,} secrets")
        _row("memory after that", f"{memory(pid):.0f} MB", "under 500 MB")


@contextmanager
def _running(folder: Path) -> Iterator[tuple[Path, int, float]]:
    began = time.perf_counter()
    contact = process.start(folder, Options())
    try:
        yield folder, contact.pid, time.perf_counter() - began
    finally:
        process.stop(folder)


def _row(what: str, found: str, promised: str) -> None:
    print(ROW.format(what=what, found=found, promised=promised), flush=True)


def _reads(folder: Path, pid: int, seconds: float, what: str) -> None:
    """Read a secret over TLS on a few connections: answers a second, and a second of the server's own CPU time."""
    before, began = cpu(pid), time.perf_counter()
    done = read_for(folder, seconds)
    wall, used = time.perf_counter() - began, cpu(pid) - before
    _row(f"reads a second, {what}", f"{done / wall:,.0f}", "")
    _row(f"reads a second of one core, {what}", f"{done / used:,.0f}", "1,000")


def read_for(folder: Path, seconds: float) -> int:
    """How many reads were answered, on connections that stay open."""
    counts = [0] * CONNECTIONS
    started = threading.Barrier(CONNECTIONS)

    def ask(number: int) -> None:
        with Client(folder) as client:
            request, sock = _request(client)
            started.wait()
            end = time.perf_counter() + seconds
            while time.perf_counter() < end:
                sock.sendall(request)
                _receive(sock.recv)
                counts[number] += 1

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(CONNECTIONS)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    return sum(counts)


def _request(client: Client) -> tuple[bytes, ssl.SSLSocket]:
    """A read as bytes, and the open connection to send it on: a client of Python's own would be the slower part."""
    token = client.token(HOST)
    assert client.get_secret(VAULT, "one").status == 200
    connection = client.connect(HOST)
    connection.connect()
    assert isinstance(connection.sock, ssl.SSLSocket)
    head = f"GET /secrets/one?api-version=7.6 HTTP/1.1\r\nHost: {HOST}\r\nAuthorization: Bearer {token}\r\n\r\n"
    return head.encode(), connection.sock


def _receive(receive: Callable[[int], bytes]) -> None:
    """One answer, which must be a success."""
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += receive(65536)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200"), head
    length = next(
        int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")
    )
    while len(body) < length:
        body += receive(65536)


def fill(folder: Path, secrets: int) -> None:
    """Put secrets into the vault of a folder whose emulator is stopped."""
    world = new_world(folder)
    uid, now = world.store.table("vaults")[VAULT]["uid"], int(time.time())
    with world.store.transaction():
        for number in range(secrets):
            version = {"version": uuid.uuid4().hex, "created": now, "updated": now, "value": uuid.uuid4().hex}
            world.store.put("secrets", f"{uid}/s{number:06}", {"name": f"s{number:06}", "versions": [version]})
    world.close()


def memory(pid: int) -> float:
    """The most memory that a process has had, in MB (Linux)."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def cpu(pid: int) -> float:
    """The seconds of processor time that a process has used (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
