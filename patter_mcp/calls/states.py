"""What each way of ending means, as data."""

from __future__ import annotations

from collections.abc import Mapping

from patter_mcp.types import CallStatus, EndReason

STATUS_OF: Mapping[EndReason, CallStatus] = {
    EndReason.AGENT_HUNG_UP: "completed",
    EndReason.USER_HUNG_UP: "completed",
    EndReason.SILENCE: "completed",
    EndReason.MAX_DURATION: "timeout",
    EndReason.NO_ANSWER: "no-answer",
    EndReason.BUSY: "busy",
    EndReason.CANCELED: "failed",
    EndReason.DIAL_FAILED: "failed",
    EndReason.DIAL_LOST: "failed",
    EndReason.MEDIA_LOST: "failed",
    EndReason.NO_MEDIA: "failed",
    EndReason.PROVIDER_FAILED: "failed",
    EndReason.INTERNAL_ERROR: "failed",
    EndReason.SHUTDOWN: "failed",
    EndReason.INTERRUPTED: "failed",
}
"""The envelope's word for how the line ended. Whether the goal was met is another answer: `metrics.outcome`."""

SENTENCE_OF: Mapping[EndReason, str] = {
    EndReason.AGENT_HUNG_UP: "The agent ended the call.",
    EndReason.USER_HUNG_UP: "The other party hung up.",
    EndReason.SILENCE: "The line fell silent, and nobody answered when asked.",
    EndReason.MAX_DURATION: "The call reached its time limit and was ended.",
    EndReason.NO_ANSWER: "Nobody answered.",
    EndReason.BUSY: "The line was busy.",
    EndReason.CANCELED: "The call was stopped by whoever asked for it.",
    EndReason.DIAL_FAILED: "The carrier did not place the call.",
    EndReason.DIAL_LOST: "The carrier's answer to the dial was lost.",
    EndReason.MEDIA_LOST: "The line dropped in the middle of the call.",
    EndReason.NO_MEDIA: "The call was answered but its audio never arrived.",
    EndReason.PROVIDER_FAILED: "A speech or language provider failed and the call could not go on.",
    EndReason.INTERNAL_ERROR: "The program failed during the call.",
    EndReason.SHUTDOWN: "The program was stopped during the call.",
    EndReason.INTERRUPTED: "The program died during the call.",
}
