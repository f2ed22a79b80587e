"""Settings, room by room, and the only reader of the environment but for vendors' keys.

What is given on the command line wins over the environment, that over `patter.toml`, that over the defaults.
Unknown names are errors.
"""

from __future__ import annotations

import difflib
import math
import os
import sys
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from patter_mcp.errors import ConfigError

HISTORY_TOKENS = 8000
"""Half an hour of talk."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallSettings:
    """How calls are made and closed."""

    ring_timeout_sec: float = 30.0
    """How long it may ring before the answer is `no-answer`."""
    media_timeout_sec: float = 10.0
    """How long an answered call may go without its media stream."""
    hang_up_timeout_sec: float = 3.0
    """How long the carrier may take to acknowledge a hang-up."""
    concurrent_calls: int = 20
    """Calls alive at once; one more is refused."""
    calls_per_number_per_day: int | None = None
    """To one number in 24 hours; None: no limit."""
    calls_per_day: int | None = None
    """In 24 hours; None: no limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DialingSettings:
    """Who may be called (`guardrails.dialing`)."""

    countries: tuple[str, ...] = ()
    """ISO 3166 codes, "US"; empty: the country of our own number."""
    number_types: tuple[str, ...] = ()
    """Empty: every type but those that cost extra."""
    allow: tuple[str, ...] = ()
    """When given, nothing else is dialed: numbers, or beginnings such as "+1415*"."""
    deny: tuple[str, ...] = ()
    """Never dialed; written as in `allow`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaSettings:
    """Where the carrier reaches us."""

    host: str = "127.0.0.1"
    port: int = 0
    """0: any free port."""
    public_url: str | None = None
    """https:// address under which the carrier reaches `host:port`; None: the local address itself."""
    start_timeout_sec: float = 5.0
    """How long an accepted websocket may go without its `start` message."""
    lead_ms: int = 300
    """Audio kept queued at the carrier: enough to ride out jitter, little enough to be cut."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnSettings:
    """When a turn is over, when the user takes the floor, how long silence may last."""

    endpointing_ms: int = 500
    """Silence that ends the user's turn where the recogniser does not say so itself."""
    finalize_ms: int = 250
    """Silence after which the recogniser is asked to settle what it heard."""
    unfinished_ms: int = 1500
    """Silence that ends a turn which sounds unfinished: "and…", digits being dictated."""
    patience_ms: int = 1200
    """Silence after which a turn ends although the recogniser has not said its last word."""
    eager: bool = True
    """Begin the reply at the first pause, hold its audio back, release it once the turn is certainly over."""
    speculations_per_turn: int = 3
    """Replies begun and dropped at most, per turn of the user."""
    barge_in_ms: int = 96
    """Speech over our own that takes the floor.

    Of 1430 beginnings of speech, 88 % silence us within 180 ms of the first sound (with 160: 61 %); of 60 coughs 20 %
    do (15 %). Measured with Silero's detector on recorded prompts of five speakers, synthetic voices and coughs.
    """
    verdict_ms: int = 1500
    """How long the user, having taken the floor, may go without a recognised word; then we go on where we stopped."""
    answer_overlap_ms: int = 1500
    """A "yes" this close to the end of our own speech is the answer to it, not a "go on"."""
    silence_sec: float = 7.0
    """Silence after which we ask whether anybody is there; a second one ends the call."""
    hold_silence_sec: float = 45.0
    """The same after the user asked us to wait."""
    last_words_sec: float = 1.5
    """Silence after our goodbye before we hang up: time for theirs, or for "oh, wait"."""
    user_turn_sec: float = 60.0
    """Longest stretch of talk (or music) taken for one turn."""
    beep_wait_sec: float = 4.0
    """Silence after a voicemail greeting that counts as the beep having been missed."""
    goodbye_sec: float = 6.0
    """Kept back before the time limit for saying goodbye; calls shorter than five times this end without one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that can be set. `auto` picks by the credentials in the environment, embedded parts without any."""

    carrier: str = "auto"
    """`twilio`, `sandbox`, or `auto`."""
    phone_number: str | None = None
    """Our own number, E.164: what the callee sees."""
    engine: str = "pipeline"
    """What holds conversations: `pipeline` (stt, llm and tts), or `openai` (Realtime); `name/model` picks a model."""
    stt: str = "auto"
    """`deepgram`, `openai`, `pocketsphinx`, …; `name/model` picks a model."""
    llm: str = "auto"
    """`openai`, `anthropic`, `groq`, `cerebras`, `google`, `rules`; `name/model` picks a model."""
    tts: str = "auto"
    """`elevenlabs`, `openai`, `deepgram`, `cartesia`, `espeak`, …; `name/model` picks a model."""
    language: str = "en"
    """BCP-47."""
    voice: str | None = None
    """The voice provider's own name for it."""
    app: str = ""
    """`module:name` or `/path/to/file.py:name` of an agent of your own, or of a function from settings to one."""
    system_prompt: str = ""
    """Standing instructions for every call."""
    first_message: str = ""
    """Said on answer where a call brings no first words of its own."""
    history_tokens: int = HISTORY_TOKENS
    """What a language model is sent of a long call, at most. Older turns are left out."""
    max_output_tokens: int | None = None
    """What a language model may answer at once; None: the provider's default."""
    temperature: float | None = None
    """Of the language model; None: its own default."""
    store: str = ""
    """Where calls are kept: `sqlite:/path`, `memory:`; empty: `sqlite:` in the data directory."""
    data_dir: Path = field(default_factory=lambda: _data_dir(os.environ))
    scenario_dirs: tuple[Path, ...] = ()
    """Directories with sandbox scenarios of your own."""
    log_level: str = "warning"
    calls: CallSettings = field(default_factory=CallSettings)
    dialing: DialingSettings = field(default_factory=DialingSettings)
    media: MediaSettings = field(default_factory=MediaSettings)
    turns: TurnSettings = field(default_factory=TurnSettings)

    @property
    def store_address(self) -> str:
        return self.store or f"sqlite:{self.data_dir / 'calls.db'}"


@dataclass(frozen=True, slots=True)
class Setting:
    """One effective value and where it came from."""

    name: str
    """Dotted: `calls.ring_timeout_sec`."""
    value: object
    source: str
    """`default`, `environment`, `command line`, or the file's path."""


ENV_PREFIX = "PATTER_"
FILE_NAME = "patter.toml"
_ROOMS: Mapping[str, Any] = {
    "calls": CallSettings,
    "dialing": DialingSettings,
    "media": MediaSettings,
    "turns": TurnSettings,
}


def load(
    flags: Mapping[str, object] | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    file: Path | None = None,
) -> tuple[Settings, list[Setting]]:
    """Settings from the command line, the environment, `patter.toml` and the defaults, in that order.

    Args:
        flags: Dotted names to values; None counts as not given.
        environ: Variables `PATTER_…`, e.g. `PATTER_CALLS_RING_TIMEOUT_SEC`.
        file: The file to read; without one `PATTER_CONFIG`, then `patter.toml` in the working directory, if there.

    Raises:
        ConfigError: an unknown name, a value of the wrong type, an unreadable file.
    """
    environ = os.environ if environ is None else environ
    chosen: dict[str, Setting] = {}
    for setting in (*_from_file(file, environ), *_from_environment(environ), *_from_flags(flags or {})):
        chosen[setting.name] = setting
    defaults = _flatten(Settings(data_dir=_data_dir(environ)))
    effective = [chosen.get(name, Setting(name, value, "default")) for name, value in defaults.items()]
    return _compose({setting.name: setting.value for setting in effective}), effective


def _data_dir(environ: Mapping[str, str]) -> Path:
    """The platform's place for a program's own data."""
    home = Path.home()
    if sys.platform == "win32":
        return Path(environ.get("LOCALAPPDATA", home / "AppData" / "Local")) / "patter-mcp"
    if sys.platform == "darwin":
        return home / "Library" / "Application Support" / "patter-mcp"
    return Path(environ.get("XDG_DATA_HOME", home / ".local" / "share")) / "patter-mcp"


def _flatten(settings: object, prefix: str = "") -> dict[str, object]:
    values: dict[str, object] = {}
    for part in fields(settings):  # pyright: ignore[reportArgumentType]
        value = getattr(settings, part.name)
        values |= _flatten(value, f"{part.name}.") if part.name in _ROOMS else {prefix + part.name: value}
    return values


def _compose(values: Mapping[str, object]) -> Settings:
    top: dict[str, Any] = {name: value for name, value in values.items() if "." not in name}
    for room, cls in _ROOMS.items():
        own = {name.removeprefix(f"{room}."): value for name, value in values.items() if name.startswith(f"{room}.")}
        top[room] = cls(**own)
    return Settings(**top)


def _from_file(file: Path | None, environ: Mapping[str, str]) -> list[Setting]:
    named = file or (Path(environ["PATTER_CONFIG"]) if environ.get("PATTER_CONFIG") else None)
    path = named or Path(FILE_NAME)
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        if named is None:
            return []
        raise ConfigError(f"There is no configuration file {path}.") from None
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"The configuration file {path} cannot be read: {error}") from error
    found: list[Setting] = []
    for name, value in data.items():
        room: dict[str, object] = value if name in _ROOMS and isinstance(value, dict) else {"": value}
        found += [_checked(f"{name}.{key}" if key else name, inner, str(path)) for key, inner in room.items()]
    return found


def _from_environment(environ: Mapping[str, str]) -> list[Setting]:
    known = {ENV_PREFIX + name.replace(".", "_").upper(): name for name in TYPES}
    found: list[Setting] = []
    for variable, text in environ.items():
        if not variable.startswith(ENV_PREFIX) or variable == "PATTER_CONFIG":
            continue
        if variable not in known:
            names = [name.removeprefix(ENV_PREFIX) for name in known]
            hint = _did_you_mean(variable.removeprefix(ENV_PREFIX), names, ENV_PREFIX)
            raise ConfigError(f"There is no setting {variable}.{hint}")
        found.append(_checked(known[variable], text, "environment", shown=variable))
    return found


def _from_flags(flags: Mapping[str, object]) -> list[Setting]:
    return [_checked(name, value, "command line") for name, value in flags.items() if value is not None]


def _checked(name: str, value: object, source: str, *, shown: str = "") -> Setting:
    """The value in its type; text is parsed, because the environment knows nothing else."""
    shown = shown or name
    if name not in TYPES:
        raise ConfigError(f"There is no setting {shown} ({source}).{_did_you_mean(name, TYPES)}")
    try:
        return Setting(name, _PARSERS[TYPES[name]](value), source)
    except (TypeError, ValueError):
        raise ConfigError(f"{shown} ({source}) must be {_WANTED[TYPES[name]]}, not {value!r}.") from None


def _did_you_mean(name: str, known: Iterable[str], prefix: str = "") -> str:
    close = difflib.get_close_matches(name, list(known), n=1)
    return f" Did you mean {prefix}{close[0]}?" if close else ""


def _flag(value: object) -> bool:
    if isinstance(value, bool):
        return value
    word = str(value).lower()
    if word not in ("true", "false", "1", "0", "yes", "no", "on", "off"):
        raise ValueError(word)
    return word in ("true", "1", "yes", "on")


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise TypeError(value)
    number = float(value)
    if not math.isfinite(number) or number < 0:
        raise ValueError(value)
    return number


def _whole(value: object) -> int:
    number = _number(value)
    if not number.is_integer():
        raise ValueError(value)
    return int(number)


def _path(value: object) -> Path:
    return Path(value if isinstance(value, Path) else _text(value)).expanduser()


def _paths(value: object) -> tuple[Path, ...]:
    many: Iterable[object] = value.split(os.pathsep) if isinstance(value, str) else value  # pyright: ignore[reportAssignmentType]
    return tuple(_path(one) for one in many)


def _texts(value: object) -> tuple[str, ...]:
    many: Iterable[object] = value.split(",") if isinstance(value, str) else value  # pyright: ignore[reportAssignmentType]
    return tuple(_text(one).strip() for one in many)


_PARSERS: Mapping[str, Callable[[object], object]] = {
    "str": _text,
    "str | None": _text,
    "int": _whole,
    "int | None": _whole,
    "float": _number,
    "float | None": _number,
    "bool": _flag,
    "Path": _path,
    "tuple[Path, ...]": _paths,
    "tuple[str, ...]": _texts,
}
_WANTED: Mapping[str, str] = {
    "str": "text",
    "str | None": "text",
    "int": "a whole number, 0 or more",
    "int | None": "a whole number, 0 or more",
    "float": "a number, 0 or more",
    "float | None": "a number, 0 or more",
    "bool": "true or false",
    "Path": "a path",
    "tuple[Path, ...]": "a list of paths",
    "tuple[str, ...]": "a list of texts",
}
TYPES: Mapping[str, str] = {
    **{part.name: str(part.type) for part in fields(Settings) if part.name not in _ROOMS},
    **{f"{room}.{part.name}": str(part.type) for room, cls in _ROOMS.items() for part in fields(cls)},
}
"""Every setting's dotted name, and its type as written above."""
