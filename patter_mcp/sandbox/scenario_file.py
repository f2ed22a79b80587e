"""Scenario files: TOML to `Scenario`, with complaints a person can act on.

The format is described for its users in `scenarios/README.md`; keep the two in step.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import get_args

from patter_mcp.errors import ConfigError
from patter_mcp.sandbox.lines import Lines
from patter_mcp.sandbox.scenario import (
    START,
    Answer,
    Callee,
    Drop,
    Example,
    Expectation,
    ExpectDigits,
    GoTo,
    HandOver,
    HangUp,
    Listen,
    PlayBeep,
    PressKeys,
    Reply,
    Say,
    Scenario,
    StaySilent,
    Step,
)
from patter_mcp.sandbox.table import Table
from patter_mcp.types import AnsweredBy, CallStatus, GoalMet

BUILT_IN = Path(__file__).parent / "scenarios"

SANDBOX_NUMBER = re.compile(r"\+120255501\d\d")
"""Numbers of the sandbox: reserved for fiction, so that none of them can ever be somebody's."""

DEFAULT_PROMPT = "Sorry, could you say that again?"

_ANSWERS: tuple[Answer, ...] = get_args(Answer)
_CALLEES: tuple[Callee, ...] = get_args(Callee)
_STATUSES: tuple[CallStatus, ...] = get_args(CallStatus)
_GOALS_MET: tuple[GoalMet, ...] = get_args(GoalMet)
_ANSWERED_BY: tuple[AnsweredBy, ...] = get_args(AnsweredBy)

_KEYS = re.compile(r"[0-9*#A-D]+")
_LAST = (GoTo, ExpectDigits, HangUp, Drop)
"""Nothing in the same scene comes after these."""


def validate(path: str | Path) -> list[str]:
    """What is wrong with a scenario file, one sentence each, beginning with the file's name; empty when it is fine."""
    return _read(Path(path))[1]


def load_scenario(path: str | Path) -> Scenario:
    """Raises:
    ConfigError: the file cannot be read; the message lists all that is wrong with it.
    """
    scenario, problems = _read(Path(path))
    if scenario is None:
        raise ConfigError("\n".join(problems))
    return scenario


def load_scenarios(dirs: Iterable[str | Path] = ()) -> dict[str, Scenario]:
    """The scenarios built in and those of the directories, by number; a later directory replaces an earlier one's.

    Raises:
        ConfigError: a directory or a file cannot be read, or two files of one directory have the same number.
    """
    problems: list[str] = []
    scenarios: dict[str, Scenario] = {}
    for directory in (BUILT_IN, *map(Path, dirs)):
        scenarios |= _read_directory(directory, problems)
    if problems:
        raise ConfigError("\n".join(problems))
    return dict(sorted(scenarios.items()))


def _read_directory(directory: Path, problems: list[str]) -> dict[str, Scenario]:
    if not directory.is_dir():
        why = "is a file; name the directory it is in" if directory.is_file() else "there is no such directory"
        problems.append(f"{directory}: {why}")
        return {}
    found: dict[str, Scenario] = {}
    for path in sorted(directory.glob("*.toml")):
        scenario, wrong = _read(path)
        problems += wrong
        if scenario is None:
            continue
        if scenario.number in found:
            other = found[scenario.number].path.name
            problems.append(f"{path}: `number` is that of {other} too; give each scenario its own")
        found[scenario.number] = scenario
    return found


def _read(path: Path) -> tuple[Scenario | None, list[str]]:
    """The scenario, or None and why not."""
    problems: list[str] = []
    try:
        text = path.read_text(encoding="utf-8")
        values = tomllib.loads(text)
    except OSError as error:
        return None, [f"{path}: cannot be read: {error.strerror}"]
    except ValueError as error:  # TOML and UTF-8 alike
        return None, [f"{path}: not a TOML file: {error}"]
    scenario = _scenario(path, Table(values, problems, Lines(text)))
    if problems:
        return None, [f"{path}: {problem}" for problem in problems]
    return scenario, []


def _scenario(path: Path, top: Table) -> Scenario:
    scenario = Scenario(
        path=path,
        number=_number(top),
        title=top.needed_text("title", "A barber shop"),
        answer=top.choice("answer", _ANSWERS) or "answers",
        ring_sec=top.number("ring_sec", 2.0, 0, 60),
        callee=top.choice("callee", _CALLEES) or "person",
        voice=top.text("voice", "en-us"),
        words_per_minute=int(top.number("words_per_minute", 160, 80, 300)),
        greeting=top.text("greeting"),
        closing=top.text("closing", "Okay. Bye."),
        hang_up_after_sec=top.number("hang_up_after_sec", 180, 1, 600),
        scenes=_scenes(top),
        replies=tuple(_reply(table) for table in top.tables("reply", "reply", "reply")),
        example=_example(top.table("example")),
        expect=_expectation(top.table("expect")),
    )
    top.finish()
    _check_course(scenario, top)
    return scenario


def _number(top: Table) -> str:
    number = top.needed_text("number", "+12025550150")
    if number and not SANDBOX_NUMBER.fullmatch(number):
        top.complain("`number` must be one of the sandbox's: +12025550100 to +12025550199", "number")
    return number


def _scenes(top: Table) -> dict[str, tuple[Step, ...]]:
    scenes = {START: _steps(top.tables("step", "step", "step"))}
    named = top.table("scene")
    for name in _names(top.value("scene")):
        assert named is not None
        if name == START:
            named.complain(f"the steps of scene `{START}` are written as [[step]]")
        scenes[name] = _steps(named.tables(name, f"scene {name}, step", f"scene.{name}"))
    return scenes


def _names(tables: object) -> Sequence[str]:
    return list(tables) if isinstance(tables, Mapping) else ()


def _steps(tables: Iterable[Table]) -> tuple[Step, ...]:
    steps = (_step(table) for table in tables)
    return tuple(step for step in steps if step is not None)


def _step(table: Table) -> Step | None:
    actions = [name for name in _ACTIONS if name in table]
    if len(actions) != 1:
        found = f"has {' and '.join(actions)}" if actions else f"has none{table.slip_for(list(_ACTIONS))}"
        table.complain(f"a step does exactly one thing, this one {found}; choose one of: {', '.join(_ACTIONS)}")
        return None
    step = _ACTIONS[actions[0]](table)
    table.finish()
    return step


def _say(table: Table) -> Say:
    return Say(
        text=table.text("say"),
        interrupt_after_ms=_milliseconds(table, "interrupt_after_ms", 0, 30_000),
        cut_after_ms=_milliseconds(table, "cut_after_ms", 100, 30_000),
    )


def _listen(table: Table) -> Listen:
    if isinstance(table.value("listen"), bool):
        phrases = ()
        table.flag("listen")
    else:
        phrases = table.texts("listen")
    return Listen(
        phrases=phrases,
        prompt=table.text("prompt", DEFAULT_PROMPT),
        tries=int(table.number("tries", 1, 0, 10)),
        quiet_ms=int(table.number("quiet_ms", 900, 300, 10_000)),
        max_wait_sec=table.number("max_wait_sec", 8, 0.5, 120),
        if_silent=_scene_name(table, "if_silent"),
    )


def _beep(table: Table) -> PlayBeep:
    table.flag("beep")
    return PlayBeep(
        frequency_hz=int(table.number("frequency_hz", 1000, 400, 2200)),
        duration_ms=int(table.number("duration_ms", 400, 200, 2000)),
    )


def _silence(table: Table) -> StaySilent:
    return StaySilent(sec=table.number("silence_sec", 1, 0, 300))


def _expect_digits(table: Table) -> ExpectDigits:
    given: object = table.value("expect_digits")
    scenes: dict[str, str] = {}
    if isinstance(given, dict) and given and all(isinstance(scene, str) for scene in given.values()):
        scenes = {str(digits): str(scene) for digits, scene in given.items()}
    else:
        table.complain(
            '`expect_digits` must lead from digits to scenes: expect_digits = {"1" = "sales", "2" = "desk"}',
            "expect_digits",
        )
    for digits in scenes:
        if not _KEYS.fullmatch(digits):
            table.complain(f"`expect_digits` has {digits!r}; keys are 0-9, *, # and A-D", "expect_digits")
    return ExpectDigits(
        scenes=scenes,
        wait_sec=table.number("wait_sec", 8, 1, 60),
        wrong=_scene_name(table, "wrong"),
        nothing=_scene_name(table, "nothing"),
    )


def _press_keys(table: Table) -> PressKeys:
    digits = table.text("press_keys")
    if digits and not _KEYS.fullmatch(digits):
        table.complain("`press_keys` must hold keys only: 0-9, *, # and A-D", "press_keys")
    return PressKeys(digits=digits)


def _hand_over(table: Table) -> HandOver:
    return HandOver(to=table.choice("hand_over", _CALLEES) or "person", voice=table.text("voice") or None)


def _goto(table: Table) -> GoTo:
    return GoTo(scene=table.text("goto"))


def _hang_up(table: Table) -> HangUp:
    table.flag("hang_up")
    return HangUp(linger_sec=table.optional_number("linger_sec", 0, 60))


def _drop(table: Table) -> Drop:
    table.flag("drop")
    return Drop()


_ACTIONS: dict[str, Callable[[Table], Step]] = {
    "say": _say,
    "listen": _listen,
    "beep": _beep,
    "silence_sec": _silence,
    "expect_digits": _expect_digits,
    "press_keys": _press_keys,
    "hand_over": _hand_over,
    "goto": _goto,
    "hang_up": _hang_up,
    "drop": _drop,
}


def _scene_name(table: Table, key: str) -> str | None:
    return table.text(key) or None


def _milliseconds(table: Table, key: str, low: int, high: int) -> int | None:
    value = table.optional_number(key, low, high)
    return None if value is None else int(value)


def _reply(table: Table) -> Reply:
    reply = Reply(
        phrases=table.texts("when"),
        unless=table.texts("unless"),
        at_end=table.flag("at_end"),
        say=table.text("say"),
        again=table.flag("again"),
        wait_sec=table.number("wait_sec", 0, 0, 120),
        goto=_scene_name(table, "goto"),
        hang_up=table.flag("hang_up"),
        times=int(table.number("times", 3, 1, 100)),
        scenes=frozenset(table.texts("in")),
    )
    if "when" not in table:
        table.complain('`when` is missing; add when = ["what is your name", "who is this"]', "when")
    for one, other in (("goto", "hang_up"), ("say", "again")):
        if one in table and other in table:
            table.complain(f"`{one}` and `{other}` exclude each other; keep one")
    table.finish()
    return reply


def _example(table: Table | None) -> Example | None:
    if table is None:
        return None
    example = Example(
        goal=table.needed_text("goal", "Book a haircut for tomorrow at four."),
        first_message=table.text("first_message"),
    )
    table.finish()
    return example


def _expectation(table: Table | None) -> Expectation:
    if table is None:
        return Expectation()
    expectation = Expectation(
        status=table.choice("status", _STATUSES),
        goal_met=table.choice("goal_met", _GOALS_MET),
        answered_by=table.choice("answered_by", _ANSWERED_BY),
        heard=table.texts("heard"),
    )
    table.finish()
    return expectation


def _check_course(scenario: Scenario, top: Table) -> None:
    """What no single key shows: scenes that do not exist, steps nobody reaches."""
    if scenario.answer != "answers":
        if scenario.steps or scenario.greeting or scenario.replies:
            top.complain(f'nobody answers (answer = "{scenario.answer}"), so greeting, steps and replies must go')
        return
    if not scenario.steps and not scenario.greeting:
        top.complain("nothing happens in this call; add a `greeting` or a [[step]]")
    for name, steps in scenario.scenes.items():
        for position, step in enumerate(steps, 1):
            if isinstance(step, _LAST) and position < len(steps):
                top.complain(f"scene {name}: step {position + 1} is never reached, because step {position} leads away")
    named = _named_scenes(scenario)
    for missing in sorted(named - scenario.scenes.keys()):
        top.complain(f"there is no scene `{missing}`; add [[scene.{missing}]] blocks or correct the name")
    for unused in sorted(scenario.scenes.keys() - named - {START}):
        top.complain(f'scene `{unused}` is never gone to; add a goto = "{unused}" or remove it')


def _named_scenes(scenario: Scenario) -> set[str]:
    names = {name for reply in scenario.replies for name in (reply.goto, *reply.scenes) if name}
    for step in scenario.steps:
        names.update(filter(None, _leads_to(step)))
    return names


def _leads_to(step: Step) -> Iterable[str | None]:
    match step:
        case GoTo(scene=scene):
            return (scene,)
        case Listen(if_silent=scene):
            return (scene,)
        case ExpectDigits(scenes=scenes, wrong=wrong, nothing=nothing):
            return (*scenes.values(), wrong, nothing)
        case _:
            return ()
