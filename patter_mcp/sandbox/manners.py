"""What any person does on the phone, whatever the scenario: replies tried after the scenario's own."""

from __future__ import annotations

from patter_mcp.sandbox.scenario import Reply

STILL_THERE = "Hello? Are you there?"
"""Said twice into the agent's silence; then a person hangs up."""

MANNERS = (
    Reply(
        phrases=(
            "say that again",
            "repeat that",
            "could you repeat",
            "can you repeat",
            "please repeat",
            "pardon",
            "did not catch",
            "did not hear",
            "did not understand",
            "come again",
        ),
        again=True,
    ),
    Reply(
        phrases=("one moment", "a moment", "hold on", "one second", "a second", "bear with me", "let me check"),
        wait_sec=30,
    ),
    Reply(phrases=("did you get that", "did you hear that", "did you understand"), say="Yes, okay."),
    Reply(phrases=("are you there", "still there", "can you hear me", "are you still"), say="Yes, I'm here."),
    Reply(
        phrases=(
            "goodbye",
            "good bye",
            "bye",
            "have a nice day",
            "have a good day",
            "have a great day",
            "have a wonderful day",
        ),
        at_end=True,
        say="Bye.",
        hang_up=True,
    ),
)
