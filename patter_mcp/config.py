"""Settings, room by room."""

from __future__ import annotations

from dataclasses import dataclass


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
