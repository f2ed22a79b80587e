"""The recogniser itself, for one call, without a process or an event loop around it.

Runs in the helper program; a program of ours that may spend 4 % of a core in its own loop can use it directly.
"""

from __future__ import annotations

import importlib.util
import tempfile
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from patter_mcp.audio import g711
from patter_mcp.audio.frame import FRAME_BYTES, FRAME_MS, SAMPLE_RATE_HZ
from patter_mcp.stt.pocketsphinx.language import Language, language

INSTALL_HINT = "Listening without an account needs pocketsphinx: run `pip install 'patter-mcp[sandbox]'`."

_MODEL_RATE_HZ = 16_000
_PRE_ROLL_MS = 300
"""Kept from before a voice is noticed: weak first consonants."""
_SILENCE_MS = 1500
"""So much without a voice is not given to the recogniser any longer."""
_MAX_UTTERANCE_MS = 30_000
_ONSET_FRAMES = 3
_FULL_SCALE = 32_768
_VOICED_MODE = 2
"""Of WebRTC's detector, 0 to 3: the higher, the more it takes for noise."""
_WARM_MEAN = "59.9,-5.0,-0.8,9.3,-2.6,-6.7,-7.4,-6.0,-7.4,-1.4,-4.0,-0.2,-1.8"
"""Cepstral mean to begin with, as a decoder had learnt it from 120 sentences on a telephone line.

Starting from the library's own costs the first utterances of a call.
"""
DEFAULT_FILL = 0.005
"""Best for synthetic voices, which is what this recogniser is for: it follows a person's free speech at no level."""
_HISS_GAIN = 2.5
"""Of 0, 0.5, 1.4 and 2.5 what got fewest of those lines wrong (15, 14, 13, 11) and every "this is" right."""
_MAX_HISS = 1500.0
"""Voices do not reach it; what is louder is a click."""
_HISS_STEP = 40
"""Samples, 5 ms: shorter than the shortest "t"."""
_SEARCH = {"topn": 8, "beam": 1e-60, "pbeam": 1e-60, "wbeam": 1e-40}
"""Wider than pocketsphinx's own: of 1215 hinted words, spoken by espeak-ng, 20 are wrong instead of 45, for
a quarter more work.
"""


def installed() -> bool:
    """Whether a decoder can be made; imports nothing heavy."""
    return all(importlib.util.find_spec(name) is not None for name in ("pocketsphinx", "soxr", "numpy"))


class UtteranceDecoder:
    """Turns telephone audio into words, utterance by utterance.

    All audio may be fed, silence too: only what a rough voice detector lets through costs time and counts.
    Making one takes about 0.2 s of a core (less when another with the same phrases was made before).

    Args:
        phrases: Sentences, names and words to expect beside the phrase-book.
        fill: Level of white noise to add, as a share of full scale. Synthetic voices and the telephone leave gaps in
            the spectrum that the model, made for wideband speech, takes amiss.

    Raises:
        ImportError: pocketsphinx, soxr or numpy is not installed.
    """

    def __init__(self, phrases: Sequence[str] = (), fill: float = DEFAULT_FILL) -> None:
        import numpy  # noqa: PLC0415
        import pocketsphinx  # noqa: PLC0415
        import soxr  # noqa: PLC0415

        self._numpy: Any = numpy
        cmudict = Path(pocketsphinx.get_model_path("en-us/cmudict-en-us.dict"))
        spoken = language(tuple(phrases), cmudict)
        self.guessed = spoken.guessed
        self._decoder: Any = _load(spoken)
        self._decoder.set_cmn(_WARM_MEAN)
        self._upsampler: Any = soxr.ResampleStream(SAMPLE_RATE_HZ, _MODEL_RATE_HZ, 1, dtype="int16", quality="QQ")
        self._voiced: Any = pocketsphinx.Vad(_VOICED_MODE, SAMPLE_RATE_HZ, FRAME_MS / 1000).is_speech
        self._fill = fill * _FULL_SCALE
        self._random: Any = numpy.random.default_rng(0)
        self._rest = b""
        self._pre_roll: deque[bytes] = deque(maxlen=_PRE_ROLL_MS // FRAME_MS)
        self._onset_frames = 0
        self._silence_ms = _SILENCE_MS
        self._utterance_ms = 0
        self._settled: list[str] = []
        self._in_utterance = False

    @property
    def listening(self) -> bool:
        """A voice was there lately: what is fed goes to the recogniser."""
        return self._silence_ms < _SILENCE_MS

    def feed(self, ulaw: bytes) -> None:
        """Takes mono μ-law at 8 kHz, any length; 0.7 ms of work per 20 ms of speech."""
        audio = self._rest + ulaw
        whole = len(audio) - len(audio) % FRAME_BYTES
        self._rest = audio[whole:]
        for start in range(0, whole, FRAME_BYTES):
            self._gate(g711.decode(audio[start : start + FRAME_BYTES]))

    def interim(self) -> str:
        """The utterance so far; much less reliable than what `finish` returns."""
        return " ".join([*self._settled, *(self._words() if self._in_utterance else ())])

    def finish(self) -> str:
        """Ends the utterance; its words, or nothing. What is fed from now on is another one."""
        self._settle()
        text = " ".join(self._settled)
        self._settled.clear()
        self._pre_roll.clear()
        self._silence_ms = _SILENCE_MS
        return text

    def _gate(self, frame: bytes) -> None:
        voiced = self._voiced(frame)
        self._onset_frames = self._onset_frames + 1 if voiced else 0
        if self.listening:
            self._silence_ms = 0 if voiced else self._silence_ms + FRAME_MS
            self._hear(frame)
            return
        self._pre_roll.append(frame)
        if self._onset_frames >= _ONSET_FRAMES:
            self._silence_ms = 0
            self._hear(b"".join(self._pre_roll))
            self._pre_roll.clear()

    def _hear(self, pcm: bytes) -> None:
        if not self._in_utterance:
            self._decoder.start_utt()
            self._in_utterance = True
        self._decoder.process_raw(self._wideband(pcm), False, False)
        self._utterance_ms += len(pcm) // 2 * 1000 // SAMPLE_RATE_HZ
        if self._utterance_ms >= _MAX_UTTERANCE_MS:
            self._settle()

    def _wideband(self, pcm: bytes) -> bytes:
        narrow = self._numpy.frombuffer(pcm, dtype="<i2")
        wide = self._upsampler.resample_chunk(narrow, last=False)
        if self._fill:
            noise = self._random.normal(0.0, 1.0, (2, len(wide)))
            level = self._hiss(narrow.astype("float64")).repeat(2 * _HISS_STEP)
            level = self._numpy.pad(level, (0, max(0, len(wide) - len(level))), mode="edge")[: len(wide)]
            hiss = self._numpy.diff(noise[0], prepend=0.0) * level
            wide = (wide + hiss + noise[1] * self._fill).clip(-_FULL_SCALE, _FULL_SCALE - 1)
        return wide.astype("int16").tobytes()

    def _hiss(self, narrow: Any) -> Any:
        """How loud, step by step, to make what the telephone cut off above 4 kHz: as loud as the top of what it left
        over, where that prevails. Without it an "s" is no "s" to a model made for wideband speech.
        """
        top = self._numpy.diff(narrow, n=2, prepend=narrow[[0, 0]]) / 4
        top_power, power = ((band.reshape(-1, _HISS_STEP) ** 2).mean(1) for band in (top, narrow))
        level = _HISS_GAIN * top_power / (self._numpy.sqrt(power) + 1.0)
        return level.clip(0, _MAX_HISS)

    def _settle(self) -> None:
        """Closes the recogniser's utterance, keeping its words."""
        if self._in_utterance:
            self._decoder.end_utt()
            self._in_utterance = False
            self._utterance_ms = 0
            self._settled += self._words()

    def _words(self) -> list[str]:
        hypothesis = self._decoder.hyp()
        return hypothesis.hypstr.split() if hypothesis else []


def _load(spoken: Language) -> Any:
    """A decoder of this language; its files are needed for as long as loading takes."""
    import pocketsphinx  # noqa: PLC0415

    with tempfile.TemporaryDirectory(prefix="patter-") as folder:
        model, dictionary = Path(folder, "phone.arpa"), Path(folder, "phone.dict")
        model.write_text(spoken.model, encoding="utf-8")
        dictionary.write_text(spoken.dictionary, encoding="utf-8")
        # Without the second pass a final is there in 10 ms rather than 100, and no worse.
        return pocketsphinx.Decoder(lm=str(model), dict=str(dictionary), fwdflat=False, loglevel="FATAL", **_SEARCH)
