"""Scenario files: what is wrong is said with file, key and remedy; what is right is what the manual says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from virtual_phone import Phone, write_scenario

from patter_mcp.errors import ConfigError
from patter_mcp.sandbox.callee import listened_phrases, spoken_lines
from patter_mcp.sandbox.scenario import Listen, Say
from patter_mcp.sandbox.scenario_file import BUILT_IN, load_scenario, load_scenarios, validate

MANUAL = (BUILT_IN / "README.md").read_text(encoding="utf-8")
SAY = '[[step]]\nsay = "Hi."\n'


def problems_of(directory: Path, text: str) -> str:
    path = write_scenario(directory, text)
    problems = validate(path)
    assert all(problem.startswith(f"{path}: ") for problem in problems)
    return "\n".join(problem.removeprefix(f"{path}: ") for problem in problems)


def test_the_built_in_scenarios_are_valid_and_have_their_numbers() -> None:
    assert list(load_scenarios()) == [f"+120255501{n:02}" for n in range(10)]


def test_the_example_of_the_manual_is_a_valid_scenario(tmp_path: Path) -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", MANUAL, re.DOTALL)
    assert problems_of(tmp_path, example) == ""
    phone = Phone(load_scenario(tmp_path / "scenario.toml"))
    phone.answer_each(["is my phone ready", "four two one", "", "and how much is it"])
    phone.until_ended()
    assert phone.said[1:] == [
        "Okay. What is your order number please?",
        "One moment please.",
        "Yes, your phone is ready. We are open until five o'clock.",
        "It is forty dollars.",
        "You are welcome. Goodbye.",
    ]


STEPS = [
    'say = "x"', "listen = true", "beep = true", "silence_sec = 1", 'expect_digits = { "1" = "start" }',
    'press_keys = "1"', 'hand_over = "person"', 'goto = "start"', "hang_up = true", "drop = true",
]  # fmt: skip


def test_the_reader_knows_the_keys_of_the_manual_and_no_others(tmp_path: Path) -> None:
    heads = ["", *(f"[[step]]\n{step}\n" for step in STEPS), "[expect]\n", "[example]\n", '[[reply]]\nwhen = ["x"]\n']
    complaints = problems_of(tmp_path, "\n".join(f"{head}xyz = 1" for head in heads))
    known = {key for keys in re.findall(r"known here: (.*)", complaints) for key in keys.split(", ")}
    in_tables = set(re.findall(r"^\| (?:— )?`(\w+)", MANUAL, re.MULTILINE))
    in_prose = {key for key in known - in_tables if f"`{key}" in MANUAL or f"[{key}" in MANUAL}
    assert complaints.count("known here") == len(heads)
    assert in_tables | in_prose == known


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("number = 5", "`number` must be a text in quotes"),
        ('number = "+12025550200"\ntitle = "x"\n' + SAY, "+12025550100 to +12025550199"),
        ('number = "+12025550100"\n' + SAY, '`title` is missing; add title = "'),
        (SAY + 'bye = "x"', "step 1: unknown key `bye`"),
        ('greting = "Hi."\n' + SAY, "unknown key `greting` (did you mean greeting?)"),
        ('voice = ""\n' + SAY, "`voice` must be a text in quotes"),
        ("ring_sec = 61\n" + SAY, "`ring_sec` must be a number from 0 to 60, without quotes"),
        ('ring_sec = "2"\n' + SAY, "`ring_sec` must be a number"),
        ("words_per_minute = true\n" + SAY, "`words_per_minute` must be a number"),
        ('callee = "machin"\n' + SAY, "`callee` must be one of person, machine (did you mean machine?)"),
        ('answer = "maybe"\n' + SAY, "`answer` must be one of answers, busy"),
        ('answer = "busy"\n' + SAY, "greeting, steps and replies must go"),
        ("", "nothing happens in this call"),
        ("[[step]]\n", "step 1: a step does exactly one thing, this one has none; choose one of: say, listen"),
        ('[[step]]\nsay = "x"\nlisten = true', "has say and listen"),
        ("[[step]]\nlisten = false", "`listen` can only be listen = true"),
        ("[[step]]\nlisten = []", "`listen` must be a list of texts"),
        ('[[step]]\nlisten = "x"', "`listen` must be a list of texts"),
        ("[[step]]\nlisten = [1]", "`listen` must be a list of texts"),
        ("[[step]]\nbeep = 3", "`beep` can only be beep = true"),
        ("[[step]]\nexpect_digits = {}", "`expect_digits` must lead from digits to scenes"),
        ('[[step]]\nexpect_digits = { "x" = "start" }', "`expect_digits` has 'x'; keys are 0-9"),
        ('[[step]]\npress_keys = "12x"', "`press_keys` must hold keys only"),
        ('[[step]]\ngoto = "nowhere"', "there is no scene `nowhere`; add [[scene.nowhere]]"),
        (SAY + '[[scene.lost]]\nsay = "x"', "scene `lost` is never gone to"),
        ('[[step]]\ngoto = "start"\n' + SAY, "step 2 is never reached, because step 1 leads away"),
        ('[scene]\nstart = [{ say = "x" }]', "the steps of scene `start` are written as [[step]]"),
        ('[scene.x]\nsay = "x"\n' + SAY, "`x` must be written as one [[scene.x]] block for each entry"),
        ('scene = 3\n' + SAY, "`scene` must be a table"),
        ('step = "x"', "`step` must be written as one [[step]] block for each entry"),
        (SAY + '[[reply]]\nsay = "x"', "reply 1: `when` is missing"),
        (SAY + '[[reply]]\nwhen = ["x"]\nhang_up = true\ngoto = "start"', "`goto` and `hang_up` exclude each other"),
        (SAY + '[[reply]]\nwhen = ["x"]\nin = ["y"]', "there is no scene `y`"),
        (SAY + "[example]\n", "[example]: `goal` is missing"),
        (SAY + '[expect]\nstatus = "done"', "[expect]: `status` must be one of completed"),
        (f'greeting = "{"x" * 501}"\n', "`greeting` has 501 characters; 500 are allowed"),
        ("number = ", "not a TOML file"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_key_and_remedy(tmp_path: Path, text: str, complaint: str) -> None:
    assert complaint in problems_of(tmp_path, text)


def test_what_is_wrong_is_said_with_its_line(tmp_path: Path) -> None:
    text = """\
        number = "+12025550150"
        title = "A shop"
        greting = "Hi."

        [expect]
        heard = "x"

        [[step]]
        say = "Hi."

        [[step]] # the second
        liste = true

        [[scene.shop]]
        say = '''
        [[step]]
        voice = 1
        '''
        tries = 2
        [[reply]]
        say = "No."
        """
    assert sorted(complaint.split(";")[0] for complaint in problems_of(tmp_path, text).splitlines()) == [
        "line 11, step 2: a step does exactly one thing, this one has none (did you mean listen?)",
        "line 19, scene shop, step 1: unknown key `tries`",
        "line 20, reply 1: `when` is missing",
        "line 3: unknown key `greting` (did you mean greeting?)",
        'line 6, [expect]: `heard` must be a list of texts, such as heard = ["first", "second"], and not empty',
        "scene `shop` is never gone to",
    ]


def test_a_table_written_inline_is_complained_about_without_a_line(tmp_path: Path) -> None:
    assert problems_of(tmp_path, 'step = [{ say = "x", bye = 1 }]').startswith("step 1: unknown key `bye`")


def test_all_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    text = "ring_sec = -1\nbye = 1\n[[step]]\nsay = 1\n[[step]]\nlisten = 2\n"
    assert problems_of(tmp_path, text).count("\n") == 3


def test_a_file_that_is_not_there_or_not_text_is_said_to_be(tmp_path: Path) -> None:
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe")
    assert "cannot be read" in validate(tmp_path / "none.toml")[0]
    assert "not a TOML file" in validate(tmp_path / "binary.toml")[0]


def test_a_directory_adds_scenarios_and_replaces_built_in_ones(tmp_path: Path) -> None:
    write_scenario(tmp_path, SAY, "new.toml")
    write_scenario(tmp_path, 'number = "+12025550100"\ntitle = "Mine"\n' + SAY, "barber.toml")
    (tmp_path / "notes.txt").write_text("not a scenario")
    scenarios = load_scenarios([tmp_path])
    assert scenarios["+12025550150"].title == "A test"
    assert scenarios["+12025550100"].title == "Mine"
    assert len(scenarios) == 11


def test_two_files_of_one_directory_with_one_number_are_refused(tmp_path: Path) -> None:
    write_scenario(tmp_path, SAY, "a.toml")
    write_scenario(tmp_path, SAY, "b.toml")
    with pytest.raises(ConfigError, match=r"b\.toml: `number` is that of a\.toml too"):
        load_scenarios([tmp_path])


def test_a_missing_directory_and_a_broken_file_are_all_reported(tmp_path: Path) -> None:
    write_scenario(tmp_path, "", "a.toml")
    with pytest.raises(ConfigError, match=r"(?s)a\.toml: nothing happens.*nowhere: there is no such directory"):
        load_scenarios([tmp_path, tmp_path / "nowhere"])
    with pytest.raises(ConfigError, match="nothing happens"):
        load_scenario(tmp_path / "a.toml")


def test_defaults_are_those_of_the_manual(tmp_path: Path) -> None:
    scenario = load_scenario(write_scenario(tmp_path, SAY + '[[step]]\nlisten = true\n[[step]]\nsay = "Hi."'))
    assert (scenario.ring_sec, scenario.words_per_minute, scenario.closing) == (2.0, 160, "Okay. Bye.")
    assert (scenario.callee, scenario.voice, scenario.hang_up_after_sec) == ("person", "en-us", 180)
    say, listen, _ = scenario.steps
    assert say == Say(text="Hi.")
    assert isinstance(listen, Listen)
    assert (listen.tries, listen.quiet_ms, listen.max_wait_sec, listen.if_silent) == (1, 900, 8, None)


def test_all_that_may_be_said_and_heard_is_known_beforehand() -> None:
    for scenario in load_scenarios().values():
        spoken = {line.text for line in spoken_lines(scenario)}
        assert spoken >= {step.text for step in scenario.steps if isinstance(step, Say)}
        assert spoken >= {reply.say for reply in scenario.replies if reply.say}
        assert set(listened_phrases(scenario)) >= {phrase for reply in scenario.replies for phrase in reply.phrases}


TOML_VALUES = st.recursive(
    st.integers(-5, 500).map(str) | st.sampled_from(["true", '""', '"start"', '"machine"', '"+12025550150"', "1.5"]),
    lambda inner: st.lists(inner, max_size=2).map(lambda items: f"[{', '.join(items)}]"),
    max_leaves=3,
)
KEYS = st.sampled_from(
    ["number", "title", "answer", "callee", "greeting", "say", "listen", "goto", "beep", "when", "in", "hang_up",
     "drop", "expect_digits", "wrong", "hand_over", "silence_sec", "quiet_ms", "step", "scene", "reply", "expect"]
)  # fmt: skip
HEADS = st.sampled_from(["", "[[step]]", "[[reply]]", "[[scene.a]]", "[expect]", "[example]"])


@given(blocks=st.lists(st.tuples(HEADS, st.dictionaries(KEYS, TOML_VALUES, max_size=3)), max_size=5))
def test_no_file_upsets_the_reader(
    tmp_path_factory: pytest.TempPathFactory, blocks: list[tuple[str, dict[str, str]]]
) -> None:
    text = "\n".join(
        f"{head}\n" + "\n".join(f"{key} = {value}" for key, value in values.items()) for head, values in blocks
    )
    path = write_scenario(tmp_path_factory.getbasetemp(), text)
    assert all(problem.startswith(f"{path}: ") for problem in validate(path))
