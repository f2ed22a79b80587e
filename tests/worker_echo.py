"""A helper program for `test_worker`: does what it is told, good or bad."""

from __future__ import annotations

import os
import signal
import time
from collections import deque
from pathlib import Path

from patter_mcp.types import Json
from patter_mcp.worker import FIRST_KIND, Refused, Send, serve

ECHO, PID, ENVIRONMENT, PRINT, RAISE, CRASH, HANG = range(FIRST_KIND, FIRST_KIND + 7)


class Echo:
    def __init__(self, options: Json, send: Send) -> None:
        if note := options.get("note_pid_in"):
            Path(note).write_text(str(os.getpid()))
        if options.get("hang"):
            time.sleep(60)
        if reason := options.get("refuse"):
            raise Refused(reason)
        self._send = send
        self._waiting: deque[tuple[int, bytes]] = deque()

    def receive(self, kind: int, payload: bytes) -> None:
        self._waiting.append((kind, payload))

    def work(self) -> bool:
        if not self._waiting:
            return False
        kind, payload = self._waiting.popleft()
        self._send(kind, self._answer(kind, payload))
        return True

    def _answer(self, kind: int, payload: bytes) -> bytes:
        if kind == PID:
            return str(os.getpid()).encode()
        if kind == ENVIRONMENT:
            return " ".join(os.environ).encode()
        if kind == PRINT:
            print("out of place")
        elif kind == RAISE:
            raise ValueError("told to")
        elif kind == CRASH:
            os.kill(os.getpid(), signal.SIGKILL)
        elif kind == HANG:
            time.sleep(60)
        return payload


if __name__ == "__main__":
    serve(Echo)
