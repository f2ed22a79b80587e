"""Cutting text into pieces, judging transcripts, keeping history."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter_mcp.conversation.agent import Agent
from patter_mcp.conversation.answering import who_answered
from patter_mcp.conversation.history import History, cut
from patter_mcp.conversation.phrases import LANGUAGES, Phrases
from patter_mcp.conversation.prompt import system_prompt
from patter_mcp.conversation.sentences import SentenceCutter
from patter_mcp.conversation.speech_text import (
    asks_to_wait,
    is_backchannel,
    is_farewell,
    same_words,
    sounds_unfinished,
    words,
)
from patter_mcp.llm.base import Message
from patter_mcp.testing.scripted import ScriptedLLM, ScriptedSTT, ScriptedTTS


def cut_up(text: str, size: int = 1, language: str = "en") -> list[str]:
    cutter = SentenceCutter(language)
    pieces = [piece for start in range(0, len(text), size) for piece in cutter.feed(text[start : start + size])]
    return [*pieces, *filter(None, [cutter.rest()])]


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("Hello. How are you? Fine!", ["Hello.", "How are you?", "Fine!"]),
        ("Dr. Smith is at 3.5 Main St. today.", ["Dr. Smith is at 3.5 Main St. today."]),
        ("It costs 3. Good.", ["It costs 3.", "Good."]),
        ("I would like a table, please, for two.", ["I would like a table,", "please, for two."]),
        ("Yes, at three.", ["Yes, at three."]),
        ("Line one\nLine two", ["Line one", "Line two"]),
        ("Wait... really?! Yes.", ["Wait...", "really?!", "Yes."]),
        ('She said "no." Then left.', ['She said "no."', "Then left."]),
        ("The answer is no. We can come at no. 5.", ["The answer is no.", "We can come at no. 5."]),
        ("Come at 4 p.m. today. At 4 p.m. Is that ok?", ["Come at 4 p.m. today.", "At 4 p.m.", "Is that ok?"]),
        ("It is in the U.S. market.", ["It is in the U.S. market."]),
        ("See https://x.org/?a=1.b, please. Bye.", ["See https://x.org/?a=1.b, please.", "Bye."]),
        ("Mail info@x.org. Thanks.", ["Mail info@x.org.", "Thanks."]),
        ("1. First things. 2. Second", ["1. First things.", "2. Second"]),
        ("はい。わかりました。", ["はい。", "わかりました。"]),
        ("「はい。」と言いました。", ["「はい。」", "と言いました。"]),
        ("好的，没问题！您贵姓？", ["好的，没问题！", "您贵姓？"]),
        ("नमस्ते। क्या यह संभव है?", ["नमस्ते।", "क्या यह संभव है?"]),
        ("مرحبا. هل يمكن؟ شكرا!", ["مرحبا.", "هل يمكن؟", "شكرا!"]),
        ("السلام علیکم۔ میز ملے گی؟", ["السلام علیکم۔", "میز ملے گی؟"]),
        ("Բարեւ։ Շնորհակալություն։", ["Բարեւ։", "Շնորհակալություն։"]),
        ("  ", []),
    ],
)
@pytest.mark.parametrize("size", [1, 3, 1000])
def test_text_is_cut_where_a_speaker_would_pause(text: str, pieces: list[str], size: int) -> None:
    # A sentence does not wait for closing marks that may follow it; its words are what counts.
    assert [words(piece) for piece in cut_up(text, size)] == [words(piece) for piece in pieces]


def test_sentence_leaves_with_its_full_stop_and_not_a_token_later() -> None:
    cutter = SentenceCutter()
    assert cutter.feed("It is fine") == []
    assert cutter.feed(".") == ["It is fine."]


@given(st.text(alphabet="ab1 .,!?\n@กิ。好", max_size=400), st.integers(1, 7))
def test_nothing_is_lost_or_doubled(text: str, size: int) -> None:
    assert _visible("".join(cut_up(text, size))) == _visible(text)


def _visible(text: str) -> str:
    return "".join(filter(str.isalnum, text))


def test_text_without_an_end_is_cut_all_the_same() -> None:
    assert all(len(piece) <= 301 for piece in cut_up("word " * 400))
    assert all(piece.endswith(("clause,", "clause")) for piece in cut_up("some words and a clause, " * 40))


def test_chinese_and_japanese_pieces_are_as_long_as_others_in_time() -> None:
    assert cut_up("我想预订明天，晚上七点的两人桌") == ["我想预订明天，", "晚上七点的两人桌"]
    assert all(len(piece) <= 101 for piece in cut_up("时" * 1000))


def test_thai_is_cut_at_a_space_that_may_end_a_sentence() -> None:
    sentences = ["สวัสดีค่ะ ดิฉันอยากจองโต๊ะสำหรับสองคนในเย็นวันศุกร์", "ไม่ทราบว่ายังว่างไหมคะ"]
    assert cut_up(" ".join(["ขอโทษนะคะที่รบกวน", *sentences])) == ["ขอโทษนะคะที่รบกวน", *sentences]


def test_forced_cut_leaves_marks_with_their_letters() -> None:
    assert not any(piece.startswith("ิ") for piece in cut_up("กิ" * 400))


def test_dot_of_an_ordinal_ends_no_sentence_where_that_is_how_they_are_written() -> None:
    assert cut_up("Am 5. Mai. Gut.", language="de-AT") == ["Am 5. Mai.", "Gut."]
    assert cut_up("At 5. Maybe.") == ["At 5.", "Maybe."]


@pytest.mark.parametrize("text", ["mm-hm", "Okay.", "yeah, right", "Uh-huh!"])
def test_backchannels_are_known(text: str) -> None:
    assert is_backchannel(text)


@pytest.mark.parametrize("text", ["", "no", "okay but wait", "yes yes yes yes", "stop"])
def test_words_that_mean_something_are_no_backchannel(text: str) -> None:
    assert not is_backchannel(text)


@pytest.mark.parametrize(
    "text",
    [
        "I would like to", "on Friday and", "it's", "one two three", "s m i", "My name is J O", "555.", "It's 555-0",
        "double five oh", "oh two oh, seven", "S as in Sam, M as in Mary", "john dot", "A, B.", "It's 4 1 5",
    ],
)  # fmt: skip
def test_unfinished_speech_is_noticed(text: str) -> None:
    assert sounds_unfinished(text)


@pytest.mark.parametrize(
    "text",
    [
        "", "at four thirty", "is that all?", "yes", "555-012-3456 4 5 6", "two please", "At 4:30.", "at 4:30 p.m.",
        "at 5 a m", "好", "in 2026", "that is $120", "it costs 3.50", "Plan B", "two", "at 11 am.", "number 12",
        "four one five five five five oh one three two",
    ],
)  # fmt: skip
def test_finished_speech_is_not_waited_for(text: str) -> None:
    assert not sounds_unfinished(text)


UNFINISHED = {
    "de": ["Ich hätte gern einen Termin am", "Freitag um", "Am Freitag und", "Das geht nicht, weil", "Für"],
    "es": ["Quisiera una mesa para", "El viernes a las", "Sí, pero", "Es el número de", "juan punto", "Soy Juan y"],
    "fr": ["Je voudrais une table pour", "Vendredi à", "Oui, mais", "C’est", "jusqu'à", "jean arobase"],
    "it": ["Vorrei un tavolo per", "Venerdì alle", "Sì, ma", "Il mio numero è", "nella", "mario chiocciola"],
    "nl": ["Ik wil graag een", "Vrijdag om", "Ja, omdat", "Met", "De naam is Jan van", "jan apenstaartje"],
    "pt": ["Queria uma mesa para", "Na sexta às", "Sim, mas", "O nome da", "joão arroba", "e"],
}
FINISHED = {
    "de": ["Ich rufe Sie an.", "Wir machen um acht auf", "Kommen Sie mit.", "Ja, das", "Ohne.", "Wir haben zu."],
    "es": ["A la una.", "Sí", "Así es.", "Un sobre", "si", "Ya está.", "Entre."],
    "fr": ["C'est le numéro un.", "Oui", "Vous venez avec qui", "Allez-y.", "Il n'est pas là", "j'en veux une"],
    "it": ["All'una.", "Venga su.", "Va bene così", "Domani è chiuso", "non so come", "alle quattro e mezza"],
    "nl": ["Ik weet het.", "Ik bel u op.", "Zeg het maar.", "Dat is alles", "Ik kom langs.", "open tot acht uur"],
    "pt": ["É isso.", "Até.", "À uma.", "Quero um.", "Diga-nos.", "É minha"],
}


@pytest.mark.parametrize("language", [language for language in LANGUAGES if language != "en"])
def test_unfinished_speech_is_noticed_in_the_language_of_the_call(language: str) -> None:
    assert [text for text in UNFINISHED[language] if not sounds_unfinished(text, language)] == []
    assert [text for text in FINISHED[language] if sounds_unfinished(text, f"{language}-XX")] == []


def test_words_are_those_of_one_language() -> None:
    assert sounds_unfinished("es ist um", "de") and not sounds_unfinished("Mach ma a", "de")
    assert not sounds_unfinished("I would like to", "fr")
    assert not sounds_unfinished("Tak, to", "pl")


def test_same_words_ignore_case_and_punctuation() -> None:
    assert same_words("At three, please.", "at three please")
    assert not same_words("at three", "at tree")


def test_requests_to_wait_and_farewells_are_known() -> None:
    assert asks_to_wait("Let me check, one moment please.") and not asks_to_wait("At three.")
    assert is_farewell("Okay, thank you, bye!") and not is_farewell("Bye the way, which day?")


@pytest.mark.parametrize(
    ("text", "who"),
    [
        ("You have reached Sam, please leave a message after the beep.", "voicemail"),
        ("For sales, press one. For service, press two.", "ivr"),
        ("For opening hours dial one, for the front desk dial two.", "ivr"),
        ("Main Street Barber, hello?", "human"),
        ("Hi, this is Sam. I can't take your call right now, but leave me a message.", "voicemail"),
        ("sorry we are not available please leave your name and number", "voicemail"),
        ("The person you are calling is not available. Please leave a message.", "voicemail"),
        ("He's not available right now. Would you like to leave a message?", "human"),
        ("She can't come to the phone, who's calling please?", "human"),
        ("I can't take your call properly, can I ask who this is?", "human"),
        ("Do you want to leave a message with me?", "human"),
        ("if you would like to leave a message please do so after the tone", "voicemail"),
        ("Bitte sprechen Sie Ihre Nachricht nach dem Signalton.", "voicemail"),
        ("Vous êtes bien chez Anne, laissez-moi un message après le bip.", "voicemail"),
        ("Deje su mensaje después de la señal.", "voicemail"),
        ("Lasciate un messaggio dopo il segnale acustico.", "voicemail"),
        ("U kunt na de piep een bericht inspreken.", "voicemail"),
        ("Deixe a sua mensagem após o sinal.", "voicemail"),
        ("Für Deutsch drücken Sie bitte die eins.", "ivr"),
        ("Pour les réservations, appuyez sur un.", "ivr"),
        ("Para ventas, marque dos.", "ivr"),
        ("Möchten Sie eine Nachricht hinterlassen?", "human"),
        ("Guten Tag, Praxis Weber.", "human"),
    ],
)
def test_first_words_tell_who_answered(text: str, who: str) -> None:
    assert who_answered(text) == who


@pytest.mark.parametrize(
    ("text", "who"),
    [
        ("You can leave a message and I'll pass it on.", "human"),
        ("I can't take the phone to her.", "human"),
        ("I'll put you through. You have reached the mailbox of Ann.", "voicemail"),
        ("Please record your message.", "voicemail"),
        ("For the kitchen, press two.", "ivr"),
    ],
)
def test_somebody_who_has_spoken_is_no_machine_for_speaking_of_messages(text: str, who: str) -> None:
    assert who_answered(text, after_a_person=True) == who


@pytest.mark.parametrize("text", ["Genau.", "Oui, d'accord", "sí, claro", "va bene", "mm-hm", "ja ja"])
def test_backchannels_are_known_in_several_languages(text: str) -> None:
    assert is_backchannel(text)


def test_fixed_phrases_follow_the_language_unless_they_are_given() -> None:
    own = Phrases(one_moment="Momentle.")
    parts: dict[str, Any] = {"stt": ScriptedSTT(), "llm": ScriptedLLM(), "tts": ScriptedTTS()}
    assert Agent(language="de-AT", **parts).phrases.one_moment == "Einen Moment, bitte."
    assert Agent(language="de", phrases=own, **parts).phrases is own
    assert Agent(language="sw", **parts).phrases == Agent(**parts).phrases == Phrases()


@pytest.mark.parametrize(
    ("language", "rule"),
    [("en-GB", None), ("de-CH", "Speak German (de-CH)."), ("sw", "Speak the language with the code sw.")],
)
def test_model_is_told_which_language_to_speak(language: str, rule: str | None) -> None:
    prompt = system_prompt("", "Book a table.", date(2026, 11, 20), language)
    assert (rule in prompt) if rule else ("Speak" not in prompt)


def test_two_user_messages_in_a_row_are_one_turn() -> None:
    history = History("system")
    history.user_said("I would like")
    history.user_said("a table")
    assert [m["content"] for m in history.messages()] == ["system", "I would like a table"]
    assert [m["content"] for m in history.messages(user="for two")] == ["system", "I would like a table for two"]


def test_cut_reply_keeps_tools_that_ran_and_only_words_that_were_heard() -> None:
    call: Message = {
        "role": "assistant",
        "content": "Let me see.",
        "tool_calls": [{"id": "1", "type": "function", "function": {"name": "look", "arguments": "{}"}}],
    }
    messages: list[Message] = [
        call,
        {"role": "tool", "tool_call_id": "1", "content": "free"},
        {"role": "assistant", "content": "It is free at three."},
    ]
    assert cut(messages, "Let me see. It is") == [call, messages[1], {"role": "assistant", "content": "It is —"}]
    assert cut(messages, "Let") == [{**call, "content": "Let —"}, messages[1]]
