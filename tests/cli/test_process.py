"""The server's own process; the library's user keeps theirs as it is."""

from __future__ import annotations

import os
import subprocess
import sys

import anyio
import pytest

from patter_mcp.cli.process import loop_options

FREEZE = """
import gc
import patter_mcp.app
from patter_mcp.cli.process import collect_rarely
def share_frozen():
    return gc.get_freeze_count() / (gc.get_freeze_count() + len(gc.get_objects()))
collect_rarely()
program = share_frozen()
clients = [[] for _ in range(20_000)]
gc.collect()
with_clients = share_frozen()
calls = [[] for _ in range(20_000)]
gc.collect()
print(program > 0.9, with_clients > 0.9, len(gc.get_objects()) > 20_000)
"""

FILES = """
import resource
from patter_mcp.cli.process import open_many_files
_, most = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (256, min(most, 5000)))
open_many_files()
print(resource.getrlimit(resource.RLIMIT_NOFILE)[0] == min(most, 5000))
"""

SERVER = """
import gc
from patter_mcp.cli import serving
from patter_mcp.config import Settings
loaded_at_start = gc.get_freeze_count()
serving._phone(Settings())
print(loaded_at_start == 0, gc.get_freeze_count() > 10_000)
"""

LIBRARY = """
import anyio, gc
from patter_mcp import Patter
async def main():
    async with Patter() as phone:
        await phone.call("+12025550106", goal="Ask whether they are open on Sunday.")
before = gc.get_threshold(), gc.get_freeze_count()
anyio.run(main)
print((gc.get_threshold(), gc.get_freeze_count()) == before)
"""


def test_the_program_and_what_its_first_calls_load_is_not_looked_through_for_garbage() -> None:
    frozen = subprocess.run([sys.executable, "-c", FREEZE], capture_output=True, text=True, check=True)
    assert frozen.stdout.split() == ["True", "True", "True"]


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such limit")
def test_there_may_be_as_many_connections_as_the_system_allows() -> None:
    raised = subprocess.run([sys.executable, "-c", FILES], capture_output=True, text=True, check=True)
    assert raised.stdout == "True\n"


def test_the_server_leaves_its_own_program_out_of_collections() -> None:
    served = subprocess.run([sys.executable, "-c", SERVER], capture_output=True, text=True, check=True)
    assert served.stdout == "True True\n"


@pytest.mark.skipif(sys.platform != "linux", reason="another process's limits can be asked for on Linux only")
def test_the_server_makes_room_for_many_calls() -> None:
    import resource  # noqa: PLC0415 - there is none on Windows

    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = min(most, 5000)
    start = f"ulimit -S -n 256 && ulimit -H -n {wanted} && exec {sys.executable} -m patter_mcp serve"
    with subprocess.Popen(["sh", "-c", start], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        assert server.stdin is not None and server.stdout is not None
        server.stdin.write(b'{"jsonrpc": "2.0", "id": 1, "method": "ping"}\n')
        server.stdin.flush()
        server.stdout.readline()
        assert resource.prlimit(server.pid, resource.RLIMIT_NOFILE) == (wanted, wanted)
        server.stdin.close()


def test_the_server_runs_on_uvloop_where_it_is_installed() -> None:
    uvloop = pytest.importorskip("uvloop")

    async def in_use() -> bool:
        token = anyio.lowlevel.current_token()
        return isinstance(token.native_token, uvloop.Loop)

    assert anyio.run(in_use, backend_options=loop_options())


def test_the_library_leaves_its_users_collections_alone() -> None:
    environment = {**os.environ, "PATTER_STORE": "memory:"}
    used = subprocess.run([sys.executable, "-c", LIBRARY], env=environment, capture_output=True, text=True, check=True)
    assert used.stdout == "True\n"
