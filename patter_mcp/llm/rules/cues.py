"""What a callee's words may signal, and the phrases that signal it.

Phrases are matched against plain words (`words.words_of`): lower case, no punctuation, contractions spelled out.
A recogniser drops and swaps words, so a cue rests on the few words that carry it.
"""

from __future__ import annotations

import re
from enum import Enum, auto


class Cue(Enum):
    # The line
    VOICEMAIL = auto()
    RECORD_NOW = auto()
    """The greeting of a voicemail is over."""
    BEEP_COMING = auto()
    MAILBOX_FULL = auto()
    QUEUE = auto()
    """A recording keeps us waiting."""
    HOLD = auto()
    BACK = auto()
    TRANSFER = auto()
    # Ending it
    WRONG_NUMBER = auto()
    DO_NOT_CALL = auto()
    HOSTILE = auto()
    NOT_INTERESTED = auto()
    GOODBYE = auto()
    DEFLECT = auto()
    """We are sent elsewhere: online, another number, another day's call."""
    NOT_HERE = auto()
    TAKE_MESSAGE = auto()
    WILL_CALL_BACK = auto()
    # Questions
    ROBOT = auto()
    WHO = auto()
    WHY = auto()
    HOW_ARE_YOU = auto()
    ASK_NAME = auto()
    ASK_SPELLING = auto()
    ASK_PHONE = auto()
    ASK_PARTY = auto()
    ASK_DAY = auto()
    ASK_TIME = auto()
    ASK_SERVICE = auto()
    ASK_SECRET = auto()
    ASK_RECORD = auto()
    """Something that may stand in the goal: order number, date of birth, address."""
    ASK_OKAY = auto()
    ANYTHING_ELSE = auto()
    STILL_THERE = auto()
    REPEAT = auto()
    OFF_TASK = auto()
    PRICE = auto()
    QUESTION = auto()
    """Asks for something, foreseen or not."""
    # Answers
    GREETING = auto()
    YES = auto()
    NO = auto()
    UNSURE = auto()
    CONDITION = auto()
    RETRACTED = auto()
    CONFIRMED = auto()
    CHECKING = auto()
    """They read back to us and want our yes."""
    UNAVAILABLE = auto()
    CLOSED = auto()
    ANY_TIME = auto()
    NOTED = auto()
    """A message has been taken, or will be passed on."""
    THANKS = auto()


PATTERNS: dict[Cue, str] = {
    Cue.VOICEMAIL: (
        r"(?<!want to )(?<!like to )(?<!like us to )\bleave (?:us |me |him |her )?(?:a |your |the )?(?:brief |short |"
        "detailed )?(?:message|name)|(?:after|at|following) the (?:tone|beep|signal)|record your (?:message|name)|"
        "voice ?mail(?:box)?|answering machine|(?<!he )(?:can not|not able to|unable to|not available to) (?:take|"
        "come to|answer|get to) (?:your call|the phone|my phone)|you have reached .*(?:not (?:available|here|in)|"
        "out of the office|leave|currently closed)|the (?:person|number|customer) you (?:are (?:trying|calling)|"
        r"have (?:dialed|called|reached)) .*(?:not available|unavailable|leave)|\bget back to you (?:as soon|shortly|"
        "when)"
    ),
    Cue.RECORD_NOW: "(?:leave|record) .*(?:message|name|number)(?: and .*)?|record your",
    Cue.BEEP_COMING: r"(?:tone|beep|signal)\b",
    Cue.MAILBOX_FULL: (
        "mail ?box is (?:currently )?full|can not (?:accept|take|record) (?:any )?(?:more |new )?messages|"
        "mailbox .*not been set up"
    ),
    Cue.QUEUE: (
        "your call is (?:very )?important|(?:next|first) available (?:agent|representative|operator|team|associate|"
        "advisor)|(?:agents|representatives|lines|operators|advisors) are (?:currently |all )?(?:busy|assisting|"
        r"helping)|stay on the line|remain on the line|you are (?:number|caller) \w+ in|estimated wait|expected wait|"
        "not a valid|invalid (?:choice|option|entry|selection)|your (?:choice|selection|entry)|call may be "
        "(?:recorded|monitored)|please continue to hold|calls? will be answered|thank you for (?:your patience|"
        "waiting|holding) your call"
    ),
    Cue.HOLD: (
        "(?:hold|hang) on|(?:please |can you |could you |will you |just |you )hold(?! (?:a|the|your|it|my) (?:table|"
        r"room|spot|card))|\bon hold(?! for)|(?:one|a|just a|give me a) (?:moment|second|sec|minute|min)\b|bear with "
        r"me|let me (?!know\b|tell\b|guess\b|say\b)\w+|give me a (?:moment|second|minute)|i (?:will|can|could) "
        "(?:just )?(?:check|ask|have a look|take a look|look)|two seconds|wait a|just checking|checking|i will be "
        r"right back|hold please|please hold|one mo\b|^hold$|^wait$|while i (?:check|look|pull)"
    ),
    Cue.BACK: (
        "thank(?:s| you) for (?:waiting|holding)|sorry (?:about that|for the wait|to keep you)|(?:i am|we are) back"
    ),
    Cue.TRANSFER: (
        "(?:transfer|connect) you|(?:put|patch|transfer|connect|pass) you (?:through|over|on|to)|"
        "transferring (?:you|your)|connecting you|get (?:him|her|them|someone) for you"
    ),
    Cue.WRONG_NUMBER: (
        r"(?:nobody|no one|no \w+) (?:called|named) \w+|^(?:sorry |there is )?no (?!problem|"
        r"one is)\w+ (?:lives )?here$|wrong (?:number|person|place|house|numb)|(?:no|nobody|no one|"
        r"not anyone)(?: \w+)? (?:by|with|of) that name|you have the wrong|(?:there is|we have|got) (?:no|nobody|"
        r"no one|not any) (?:one )?(?:called|named)|(?:not|never) (?:a|the) (?:\w+ )?(?:barber|salon|restaurant|shop|"
        "store|clinic|dentist|garage|hotel|pharmacy|business|office)|this is a private|private (?:number|residence|"
        "house|home)|misdialed|you (?:have )?dialed wrong|not (?:a|the) right number"
    ),
    Cue.DO_NOT_CALL: (
        "(?:stop|quit) (?:calling|phoning|ringing|bothering)|(?:do not|never|not) (?:ever )?(?:call|phone|ring|"
        "contact)(?: me| us| here| this)?(?: number)?(?: again| anymore| ever| any more| back)|take (?:me|us|"
        "my number|this number|our number) (?:off|from)|remove (?:me|us|my number|this number|our number)|"
        "do not call (?:list|us|me|here)|off your list"
    ),
    Cue.HOSTILE: (
        r"\b(?:fuck\w*|shit\w*|bullshit|asshole|bastard|get lost|piss off|bugger off|go to hell|screw you|shut up|"
        "leave (?:me|us) alone|scammer|idiot|moron|damn (?:robot|machine|bot)|(?:hate|sick of|tired of|fed up with|"
        r"enough of)(?: \w+)* (?:robot|robots|calls|machines|bots)|waste of (?:my )?time|wasting (?:my|our) time|"
        "(?:do not|will not|not going to) (?:talk|speak) (?:to|with) (?:a |an |any )?(?:robot|machine|bot|computer|"
        r"ai)\w*|only (?:talk|speak) (?:to|with) (?:real |living )?(?:people|humans?|persons?)|"
        r"get off (?:the|my) (?:line|phone))\b"
    ),
    Cue.NOT_INTERESTED: "not interested|not buying|do not want (?:any|it|this|what you)",
    Cue.GOODBYE: (
        r"^see you$|talk to you (?:later|soon)|speak soon|\b(?:goodbye|bye|bye bye|see you (?:then|later|soon|"
        "tomorrow|there|on|at|next)|have a (?:good|nice|great|lovely|wonderful)|take care|cheers then|so long|"
        r"good night)\b"
    ),
    Cue.DEFLECT: (
        "(?:need|have|got) to (?:call|ring|contact)|(?:for|are) emergencies only|emergencies only|(?:has|have|"
        "needs?) to (?:send|mail|fax|submit|fill)|(?:has|have|needs?) to (?:call|come|write|sign|ask|do it)(?: "
        r"\w+){0,2} (?:her|him|them)sel(?:f|ves)|(?:can|could|may) only (?:\w+ ){1,3}(?:with the|through|in person|"
        "if (?:he|she|they))|only (?:take|accept|do) walk ?ins|(?:book|order|do (?:it|that|this)|go|apply|sign up|"
        r"register|reserve|schedule|use|through|via|visit|fill|check)(?: \w+){0,3} (?:online|website|web site|web|"
        r"app|internet|site|form)|\bon (?:our|the) (?:website|web site|web|app|internet|site)|(?:only|just) "
        "(?:online|walk ?ins?|in person)|walk ?ins? only|(?:do not|not|never|can not) (?:take|accept|do|make|"
        r"handle)(?: \w+){0,2} (?:over the phone|by phone|on the phone|via phone)|(?:do not|not|never) (?:take|"
        "accept|do)(?: any)? (?:reservations|bookings|appointments)|call (?:us |me |back |again |them |him |her "
        ")*(?:later|tomorrow|monday|tuesday|wednesday|thursday|friday|next week|in the|another|at |after|when)|try "
        "(?:again|calling|back|us)|call (?:the|our|another|a different) (?:other|main|office|number|branch|store|"
        "head)|send (?:us |me |an )*(?:email|e mail)|email us|(?:have|need) to (?:speak|talk) (?:to|with)|need to "
        "come in|come (?:in|by) (?:in )?person|have to come in|(?:not|never) (?:something|anything) we do|can not "
        "(?:discuss|talk|give (?:that|you|out)|share|tell you)"
    ),
    Cue.NOT_HERE: (
        "(?:he|she|they|boss|manager|owner|person|doctor|stylist) (?:is|are) (?:not|out|away|off|gone|busy|sick) "
        r"(?:here|in|at home|home|around|available|today|right now|at the moment|of the office|now|back)|\w+ (?:is "
        r")?not (?:here|in right now|in today|in at the moment|home|at home|around)|\w+ is (?:out|away|on "
        r"(?:vacation|holiday|leave)|in a meeting|at lunch)|\w+'s (?:out|away|gone)\b(?! of stock)|"
        "(?:he|she) can not come to the phone|in the (?:shower|"
        "bath|bathroom|garden)|moved out|(?:stepped|went|gone) out|not (?:home|at home|around|in right now|in today|"
        "at work)|(?:does not|no longer) (?:live|work)s? here|is (?:away|out|not in|at lunch|in a meeting|on "
        "vacation|on holiday|at (?:work|school|practice))$"
    ),
    Cue.WILL_CALL_BACK: (
        r"(?:call|ring|phone|get back to|get) (?:you|him|her|them|\w+) back|get back to you|will let you know"
    ),
    Cue.TAKE_MESSAGE: (
        "(?:take|leave|pass (?:on|along)|give (?:him|her|them)) (?:a |your |any |the )?message|(?:can|shall|should|"
        "want me to|could) i? ?(?:tell|let) (?:him|her|them)"
    ),
    Cue.ROBOT: (
        "some (?:kind|sort) of (?:a )?(?:bot|robot|machine|computer|ai)|(?:are you|am i (?:talking|speaking) (?:to|"
        "with)|is this|is it|is that|you are|you sound|sounds|sound|like|talking to|speaking (?:to|"
        "with)) (?:like )?(?:a |an |the |some |one of those |just )*(?:real |live |actual )?(?:robot|machine|bot|ai|"
        r"a i|computer|recording|automat\w+|human|person|artificial|chat ?bot|chat ?gpt|real|robo ?call|synthetic|"
        r"virtual)|\brobots?\b|robo ?call|artificial intelligence|real person|actual (?:person|human)"
    ),
    Cue.WHO: (
        r"who (?:is|am|are|was|s) (?:this|that|calling|it|speaking|you|i (?:speaking|talking)|there|on)(?! for\b)|"
        "may i ask who|ask who is|whom am i|who do i have|who are you|(?:which|what) company|who do you (?:work|"
        "call)|where are you calling from|calling from where|do i know you|who wants to know|are you (?:the|his|her|"
        r"a|mister|mr|mrs|ms|miss) \w+$|calling on behalf of who|^who$|who is calling|introduce yourself|say your "
        "name and"
    ),
    Cue.WHY: (
        r"^(?:so |okay |and |is |are )*(?:it|this|that|you)(?: is| calling)? about (?:an?|the|your|our|my) \w+$|what "
        r"is up$|what is (?:this|it|that|your call) (?:about|regarding|concerning|in regard\w*|for$)|what (?:is "
        ")?(?:the )?(?:reason|purpose)|why are you calling|what (?:do|did) you (?:want|need)|(?:how|what) (?:can|"
        "may|could) (?:i|we) (?:help|do|assist|get)|how (?:can|may) i (?:be of|direct)|can i help|what are you "
        "calling|what about$|in regards? to|regarding what|what is this regarding|help you with|help you today|may "
        "i help|how i can help|what would you like|what are you after"
    ),
    Cue.HOW_ARE_YOU: "how are (?:you|things)|how is it going|how do you do",
    Cue.ASK_NAME: (
        r"(?<!my )(?<!\bour )(?<!say your )(?<!by that )\b(?:name|surname)\b(?! (?:is|was|of the)\b)|who is (?:it|"
        "this|that|the (?:appointment|booking|reservation|table)) for|for whom|who (?:will|would|should) (?:it|that|"
        r"i|be)(?: \w+)* (?:for|under|down)|under (?:what|which|whose)|(?:what|which) name|who (?:am i|are we|"
        "should i) (?:booking|putting|making)|who(?:m)? (?:am i|should i|shall i|do i) (?:book|put|make)|"
        "who is (?:coming|the (?:patient|guest|customer|client|appointment))|and (?:you are|it is under)$|"
        "what is (?:it|that) under|whose name|name is it"
    ),
    Cue.ASK_SPELLING: (
        r"\bspell|how (?:do you|is that|is it) (?:write|spelled|written|spelt)|with an? [a-z] or|letter by letter"
    ),
    Cue.ASK_PHONE: (
        "^(?:and )?(?:a )?(?:phone|telephone)(?: number)?(?: please)?$|(?:phone|telephone|mobile|cell|contact|"
        "callback|call ?back|your|a|best|good|which|what) (?:phone )?number(?! of (?:people|persons|"
        "guests))(?! (?:on|did you|are you|do you|is on))|number (?:to (?:reach|call)|we can|i can|where|for you)|"
        "how (?:can|do|could) (?:we|i) (?:reach|contact|call) you"
    ),
    Cue.ASK_PARTY: (
        "just the (?:two|three|four) of you|how many(?! (?:nights|days|hours|times|minutes|weeks|cars|pets|bags|"
        "items|copies))|(?:number of|for how many) (?:people|guests|persons)|size of (?:the|your) (?:party|group)|"
        "party size|how big(?: is)?(?: a| the| your)? (?:party|group|table)|how large"
    ),
    Cue.ASK_DAY: (
        r"(?:what|which) (?:day|date|days)|^when(?: is it| is that| would| for| do| did| were| was|$)|for when\b|"
        r"(?:and|but|okay|sure|yes) when\b|when (?:would|did|do|were|are|should|shall|for|is it|will|was|is your|"
        "is the)|any (?:particular|specific|preferred) day|is (?:that|it|this) for today|today or tomorrow"
    ),
    Cue.ASK_TIME: (
        "(?:have|got) a time in mind|(?:what|which) time(?:s)?(?! (?:do|does|is it now|it is))|(?:at|around|"
        "about) what|how (?:early|late)|any (?:particular|specific|preferred) time|what hour|time (?:do you|"
        r"would you|were you|did you|are you|works|suits|you)(?! (?:close|open|shut))|morning or (?:\w+ )*afternoon|"
        "and the time|which hour"
    ),
    Cue.ASK_SERVICE: (
        "what do you need done|what (?:is it (?:you|that)|would you like (?:done|to)|are you (?:looking|coming|"
        "wanting)|did you want|do you want (?:done|to)|service|kind of (?:service|appointment|cut|haircut|treatment|"
        "room|table)|type of|sort of|exactly)|what (?:for|is that for|is it for|is the appointment for)|"
        "which (?:service|treatment|kind|type)|(?:reason for|nature of) (?:the|your) (?:visit|appointment|call)|"
        "for what$|what seems to be"
    ),
    Cue.ASK_SECRET: (
        "(?:a|which|your|the) card (?:to|would|for|on|details)|(?:credit|debit|bank|payment) cards?|card (?:number|"
        r"details|info\w*|on file)|(?:cvv|cvc|security code|expir\w+)|pin(?: number| code)?\b|social security|ssn|"
        "passwords?|passcode|bank account|routing number|iban|verification code|one time code|mother is maiden|"
        "maiden name"
    ),
    Cue.ASK_RECORD: (
        r"^(?:and |your )*insurance(?: please)?$|(?:order|account|member\w*|reference|confirmation|booking|"
        "reservation|policy|prescription|patient|tracking|customer|invoice|ticket|case|library card|plate|license|"
        "licence|registration|insurance|rx|chart|zip|postal|id) (?:number|code|id|plate|card|name)|date of birth|"
        r"birth ?date|(?:your|her|his|the|is) birthday|d o b|\bdob\b|when were you born|(?:your|the|an|email|e mail|"
        "mailing|home|street|delivery|what) address|e ?mail|zip code|post ?code|(?:what|which|your|have|any|carry) "
        r"(?:\w+ )?insurance|(?:make|model) (?:and|of)|number plate|what (?:car|vehicle)|how old"
    ),
    Cue.ASK_OKAY: (
        "is that what you (?:want|need|like)|is (?:that|this|it) (?:okay|all right|fine|good|acceptable|a problem|"
        "possible for you|cool)|(?:will|would|does|do) (?:that|it|this) (?:work|be (?:okay|all right|fine|good|"
        "acceptable)|suit|do)|(?:okay|all right|fine|good) (?:with|for|by) you|you okay with|would you (?:mind|"
        "prefer|like|want) (?:that|it|this)|do you want (?:that|it|this)|sound (?:good|okay)|shall i (?:book|put|"
        "take|reserve|go)|should i (?:book|put|take|reserve|go)|would you like me to|do you want me to|want me to|"
        "shall we|can you (?:make|do) (?:that|it)$"
    ),
    Cue.ANYTHING_ELSE: (
        "anything (?:else|more)|is that (?:all|it|everything)|something else|what else|any other (?:questions|thing)"
    ),
    Cue.STILL_THERE: (
        "(?:are )?you (?:still )?there|still (?:there|on the line)|can you hear|anybody there|anyone there|"
        r"you hear me|is (?:somebody|anybody|anyone|someone) there|^hello hello|hello\?$|are you listening"
    ),
    Cue.REPEAT: (
        r"say (?:that|it) (?:once more|one more time)|(?:do|did) not understand|\b(?:pardon|come again|say (?:that|"
        "it) again|say again|repeat|one more time|what was that|what did you say|excuse me what|did not (?:catch|"
        "hear|get|understand) (?:that|you|what|it|the)|can not (?:hear|understand) you|could not (?:hear|understand|"
        "catch)|what do you mean|you are breaking|breaking up|sorry what|what sorry|speak (?:up|louder|slower|"
        r"slowly)|again please)\b|^(?:what|huh|sorry|excuse me|eh|come again|say what|what is that)$"
    ),
    Cue.OFF_TASK: (
        r"\b(?:sing (?:me|us|a|something)|tell (?:me|us) (?:a joke|a story|about yourself|your (?:prompt|"
        "instructions|system))|joke|poem|ignore (?:all|your|any|the|previous|everything)|forget (?:your|all|about "
        r"your|previous|the)(?: \w+)* (?:instructions|rules|prompt|task|job|goal)|system prompt|your (?:instructions|"
        "prompt|programming)|pretend (?:to be|you)|act as|role ?play|new (?:task|instructions?|job)|(?:buy|order|"
        r"send|transfer|wire|pay|lend|give) (?:me|us)(?: \w+){0,3} (?:money|dollars|gift|cards?|bitcoin|cash|pizza|"
        "something)|transfer (?:money|funds)|wire (?:money|transfer)|gift cards?|what is (?:the )?(?:weather|"
        "capital|meaning)|write me (?:a|some)|(?:call|phone|dial) (?:my|another|this number|the police|him instead)|"
        "math|homework|translate|who (?:won|is the president)|go out with me|date me|favou?rite (?:color|movie|food|"
        "team)|extended warranty|survey|special offer|are you (?:single|married)|say something (?:funny|in)|donate|"
        r"donation)\b"
    ),
    Cue.PRICE: (
        r"\b(?:dollars?|euros?|pounds|bucks|deposit|prepay\w*|pre pay\w*|up ?front|fee|charge|cancellation (?:fee|"
        r"policy)|cost(?:s)?|price)\b"
    ),
    Cue.GREETING: (
        r"\b(?:hello|hi|hey|good (?:morning|afternoon|evening|day)|thank(?:s| you) for calling|thanks for (?:phoning|"
        r"ringing)|this is \w+ (?:speaking|here|at|from)|speaking|welcome to)\b"
    ),
    Cue.UNSURE: (
        r"\bcan not (?:really )?(?:tell|say|know)|no clue|new here|\b(?:maybe|perhaps|not (?:really |quite |entirely "
        "|completely )?(?:sure|certain)|i (?:think|guess|suppose|believe)(?: so)?|probably|might|(?:can|will|could|"
        r"would) try|can not (?:guarantee|promise)|pending|provisional\w*|in (?:theory|principle)|usually|normally|"
        "do not know|no idea|possibly|could be|depends|have to (?:check|ask|see)|need to (?:check|ask|see)|we will "
        "see(?! you| him| her| them)|(?:has|have|needs?) to (?:say|decide|approve|agree|okay it|confirm)|hopefully|"
        r"tentative\w*|not confirmed|waiting list|wait ?list)\b"
    ),
    Cue.CONDITION: (
        r"\b(?:if|unless|as long as|provided|only if|but (?:you|we|i|it|there|first|only|not)|except|however|on "
        r"condition|would need|will need|need (?:a|your|you|the|to have)|require\w*|must|(?:have|need|got) to (?:pay|"
        r"give|leave|put))\b"
    ),
    Cue.RETRACTED: (
        r"\b(?:actually (?:no|not|wait|sorry|we|i|it|that)|(?:wait|sorry|oh|hang on|hold on|hmm|no) (?:no|wait|sorry|"
        "actually|i made)|(?:take|taking) that back|my mistake|made a mistake|i was wrong|scratch that|"
        r"on second thoughts?|oh wait|apolog\w+ (?:but|that|it|i|we)|just (?:been )?(?:taken|booked|gone|got taken)|"
        "changed my mind|i misread|looked at the wrong|wrong (?:day|page|week|column)|i am so sorry|"
        r"spoke too soon)\b"
    ),
    Cue.CONFIRMED: (
        r"\byou are (?:all |now |officially |both |already )?(?:in the (?:system|calendar|diary)|booked|set|"
        "confirmed|down|scheduled|in the book|good to go|reserved|sorted|on the list|in for|cancelled|canceled)|"
        "(?:i|we) (?:have |will have |have got |got |will put |put |have put |am putting |will book |have booked |"
        r"just booked |booked |will pencil |have )you (?:down|in|booked|at|for|on the|all|scheduled|set)\b(?! file)|"
        r"\b(?:it|that|this|table|appointment|reservation|booking|room|order|slot|spot|everything|prescription|"
        r"membership|refill|pickup|delivery)(?: \w+){0,6} (?:is|has been|are|was) (?:now |all |been |already |"
        "officially )?(?:booked|reserved|confirmed|scheduled|arranged|set|cancelled|canceled|moved|changed|placed|"
        "renewed|refilled|ordered|done|made|sorted|rescheduled|taken care of|complete|completed|put in|registered|"
        r"extended|in the (?:book|system|calendar))|\b(?:i|we) (?:have |just |have just |already |have already |went "
        "ahead and |will )?(?:booked|reserved|confirmed|scheduled|cancelled|canceled|moved|renewed|placed|"
        r"rescheduled|made|arranged|noted|extended|put (?:it|that|him|her|them)(?: \w+)? (?:in|down)|written)\b(?! "
        r"out| up)|\b(?:see|expecting|seeing|expect) (?:you|him|her|them|\w+|you all) (?:then|tomorrow|on|at|monday|"
        r"tuesday|wednesday|thursday|friday|saturday|sunday|tonight|there|next)\b|look(?:ing)? forward to|\ball "
        r"(?:set|done|sorted|ordered|booked(?! up| out| solid)|good to go|arranged|taken care of|confirmed)\b|"
        r"(?:booking|appointment|reservation) confirmed|\b(?:somebody|someone|he|she|they|i|we) (?:will be|is|are) "
        r"there\b|consider it (?:done|booked|sorted)|\b(?:table|court|room|slot|spot|it|that|place|one) is (?:all "
        ")?yours|taken care of it|that is you (?:booked|sorted|done|set)|(?:reservation|booking|appointment|table|"
        "order)(?:'s| is) (?:made|in|done)|got you (?:down|in|at|for|booked)|^(?:(?:okay|yes|all|right|great|and|it "
        r"is|that is) )+(?:booked|done|confirmed|cancelled|canceled)\b(?! up| out| solid| until| till| through)|"
        r"^(?:done|confirmed)|done and done|booked you|(?:booked|reserved) for you|(?:the|your) (?:\w+ )?\w+ (?:is|"
        r"are|has been|have been) (?:now )?(?:renewed|extended|refilled|registered)\b"
    ),
    Cue.UNAVAILABLE: (
        r"\b(?:fully|completely|totally|already|solidly) (?:booked|full|reserved|taken)(?! (?:in|you))|sorry .*all "
        "booked|all (?:full|taken|reserved)|booked (?:up|out|solid|until|till|through)|(?:we|i|they|he|she|day|"
        "evening|week|schedule|calendar|everyone|everybody) (?:am|are|is) (?:pretty |really |quite |so |very |all |"
        "absolutely )?booked(?! (?:in|at))|(?:we|i|it|that|they|he|she|day|evening|week|schedule|calendar|everyone|"
        "everybody) (?:am|are|is) (?:pretty |really |quite |so |very |all |absolutely )?(?:full|booked(?! (?:in|for|"
        "at|on))|packed|slammed|swamped|busy|taken|gone|overbooked)|is (?:already )?(?:taken|gone|full|booked|busy|"
        "occupied)(?! (?:in|for))|(?:no|not any|zero|not a) (?:more |free |open |other )?(?:tables?|rooms?|"
        r"openings?|availab\w+|space|slots?|appointments?|times?|room|vacanc\w+|spots?|capacity|spaces|seats|single|"
        r"chance|way|can do|good)\b|nothing (?:left|available|free|open|at|on|for|that|until|till|before|else|in|"
        "then|tomorrow|today)?|none (?:left|available)|not (?:have|got) (?:any|a|an|that|anything|space|room|it|one|"
        "enough)|not available|unavailable|no availability|will not (?:book|reserve|hold|cancel)|been (?:full|"
        "booked|sold out)|difficult|tricky|not even (?:one|a)|(?:can|could) not (?:do|fit|take|make|offer|help|"
        "accommodate|book|squeeze|manage|cancel|change|move|serve|get|see|process|renew|refill)|no longer|sold out|"
        "chock ?a ?block|out of the question|stopped (?:taking|accepting|doing|making)|none of (?:the|us|our|my)|"
        "(?:that|it) (?:time |slot |one )?is (?:already )?gone|(?:time|slot|spot|one)(?:'s| is) (?:already )?gone|"
        "(?:just|already) (?:booked|took|reserved|got) (?:it|that)|but (?:we|i) can not|away that day|not possible|"
        r"impossible|(?:am|are|is) not (?!sure)\w+ing|(?:will|does|do|would|is) not (?:work|going to work|be "
        "possible)|out of stock|not (?:in stock|have that)|do not (?:do|offer|have|take|carry|serve|provide|sell|"
        r"accept|make|see)\b|not (?:on|in) (?:the|our|my) (?:system|list|book|records|schedule)|can not find|unable "
        "to|wish i could|(?:that|it) is (?:too (?:late|early|short)|gone)|too (?:late|early) to|am afraid not|"
        "afraid (?:we|i|that|it) (?:is |are |am )?(?:not|can not|do not)|short ?staffed|under (?:renovation|"
        "construction)|out of business|not (?:allowed|permitted|eligible)|(?:maybe|perhaps|some) (?:another|other|"
        "next) time|another time then|(?:we|they|he|she) do(?:es)? not (?!mind|know|think|understand|hear|need|"
        r"worry|require|charge|care|want|like|only|even)\w+"
    ),
    Cue.CLOSED: (
        r"\b(?:closed|to close|not open|on (?:vacation|holiday)|shut|do not open|off (?:that|on)|holiday hours|"
        "closing (?:early|today|tomorrow|for|on|that|down)|out of order|broken|day off|no one (?:works|is here|"
        r"is in))\b"
    ),
    Cue.ANY_TIME: (
        r"\b(?:any ?time|whenever|whatever (?:time|you|works|suits)|all day|wide open|plenty of (?:time|space|room|"
        "openings|availability)|lots of (?:openings|space|availability)|any of (?:those|them)|completely (?:free|"
        r"open)|up to you|your choice)\b"
    ),
    Cue.NOTED: (
        r"\b(?:got it|will (?:do|tell|let|pass|give|say|make sure|note)|(?:tell|let) (?:him|her|them)|pass (?:it|"
        "that|the message) (?:on|along)|noted|understood|i (?:have )?(?:got|heard|understand|wrote)|i see(?! (?:the|"
        r"an?|it|you|him|her|your|no|that)\b)|thanks? (?:you )?for (?:letting|telling|the (?:info|message|call|heads "
        "up))|good to know|message received|okay (?:thanks|thank you|bye|cool|great|good)|thank you so much|no "
        r"problem|fair enough|all right)\b"
    ),
    Cue.THANKS: r"\b(?:thank you|thanks|cheers|appreciate it)\b",
}

COMPILED = {cue: re.compile(rf"\b(?:{pattern})\b") for cue, pattern in PATTERNS.items()}
