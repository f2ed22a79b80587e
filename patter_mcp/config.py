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
    barge_in_ms: int = 160
    """Speech over our own that takes the floor."""
    verdict_ms: int = 1500
    """After taking the floor without a word being recognised, the user gets this long; then we go on where we stopped."""
    silence_sec: float = 7.0
    """Silence after which we ask whether anybody is there; a second one ends the call."""
    hold_silence_sec: float = 45.0
    """The same after the user asked us to wait."""
    user_turn_sec: float = 60.0
    """Longest stretch of talk (or music) taken for one turn."""
    beep_wait_sec: float = 4.0
    """Silence after a voicemail greeting that counts as the beep having been missed."""
    goodbye_sec: float = 6.0
    """Kept back before the time limit for saying goodbye; calls shorter than five times this end without one."""
