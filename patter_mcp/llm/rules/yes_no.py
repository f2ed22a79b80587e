"""Words that agree and words that refuse, in plain words (`words.words_of`)."""

from __future__ import annotations

import re

from patter_mcp.llm.rules.words import word_set

FIRM_YES = re.compile(
    r"\b(?:yes|yeah|yep|yup|ya|yah|yea|correct|absolutely|certainly|definitely|exactly|indeed|affirmative|"
    "of course|you got it|that is (?:right|correct|it|fine|perfect|good|great|okay|all right)|(?:it|"
    "that) is(?: all)? (?:right|correct)|that (?:works|sounds (?:good|great|right|fine))|you bet|right you are|"
    r"spot on|sounds (?:good|great|right|fine|perfect)|that is a yes)\b"
)

SOFT_YES = re.compile(
    r"\b(?:sure(?! (?:if|about|that|whether))|okay|all right|perfect|great|fine|good|right(?! (?:now|away|here|"
    "there|after|before|back))|works for (?:me|us)|can do|will do|uh huh|mm hmm|mhm|gladly|very well|lovely|"
    "brilliant|cool|excellent|wonderful|happy to|no problem|my pleasure|(?:is|are) (?:fine|good|free|available|open|"
    "possible|okay)|got it|i (?:do|can|could)|we (?:do|can|could|have (?:that|it|space|room|one|a (?:table|spot|"
    "slot|room)|availability|an opening|something))|(?:should|would|will) (?:be|work)(?: (?:fine|okay|good|"
    r"possible))?|that would work|why not|course|be happy to|let us do (?:it|that))\b|^(?:it is|we are|you can|"
    "it does|they are|i am|there is|there are|it will|it should)$"
)

NO_WORDS = re.compile(
    r"\b(?:no|nope|nah|negative|incorrect|wrong|not (?:right|correct|quite|really|exactly|at all|that)|"
    "that is not|it is not|unfortunately|i am afraid(?! of)|absolutely not|no way|never|sorry (?:but|we|"
    r"i (?:can|do)|no|that)|i am sorry(?! (?:to (?:keep|hear)|about|for the wait|what|could|can you|who|did)))\b"
)
POLITE_NO = re.compile(
    r"\bno (?=(?:that|it) is (?:fine|right|correct|okay|good|all right|great|perfect)\b)|\bno (?=(?:that|"
    r"it) works)|\b(?:no|not a|not any) (?:problems?|worries|trouble|issues?|bother)(?: at all)?\b|\bwhy not\b|"
    r"\bdo not (?:worry|mention it)\b|\bnot only\b|\bno (?:charge|cost|rush|need|later|earlier)\b|\bnot bad\b|"
    r"\b(?:do not|can not) see why not\b|\bcan not wait\b|\bnever mind\b|\boh no(?= okay| thank)"
)
"""A "no" that refuses nothing."""
YES_BOOKED = re.compile(
    r"\b((?:yes|yeah|yep)(?: (?!sorry\b|but\b|not?\b|i see\b)\w+){0,6}|okay|great|perfect|sure|good) "
    r"(?:it|that|(?:the|your) \w+) is (?:all |now )?"
    r"(?:booked|reserved)\b(?! up| out| solid| by)"
)
"""After a yes "that is booked" is our booking, without one somebody else's."""
GREETING_GOOD = re.compile(
    r"\bgood (?:morning|afternoon|evening|day|night|luck|question|point|idea but)\b|\bgood to go\b|\bhave a good\b"
)

UNTIL_THEN = re.compile(r"\b(?:see|seeing|expecting) you(?: \w+)?\b|\blook(?:ing)? forward.*")
"""Said in parting, whatever came of the call."""
BUT_NO = re.compile(r"\bbut (?:no|(?:we|you|i|they) (?:can|do|will|are|could) not)\b")
"""Takes back whatever was agreed before it."""
EXPLAINED = word_set(
    "a an the and or so then well um uh oh ah hmm now just all it that this is are was at on in for of to by with "
    "under from i we you he she they me us him her them your our my will would be am have has had got get put "
    "see thank thanks you very much welcome sir madam please yes yeah yep okay booked set done down noted written "
    "confirmed reserved scheduled cancelled canceled moved changed book booking table appointment reservation name "
    "people person party morning afternoon evening oclock pm am bye goodbye later soon there day nice have good "
    "mister mr mrs ms miss"
)
"""Words that a yes to an arrangement may well be wrapped in."""
