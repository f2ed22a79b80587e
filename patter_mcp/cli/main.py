"""Arguments in, an exit status out."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

from patter_mcp.config import Settings, load
from patter_mcp.contract import VERSION
from patter_mcp.errors import CallNotFound, CallRefused, PatterError
from patter_mcp.types import DEFAULT_MAX_DURATION_SEC

EXIT_ERROR = 1
EXIT_USAGE = 2

DEMO_NUMBER = "+12025550100"
SCHEMA_FORMATS = ["mcp", "openai", "anthropic", "hermes"]
CLIENTS = ["claude-code", "claude-desktop", "cursor", "vscode"]

EPILOG = """\
exit status of `call` and `demo`: 0 completed, 3 no answer, 4 busy, 5 failed, 6 timeout;
of every command: 1 something is missing or broken, 2 bad arguments or a call that was refused.
Settings come from these options, PATTER_… variables, patter.toml and defaults, in that order."""


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Runs one command and exits."""
    options = _parser().parse_args(arguments)
    try:
        settings, effective = load(_flags(options), file=options.config_file)
        options.effective = effective
        status = _late(options.run)(options, settings)
        sys.stdout.flush()
    except (CallRefused, CallNotFound) as error:
        print(f"patter-mcp: {error.message}", file=sys.stderr)  # noqa: T201
        status = EXIT_USAGE
    except PatterError as error:
        print(f"patter-mcp: {error.message}", file=sys.stderr)  # noqa: T201
        status = EXIT_ERROR
    except KeyboardInterrupt:
        status = 130
    except BrokenPipeError:
        # Who read along has seen enough: `| head`. What is still buffered goes nowhere at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 0
    sys.exit(status)


def _late(target: str) -> Callable[[argparse.Namespace, Settings], int]:
    """The function behind a command, imported now: a server that is only looked at should not pay for calls."""
    module_name, _, function_name = target.partition(":")
    return getattr(importlib.import_module(f"{__package__}.{module_name}"), function_name)


_SETTINGS = {
    "carrier": "who carries the call: twilio, sandbox",
    "phone_number": "our own number, E.164",
    "engine": "pipeline (stt, llm and tts) or openai (Realtime); /MODEL picks a model",
    "stt": "speech-to-text: deepgram, openai, pocketsphinx; /MODEL picks a model",
    "llm": "language model: openai, anthropic, groq, cerebras, google, rules; /MODEL picks a model",
    "tts": "text-to-speech: elevenlabs, openai, deepgram, cartesia, espeak; /MODEL picks a model",
    "app": "an agent of your own, with its tools, guardrails and hooks: module:name or /path/to/file.py:name",
    "language": "BCP-47, e.g. en",
    "voice": "the voice provider's name for it",
    "store": "where calls are kept: sqlite:/path, memory:",
    "scenario_dirs": "directories with sandbox scenarios of your own, separated as in PATH",
    "log_level": "debug, info, warning, error",
}


def _flags(options: argparse.Namespace) -> dict[str, object]:
    return {name: getattr(options, name, None) for name in _SETTINGS}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="patter-mcp",
        description="Phone calls for AI clients. Without an account it calls simulated people: no phone rings.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"patter-mcp {VERSION}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    serve = _command(commands, "serve", "serving:serve", "serve MCP on stdin and stdout")
    serve.add_argument("--transport", choices=["stdio"], default="stdio")

    call = _command(commands, "call", "calling:call", "place one call and follow it")
    call.add_argument("to", metavar="TO", help="number to call, E.164, e.g. +12025550100")
    call.add_argument("--goal", default="", help="what the call is to achieve")
    call.add_argument("--first-message", default="", help="first thing said when somebody answers")
    call.add_argument("--max-duration-sec", type=_seconds, default=DEFAULT_MAX_DURATION_SEC)
    call.add_argument("--json", action="store_true", help="print the envelope and nothing else to stdout")

    demo = _command(commands, "demo", "calling:demo", "hear a whole simulated call, with no account and no key")
    demo.add_argument("to", metavar="TO", nargs="?", default=DEMO_NUMBER, help="which simulated person")

    schema = _command(commands, "schema", "looking:schema", "print the tool's schema for an agent framework")
    schema.add_argument("--format", choices=SCHEMA_FORMATS, default="mcp")

    calls = _command(commands, "calls", None, "look at calls")
    looks = calls.add_subparsers(required=True, metavar="list|show")
    listing = _command(looks, "list", "looking:list_calls", "the latest calls")
    listing.add_argument("--limit", type=_count, default=20, help="how many, 20 if not given")
    listing.add_argument("--json", action="store_true")
    show = _command(looks, "show", "looking:show_call", "one call, with its transcript")
    show.add_argument("call_id", metavar="ID")
    show.add_argument("--json", action="store_true", help="print the envelope")

    scenarios = _command(
        commands, "scenarios", "looking:scenarios", "list the simulated people, or check files of yours"
    )
    scenarios.add_argument("files", nargs="*", type=Path, metavar="FILE", help="scenario files, or directories of them")

    config = _command(
        commands,
        "config",
        "looking:show_config",
        "print the settings in force, where each comes from, and what calls lack",
    )
    config.add_argument("--show", action="store_true", help="the default")
    config.add_argument("--client", choices=CLIENTS, help="print what this MCP client has to be told instead")
    return parser


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text} is not a whole number")
    return int(text)


def _seconds(text: str) -> float:
    """How many, and of what kind, is for `check_request` to judge."""
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text} is not a number of seconds") from None


def _command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],  # pyright: ignore[reportPrivateUsage]
    name: str,
    run: str | None,
    about: str,
) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=about, description=about[0].upper() + about[1:] + ".")
    if run is None:
        return parser
    parser.set_defaults(run=run)
    settings = parser.add_argument_group("settings")
    settings.add_argument("--config-file", type=Path, metavar="FILE", help="instead of ./patter.toml")
    for setting, help_text in _SETTINGS.items():
        settings.add_argument(f"--{setting.replace('_', '-')}", metavar="X", help=help_text)
    return parser
