"""What the voice is given instead of what the model wrote."""

from __future__ import annotations

import re
import sys
from subprocess import run

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patter_mcp.conversation.speech_text import words
from patter_mcp.conversation.spoken import speakable
from patter_mcp.conversation.spoken.number_words import cardinal, ordinal


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("**Bold**, *italic*, `code`, ~~gone~~, __under__ and _it_", "Bold, italic, code, gone, under and it"),
        ("## Heading\n\nText here.", "Heading. Text here."),
        ("- one\n- two", "one. two."),
        ("1. First\n2. Second", "one, First. two, Second."),
        ("See [our site](https://example.com/a_(b)) now.", "See our site now."),
        ("![logo](x.png) hello", "logo hello"),
        ("> quoted\n> twice", "quoted twice"),
        ("Line one\nline two\n\nNew", "Line one line two. New"),
        ("```python\nprint\n```", "print"),
        ("| a | b |\n|---|---|\n| c | d |", "a, b. c, d"),
        ("<b>Hello</b><br>there", "Hello there"),
        ("Hello 👋🏽 world ✨!", "Hello world!"),
        ("snake_case", "snake case"),
        ("**Note:** it's *very* good.", "Note: it's very good."),
        ("**unclosed and stray* marks", "unclosed and stray marks"),
    ],
)
def test_markup_is_not_read_out(written: str, spoken: str) -> None:
    assert speakable(written) == spoken


def test_tags_meant_for_the_voice_reach_it() -> None:
    assert speakable('Wait. <break time="1s"/> Now.') == 'Wait. <break time="1s"/> Now.'


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("https://www.example.com/help?x=1", "example dot com slash help"),
        ("Visit www.example.co.uk.", "Visit example dot co dot U K."),
        ("docs.example.io/start, please", "docs dot example dot I O slash start, please"),
        ("john.smith42@example.com", "john dot smith four two at example dot com"),
        ("file.pdf", "file dot P D F"),
        ("Fine. Then go.", "Fine. Then go."),
        ("(415) 555-0132", "four one five, five five five, zero one three two"),
        ("+14155550132", "plus one, four one five, five five five, zero one three two"),
        ("+44 20 7946 0958", "plus four four, two zero, seven nine four six, zero nine five eight"),
        ("1-800-555-0199", "one, eight zero zero, five five five, zero one nine nine"),
        ("555-0132 ext. 12", "five five five, zero one three two extension twelve"),
    ],
)
def test_addresses_and_telephone_numbers_are_dictated(written: str, spoken: str) -> None:
    assert speakable(written) == spoken


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("$25.50", "twenty-five dollars and fifty cents"),
        ("$1", "one dollar"),
        ("$0.99", "ninety-nine cents"),
        ("$1,234.56", "one thousand two hundred thirty-four dollars and fifty-six cents"),
        ("$5k or $1.5 million", "five thousand dollars or one point five million dollars"),
        ("-$5", "minus five dollars"),
        ("$20-30", "twenty to thirty dollars"),
        ("$20–$30 per night", "twenty to thirty dollars per night"),
        ("$25/hour", "twenty-five dollars per hour"),
        ("20 €", "twenty euros"),
        ("£2.01", "two pounds and one penny"),
        ("¥500", "five hundred yen"),
        ("100 USD", "one hundred US dollars"),
    ],
)
def test_money_is_said_as_one_says_it(written: str, spoken: str) -> None:
    assert speakable(written) == spoken


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("4:30 PM", "four thirty PM"),
        ("at 4 p.m. tomorrow", "at four PM tomorrow"),
        ("at 4 p.m.", "at four PM."),
        ("16:30", "sixteen thirty"),
        ("09:05", "nine oh five"),
        ("4:00", "four o'clock"),
        ("4:30-5:00 PM", "four thirty to five PM"),
        ("9am-5pm", "nine AM to five PM"),
        ("7 - 9 PM", "seven to nine PM"),
        ("2026-11-20", "November twentieth, twenty twenty-six"),
        ("2026-11-20T16:30:00Z", "November twentieth, twenty twenty-six at sixteen thirty"),
        ("11/20", "November twentieth"),
        ("20/11/2026", "November twentieth, twenty twenty-six"),
        ("03/04/2026", "three slash four, twenty twenty-six"),
        ("20.11.2026", "November twentieth, twenty twenty-six"),
        ("Nov. 20th, 2026", "November twentieth, twenty twenty-six"),
        ("Nov 3-5", "November third to fifth"),
        ("20 November", "the twentieth of November"),
        ("Mon, Nov 3", "Monday, November third"),
        ("Mon-Fri", "Monday to Friday"),
        ("in 2026, in the 1990s", "in twenty twenty-six, in the nineteen nineties"),
        ("1999-2005", "nineteen ninety-nine to two thousand five"),
        ("May I come?", "May I come?"),
    ],
)
def test_dates_and_times_are_said_as_one_says_them(written: str, spoken: str) -> None:
    assert speakable(written) == spoken


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("15% or 2.5 %", "fifteen percent or two point five percent"),
        ("10-15%", "ten to fifteen percent"),
        ("5 km, 1 kg", "five kilometers, one kilogram"),
        ("20°C", "twenty degrees Celsius"),
        ("100 km/h", "one hundred kilometers per hour"),
        ("6'2\"", "six feet two inches"),
        ("a 5 min. walk", "a five minutes walk"),
        ("2 1/2 cups, ¾", "two and a half cups, three quarters"),
        ("5/7", "five slash seven"),
        ("21st, 100th", "twenty-first, one hundredth"),
        ("5-10 people", "five to ten people"),
        ("3.14, -5, .5", "three point one four, minus five, zero point five"),
        ("1,000,000 and 1000000", "one million and one million"),
        ("007", "zero zero seven"),
        ("version 1.2.3", "version one dot two dot three"),
        ("3:1, 3x4, 5 + 3 = 8", "three to one, three by four, five plus three equals eight"),
        ("order 12345, code is 4821", "order one two three four five, code is four eight two one"),
        ("room 305, flight 1204", "room three oh five, flight twelve oh four"),
        ("1204 Main St., Apt. 4B", "twelve oh four Main Street, apartment four B"),
        ("CA 94107", "CA nine four one zero seven"),
        ("X7K9Q, MP3, COVID-19", "X seven K nine Q, MP three, COVID nineteen"),
        ("20-year-old", "twenty year-old"),
        ("#1, no. 5", "number one, number five"),
        ("Press *, then #. Dial *67.", "Press star, then pound. Dial star sixty-seven."),
    ],
)
def test_numbers_are_said_as_what_they_are(written: str, spoken: str) -> None:
    assert speakable(written) == spoken


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("Is Dr. Smith in?", "Is Doctor Smith in?"),
        ("on Elm Dr., near St. Mary", "on Elm Drive, near Saint Mary"),
        ("e.g. this, etc.", "for example this, et cetera."),
        ("Mr. Jones vs. Acme Inc.", "Mister Jones versus Acme Incorporated."),
        ("w/ milk and/or sugar, 24/7", "with milk and or sugar, twenty-four seven"),
        ("R&D, C++, a -> b", "R and D, C plus plus, a to b"),
        ("The answer is no. That is apt.", "The answer is no. That is apt."),
        ('I\'m sure - really… "yes" (no)!', 'I\'m sure - really… "yes" (no)!'),
    ],
)
def test_abbreviations_and_signs_become_words(written: str, spoken: str) -> None:
    assert speakable(written) == spoken


@pytest.mark.parametrize(
    ("written", "language", "spoken"),
    [
        ("**Um 16 Uhr**, 👍 gern.", "de", "Um sechzehn Uhr, gern."),
        ("1 Stuhl, am 5. Mai, 3,5 % und 15,50 €", "de", "1 Stuhl, am 5. Mai, 3,5 % und 15,50 €"),
        ("25 euros y 21 años", "es", "veinticinco euros y 21 años"),
        ("+49 30 123456", "de-AT", "+ vier neun, drei null, eins zwei drei, vier fünf sechs"),
        ("कुल 25 लोग", "hi", "कुल पच्चीस लोग"),
        ("3時です。", "ja", "3時です。"),
        ("5 xx", "xx", "5 xx"),
    ],
)
def test_other_languages_get_words_only_where_they_are_certain(written: str, language: str, spoken: str) -> None:
    assert speakable(written, language) == spoken


ODD = (
    "1 2 05 30 1,234 3.5 2026 $ € % # * ** _ ` ~ @ & / : - – . , ! ? ( ) [ ] < > + = | \\ ' \" ° ½ ² → PM p.m. Dr. "
    "St. Mr. etc. e.g. no. km min am th st Nov May Mon http:// www. .com a Bob and is the code 👍 <b> Straße 東 ३"
)
PIECES = st.sampled_from(ODD.split())
PLAIN = "come maybe over our friendly table with seven new chairs"
TEXTS = st.lists(st.one_of(PIECES, st.just(" "), st.just("\n"), st.text(max_size=3)), max_size=14).map("".join)


@given(TEXTS)
@settings(max_examples=500, deadline=None)
def test_what_is_speakable_stays_as_it_is(text: str) -> None:
    once = speakable(text)
    assert speakable(once) == once


@given(TEXTS, st.sampled_from(["de", "ru", "zh", "hi", "xx"]))
@settings(max_examples=200, deadline=None)
def test_what_is_speakable_in_other_languages_stays_as_it_is(text: str, language: str) -> None:
    once = speakable(text, language)
    assert speakable(once, language) == once


@given(TEXTS)
@settings(max_examples=500, deadline=None)
def test_no_digit_and_no_markup_reaches_an_english_voice(text: str) -> None:
    outside_tags = re.sub(r"<[^<>]*>", "", speakable(text))
    assert not re.search(r"[\d*#_`~|\\\[<>%$€@&+=/👍]", outside_tags.replace("[", ""))


@given(st.lists(st.sampled_from(PLAIN.split()), min_size=1), st.data())
def test_no_word_is_lost_among_markup(said: list[str], data: st.DataObject) -> None:
    marks = st.sampled_from(
        ["{}", "**{}**", "*{}*", "_{}_", "`{}`", "[{}](http://x.org)", "<b>{}</b>", "{}!", "~~{}~~"]
    )
    text = " ".join(data.draw(marks).format(word) for word in said)
    assert words(speakable(text)) == said


@given(st.integers(0, 10**15 - 1))
def test_number_words_mean_the_number(number: int) -> None:
    assert meaning(cardinal(number)) == number


def test_ordinals() -> None:
    numbers = (1, 2, 3, 5, 8, 9, 12, 20, 21, 100, 1000)
    assert [ordinal(number) for number in numbers] == [
        "first", "second", "third", "fifth", "eighth", "ninth", "twelfth", "twentieth", "twenty-first", "one hundredth",
        "one thousandth",
    ]  # fmt: skip


def test_library_for_number_words_is_not_loaded_for_english() -> None:
    code = "import sys; from patter_mcp.conversation.spoken import speakable; speakable('5'); "
    code += "sys.exit('unicode_rbnf' in sys.modules)"
    assert run([sys.executable, "-c", code], check=False).returncode == 0


def meaning(text: str) -> int:
    """Reads number words back, by other means than they were made."""
    ones = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    ones = (ones + "seventeen eighteen nineteen").split()
    tens = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
    values = {word: value for value, word in enumerate(ones)}
    values |= {word: 10 * value for value, word in enumerate(tens, 2)}
    scales = {"thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
    total = group = 0
    for word in text.replace("-", " ").split():
        if word in scales:
            total, group = total + group * scales[word], 0
        else:
            group = group * 100 if word == "hundred" else group + values[word]
    return total + group
