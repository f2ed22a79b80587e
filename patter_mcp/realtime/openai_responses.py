"""OpenAI's responses in one call, as far as they are wanted or under way. No I/O.

The vendor makes one at a time for the conversation and begins some by itself: what we ask for waits for its turn.
Which is whose it tells by the metadata we sent along; where it leaves that out, by the order of things.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field

from patter_mcp.realtime.base import ToolCall
from patter_mcp.types import Json


@dataclass(frozen=True, slots=True)
class Ask:
    """A response of ours: its name, and how it is asked for."""

    name: str
    wanted: Json


@dataclass(slots=True)
class Response:
    """One that is being made."""

    name: str
    aside: bool
    words: dict[str, str] = field(default_factory=dict[str, str])
    """What each of its pieces of speech says so far, by item."""
    audio_bytes: int = 0
    _calls: dict[str, ToolCall] = field(default_factory=dict[str, ToolCall])

    def add_call(self, item: str, call: str, name: str, arguments: str) -> None:
        """It is told of piece by piece; what is known of it stays."""
        known = self._calls.get(item)
        if known is not None:
            call, name, arguments = call or known.call, name or known.name, arguments or known.arguments
        self._calls[item] = ToolCall(item=item, call=call, name=name, arguments=arguments)

    @property
    def calls(self) -> Sequence[ToolCall]:
        return list(self._calls.values())


class Responses:
    """One connection's, but for those that are still wanted when it breaks: they are for the next one."""

    def __init__(self) -> None:
        self._wanted: deque[Ask] = deque()
        self._gives_metadata_back = False
        self.tells_apart = False
        """The vendor gives our metadata back, and says which responses are part of the conversation."""
        self.reset()

    def reset(self) -> None:
        self._asked: Ask | None = None
        """Asked for, and not begun."""
        self._active: str | None = None
        """The vendor's id of the one being made for the conversation."""
        self._under_way: dict[str, Response] = {}
        self._asides: set[str] = set()
        self._unwanted: set[str] = set()
        """Asked for, and cancelled before they began."""
        self._own_due = False
        """The user's turn is over: the next one is begun by the vendor itself."""

    # What we want.

    def want(self, ask: Ask) -> None:
        self._wanted.append(ask)

    def want_aside(self, name: str) -> None:
        self._asides.add(name)

    def next(self) -> Ask | None:
        """The one to be asked for now."""
        if not self._wanted or self._asked is not None or self._active is not None:
            return None
        self._asked = self._wanted.popleft()
        return self._asked

    def drop(self, name: str) -> Iterator[str]:
        """Wants it no more; the vendor's ids of what has to be cancelled for it."""
        self._wanted = deque(ask for ask in self._wanted if ask.name != name)
        if self._asked is not None and self._asked.name == name:
            self._unwanted.add(name)
        return (response_id for response_id, response in self._under_way.items() if response.name == name)

    # What the vendor makes of it.

    def user_stopped(self) -> None:
        self._own_due = True

    def begin(self, data: Json) -> tuple[Response, bool]:
        """The vendor has begun one; whether it is wanted."""
        response_id = data["id"]
        name = self._name_of(data)
        response = Response(name, aside=name in self._asides)
        self._under_way[response_id] = response
        if not response.aside:
            self._active = response_id
        return response, name not in self._unwanted

    def get(self, response_id: str) -> Response | None:
        return self._under_way.get(response_id)

    def finish(self, response_id: str) -> Response | None:
        """The vendor is done with it; None if we do not know it."""
        if self._active == response_id:
            self._active = None
        response = self._under_way.pop(response_id, None)
        if response is not None:
            self._asides.discard(response.name)
        return response

    def refuse(self, name: str) -> bool:
        """The vendor will not make it; False if there is nothing of that name."""
        if self._asked is not None and self._asked.name == name:
            self._asked = None
            return True
        known = name in self._asides
        self._asides.discard(name)
        return known

    def postpone(self) -> bool:
        """The vendor is making one of its own, and ours comes after it; False if none was asked for."""
        ask, self._asked = self._asked, None
        if ask is not None and ask.name not in self._unwanted:
            self._wanted.appendleft(ask)
        return ask is not None

    @property
    def under_way(self) -> Collection[Response]:
        return self._under_way.values()

    @property
    def broken_off(self) -> Collection[str]:
        """What a lost connection takes with it."""
        asked = [self._asked.name] if self._asked is not None else []
        return dict.fromkeys([*(response.name for response in self._under_way.values()), *self._asides, *asked])

    def _name_of(self, data: Json) -> str:
        name = (data.get("metadata") or {}).get("ask")
        if name is not None:
            self._gives_metadata_back = True
            self.tells_apart = self.tells_apart or bool(data.get("conversation_id"))
        elif self._asked is not None and not self._own_due and not self._gives_metadata_back:
            name = self._asked.name
        else:
            name, self._own_due = data["id"], False
        if self._asked is not None and self._asked.name == name:
            self._asked = None
        return name
