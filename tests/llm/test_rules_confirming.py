"""What confirms an arrangement or a message, said in answer to the question that needs a yes, and what does not."""

from __future__ import annotations

import json

import pytest
from simulated_callee import TODAY, TOOLS

from patter_mcp.llm.base import Message, TextChunk, ToolCallChunk
from patter_mcp.llm.rules import RulesLLM

pytestmark = pytest.mark.anyio

HAIRCUT = "Book a haircut on Friday at three, name Max."
CANCELLING = "Cancel the room for tonight under Amy Foster."
MESSAGE = "Tell Mike that the game on Saturday is moved to eleven."

NO_YES = """
okay but i need to check with my colleague first|okay let me talk to the chef about it|yes but only if it doesn't rain
okay i'll see if that works and let you know|we'll see|i'd say so but don't quote me on it|should be okay i think
probably yes|yes i guess|sure if nothing else comes up|well yes normally
okay i'll note it as a request but i can't promise|yes pending confirmation
yes but it's not confirmed until you get an email|i'll put you on the waiting list|i've put you on the standby list
okay you will get a confirmation by text if it works|that's what you asked for yes but we're full
yes that's what you want but i can't do that|right you said friday but friday is full|yes i understand you want friday
i hear you|yes i heard you|uh huh|mm|maybe|that is what you said|okay what was your name again|okay who is this for
right now i can't say|fine but what about the deposit|no|no sorry|not really|hang on|okay hold on|yes one second
actually no|oh wait no|hmm let me see|is that friday the eighth|okay and how many people|good question
great idea but no|yes we have no tables|yes we are closed|yes we're fully booked on friday|yes i'm afraid we're full
okay so we don't have anything on friday|okay call us back tomorrow|okay please book it on our website
okay send us an email with that|okay i'll have someone call you back|okay someone will get back to you
sorry we only take walk ins|okay well you can try to come by|you can come and see if there's a free table
okay we can't guarantee anything|yes you need to pay a deposit first|yes but i need a credit card
okay i need a card to hold that|i didn't say that|that's not what i said|i said thursday|thursday|okay thursday
yes thursday at three|yes at four|okay so four o'clock then|so friday at four for max|yes for sam at three
okay see you at five|bye|thank you goodbye
"""
A_YES = """
yes|yes that's right|that's correct|correct|right|exactly|yep|yeah that works|sure|okay|okay great|sounds good|perfect
all set|you're all set|yes you're booked|yes friday at three|yes max friday three o'clock
got you down for friday at three|that's right see you then|okay see you friday|yes see you on friday bye
yes thank you bye|okay you're in the book|done|yes it's booked|it's confirmed|yes confirmed for friday at three
yes we'll see you then|you got it|absolutely|that's all good|yes no problem|no problem|yes that's fine|fine|yes sir
yes of course|okay i've written it down|okay i wrote it down friday at three|we look forward to seeing you
great we'll expect you on friday|yes it is|it is|yes and please bring your insurance card|yes and don't be late
alright friday at three it is|great you're confirmed anything else|yes all done have a nice day
"""
NOT_CANCELLED = """
it stays booked|yes it's still booked|okay i can see it here|yes i found it|it's too late to cancel|only online
you can't cancel that|one moment|yes you're booked for tonight|okay i'll ask my boss|we don't do that|okay but you pay
"""
CANCELLED = """
yes it's cancelled|it's cancelled|yes|okay|done it's cancelled|all right i cancelled it|sure that's cancelled
yes all done|i've cancelled it for you|no problem
"""
NOT_THE_ONE = """
who is this|what game|i think you have the wrong number|mike's not here|he's at work|i'm his wife|he isn't home
no idea what you mean|i don't know any mike|hang on i'll get him|what|sorry what|hello|hello who's there
can you call back later|he doesn't live here anymore|this is his mother|i can take a message|okay i'll tell him
okay who shall i say called|let me get a pen|okay one second|i'm busy right now|not now|mike isn't available right now
okay but who are you|mm
"""
TAKEN = """
okay thanks|got it|yes|yes i did|okay|alright eleven then|thanks for letting me know|okay i'll be there at eleven
oh okay good to know|yep saturday eleven got it|okay great see you then|sure thanks|understood|cool|okay thank you bye
oh no okay thanks for telling me|too bad but okay|yeah i got it|eleven on saturday okay
"""


def phrases(text: str) -> list[str]:
    return [phrase for line in text.split("\n") for phrase in line.split("|") if phrase]


async def goal_met(goal: str, *said: str) -> str:
    """What is reported once the callee has said all this; "" while the call goes on."""
    messages: list[Message] = [{"role": "system", "content": f"Goal: {goal}\n{TODAY}"}]
    for line in said:
        messages.append({"role": "user", "content": line})
        chunks = [chunk async for chunk in RulesLLM().stream(messages, TOOLS)]
        for chunk in chunks:
            if isinstance(chunk, ToolCallChunk) and chunk.name == "end_call":
                return json.loads(chunk.arguments)["goal_met"]
        text = "".join(chunk.text for chunk in chunks if isinstance(chunk, TextChunk))
        messages.append({"role": "assistant", "content": text.strip()})
    return ""


@pytest.mark.parametrize("answer", phrases(NO_YES))
async def test_what_is_no_yes_to_an_arrangement_read_back_is_no_success(answer: str) -> None:
    assert await goal_met(HAIRCUT, "hello", "yes friday at three is possible", answer) != "yes"


@pytest.mark.parametrize("answer", phrases(A_YES))
async def test_a_yes_to_an_arrangement_read_back_is_success(answer: str) -> None:
    assert await goal_met(HAIRCUT, "hello", "yes friday at three is possible", answer) == "yes"


@pytest.mark.parametrize("answer", phrases(NOT_CANCELLED))
async def test_what_leaves_a_booking_as_it_was_is_no_success(answer: str) -> None:
    assert await goal_met(CANCELLING, "front desk", "foster okay i see it", answer) != "yes"


@pytest.mark.parametrize("answer", phrases(CANCELLED))
async def test_a_yes_to_a_cancellation_read_back_is_success(answer: str) -> None:
    assert await goal_met(CANCELLING, "front desk", "foster okay i see it", answer) == "yes"


@pytest.mark.parametrize("answer", phrases(NOT_THE_ONE))
async def test_a_message_is_not_delivered_to_whoever_is_not_the_one_or_has_not_got_it(answer: str) -> None:
    assert await goal_met(MESSAGE, "hello", answer) != "yes"


@pytest.mark.parametrize("answer", phrases(TAKEN))
async def test_a_message_is_delivered_when_it_is_taken(answer: str) -> None:
    assert await goal_met(MESSAGE, "mike here", answer) == "yes"
