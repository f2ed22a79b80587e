"""The least a turn can cost: from the carrier to one vendor after the other and back, and nothing else.

No voice detector, no interruptions, no pacing, no books, and nobody who notices if a vendor fails. Run by
`tests.benchmarks`, in the place of the system under test.
"""

from __future__ import annotations

import asyncio
import json
import sys
from base64 import b64decode
from contextlib import suppress
from itertools import count
from urllib.parse import urlsplit

import anyio
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from patter_mcp.cli.process import loop_options
from tests.benchmarks.process import answer_commands, settle_down, usage

EARS = "/v1/listen?encoding=mulaw&sample_rate=8000&endpointing=300&interim_results=true"
VOICE = "/v1/text-to-speech/any/multi-stream-input?output_format=ulaw_8000&auto_mode=true"
GREETING = "Good afternoon."
LEAST_CHARS = 12
"""A first clause as short as those we speak."""


class Call:
    def __init__(self, carrier: ServerConnection, stream_id: str, ears: ClientConnection, voice: ClientConnection):
        self._carrier = carrier
        self._stream_id = stream_id
        self._ears = ears
        self._voice = voice
        self._replies = count()

    async def listen(self) -> None:
        async for message in self._carrier:
            data = json.loads(message)
            if data["event"] == "media":
                await self._ears.send(b64decode(data["media"]["payload"]))

    async def think(self, llm_url: str) -> None:
        url = urlsplit(llm_url)
        reader, writer = await asyncio.open_connection(url.hostname, url.port)
        head = f"POST {url.path}/chat/completions HTTP/1.1\r\nhost: {url.netloc}\r\nauthorization: Bearer any\r\n"
        async for message in self._ears:
            data = json.loads(message)
            if not data.get("speech_final"):
                continue
            words = data["channel"]["alternatives"][0]["transcript"]
            asked = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": words}], "stream": True}
            body = json.dumps(asked)
            writer.write(f"{head}content-length: {len(body)}\r\n\r\n{body}".encode())
            await self._answer(reader)

    async def _answer(self, reader: asyncio.StreamReader) -> None:
        key, text, first = self._key(), "", True
        while (line := await reader.readline()) != b"data: [DONE]\n":
            if not line.startswith(b"data: "):
                continue  # HTTP's own
            text += json.loads(line[6:])["choices"][0]["delta"].get("content") or ""
            if first and len(text) > LEAST_CHARS and text.endswith(","):
                await self.say(text, key)
                text, first = "", False
        await self.say(text, key)
        await self._voice.send(json.dumps({"context_id": key, "close_context": True}))
        await reader.readuntil(b"0\r\n\r\n")

    async def greet(self) -> None:
        await self.say(GREETING, self._key())

    def _key(self) -> str:
        return f"reply {next(self._replies)}"

    async def say(self, text: str, key: str) -> None:
        await self._voice.send(json.dumps({"text": f"{text} ", "context_id": key, "flush": True}))

    async def speak(self) -> None:
        async for message in self._voice:
            if audio := json.loads(message).get("audio"):
                media = {"event": "media", "streamSid": self._stream_id, "media": {"payload": audio}}
                await self._carrier.send(json.dumps(media))


class Bare:
    def __init__(self, speech_url: str, llm_url: str) -> None:
        self._speech_url = speech_url.replace("http", "ws", 1)
        self._llm_url = llm_url
        self.port = 0

    async def address(self) -> dict[str, int]:
        return {"port": self.port}

    async def usage(self) -> dict[str, float]:
        return usage()

    async def carry(self, carrier: ServerConnection) -> None:
        await carrier.recv()
        stream_id: str = json.loads(await carrier.recv())["streamSid"]
        key = {"xi-api-key": "any", "authorization": "Token any"}
        async with (
            connect(self._speech_url + EARS, additional_headers=key, compression=None) as ears,
            connect(self._speech_url + VOICE, additional_headers=key, compression=None) as voice,
            anyio.create_task_group() as tasks,
        ):
            call = Call(carrier, stream_id, ears, voice)
            tasks.start_soon(call.think, self._llm_url)
            tasks.start_soon(call.speak)
            await call.greet()
            with suppress(ConnectionClosed):
                await call.listen()
            tasks.cancel_scope.cancel()


async def main(speech_url: str, llm_url: str) -> None:
    bare = Bare(speech_url, llm_url)
    async with serve(bare.carry, "127.0.0.1", 0, compression=None, ping_interval=None) as server:
        bare.port = next(iter(server.sockets)).getsockname()[1]
        await answer_commands(bare)


if __name__ == "__main__":
    settle_down(int(sys.argv[1]))
    anyio.run(main, sys.argv[2], sys.argv[3], backend_options=loop_options())
