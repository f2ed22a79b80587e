"""libespeak-ng through ctypes; loaded in the helper program only, because the library is GPL-3.0.

Its state is global and it is not thread-safe: one `Library` per process, used by one thread.
Names and numbers are those of espeak-ng's `speak_lib.h`.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import functools
import importlib.util
import shutil
from pathlib import Path
from typing import Any

_AUDIO_OUTPUT_SYNCHRONOUS = 2
_BUFFER_MS = 50
_INITIALIZE_DONT_EXIT = 0x8000
_RATE = 1
_CHARS_UTF8 = 1
_POS_CHARACTER = 1
_SYNTH_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p)

INSTALL_HINT = "Speaking without an account needs espeak-ng: run `pip install 'patter-mcp[sandbox]'`."


def installed() -> bool:
    """Whether `Library` is likely to load; imports and loads nothing."""
    return _bundled() or _system_library() is not None


class Library:
    """Text in, PCM out.

    Raises:
        OSError: the library or its voices cannot be loaded.
    """

    def __init__(self) -> None:
        path, data_path = _locate()
        self._lib: Any = ctypes.CDLL(path)
        self._lib.espeak_Synth.argtypes = [
            ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint, ctypes.c_int, ctypes.c_uint, ctypes.c_uint,
            ctypes.c_void_p, ctypes.c_void_p,
        ]  # fmt: skip
        self.sample_rate_hz: int = self._lib.espeak_Initialize(
            _AUDIO_OUTPUT_SYNCHRONOUS, _BUFFER_MS, data_path, _INITIALIZE_DONT_EXIT
        )
        if self.sample_rate_hz <= 0:
            raise OSError(f"espeak-ng found no voices beside {path}")
        self._pcm = bytearray()
        self._callback = _SYNTH_CALLBACK(self._take)  # the library keeps only a pointer
        self._lib.espeak_SetSynthCallback(self._callback)
        self._voice: str | None = None

    def choose_voice(self, name: str) -> bool:
        """Sets the voice of what follows, e.g. `en-us` or `en-us+f2`; False: there is none of that name."""
        if name != self._voice:
            if self._lib.espeak_SetVoiceByName(name.encode()) != 0:
                return False
            self._voice = name
        return True

    def synthesise(self, text: str, words_per_minute: int) -> bytes:
        """Mono s16le PCM at `sample_rate_hz`."""
        self._pcm.clear()
        self._lib.espeak_SetParameter(_RATE, words_per_minute, 0)
        encoded = text.replace("\0", " ").encode(errors="replace")
        self._lib.espeak_Synth(encoded, len(encoded) + 1, 0, _POS_CHARACTER, 0, _CHARS_UTF8, None, None)
        return bytes(self._pcm)

    def _take(self, wav: int | None, sample_count: int, _events: int | None) -> int:
        if wav:
            self._pcm += ctypes.string_at(wav, sample_count * 2)
        return 0


def _locate() -> tuple[str, bytes | None]:
    """The library, and its data directory where that is not compiled in."""
    if _bundled():
        import espeakng_loader  # noqa: PLC0415

        return espeakng_loader.get_library_path(), espeakng_loader.get_data_path().encode()
    path = _system_library()
    if path is None:
        raise OSError(INSTALL_HINT)
    return path, None


def _bundled() -> bool:
    return importlib.util.find_spec("espeakng_loader") is not None


@functools.cache
def _system_library() -> str | None:
    """As the dynamic loader finds it, or beside the `espeak-ng` on PATH (Homebrew). Asking the loader runs programs."""
    if found := ctypes.util.find_library("espeak-ng"):
        return found
    program = shutil.which("espeak-ng")
    if program is None:
        return None
    folder = Path(program).resolve().parent.parent / "lib"
    libraries = [*folder.glob("libespeak-ng.so*"), *folder.glob("libespeak-ng*.dylib")]
    return str(min(libraries)) if libraries else None
