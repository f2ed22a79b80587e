"""Fake language model vendors: real servers on 127.0.0.1 that speak each vendor's streaming format.

    async with FakeOpenAI("Hello.", first_token_sec=0.2, token_sec=0.02) as server:
        model = OpenAILLM(api_key="any", base_url=server.base_url)

A script may hold plain text, a `Reply` (tool calls, usage, a `Fault` on the way), a `Failure` (an error status), or
a function of the request. `server.requests` has what came in; `request.abandoned` is set when the client went away
before the end. They refuse what the vendor would refuse.
"""

from patter_mcp.testing.llm.anthropic import FakeAnthropic
from patter_mcp.testing.llm.google import FakeGoogle
from patter_mcp.testing.llm.http import Request
from patter_mcp.testing.llm.openai import FakeCerebras, FakeGroq, FakeOpenAI
from patter_mcp.testing.llm.script import Failure, FakeLlmServer, Fault, Reply, ScriptedCall, Tokens

__all__ = [
    "Failure",
    "FakeAnthropic",
    "FakeCerebras",
    "FakeGoogle",
    "FakeGroq",
    "FakeLlmServer",
    "FakeOpenAI",
    "Fault",
    "Reply",
    "Request",
    "ScriptedCall",
    "Tokens",
]
