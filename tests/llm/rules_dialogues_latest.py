"""Calls that went wrong when they were played for the first time, or nearly did."""

from __future__ import annotations

from simulated_callee import Dialogue, Line

YES = Line(r"is that right|is it settled|did you get that", "yes that's right", again=True)
MIKE = "Tell Mike that the game on Saturday is moved to eleven."
UNCLEAR_MENU = "to track a package press one on friday yes i do alright valid press three"
FOR_MIKE = "Hello, I have a message for Mike. Is he there?"

LATEST = [
    Dialogue(
        name="writes it down and finds it taken",
        goal="Book a table for four on Friday at 7 pm under the name Sarah Chen. It has to be seven.",
        opens="friday at seven for four people sure what's the name",
        first_message="Hello, I would like to book a table for four on Friday at seven, under the name Sarah Chen.",
        lines=[
            Line("settled", "okay let me write that down"),
            Line("wait", "oh wait sorry that table is taken i could do nine thirty"),
            Line("", "nine thirty is all i have do you want that", again=True),
        ],
        truth="no",
    ),
    Dialogue(
        name="asks back who is calling, then is not the one",
        goal=MIKE,
        opens="who is this please",
        first_message=FOR_MIKE,
        lines=[
            Line("Is Mike there", "mike's not home right now this is his wife"),
            Line("tell Mike", "okay i'll tell him when i see him"),
            Line("did you get that", "yes okay"),
        ],
        truth="unknown",
    ),
    *(
        Dialogue(
            name=f"is asked for and answers: {answer}",
            goal=MIKE,
            opens=answer,
            first_message=FOR_MIKE,
            lines=[Line("game on Saturday", "okay got it thanks"), Line("wait", "hello this is mike"), YES],
            truth=truth,
        )
        for answer, truth in (
            ("yes this is mike", "yes"),
            ("speaking", "yes"),
            ("just a second i'll get him", "yes"),
            ("no he's at work", "unknown"),
        )
    ),
    Dialogue(
        name="has taken the wrong night and then books the right one",
        goal="Book a double room for Friday, one night, for Peter Novak.",
        opens="let me check yes we have a room how many nights",
        first_message="Hello, I would like to book a double room for Friday night for Peter Novak.",
        lines=[
            Line("One night", "and the name please"),
            Line("Novak", "okay so that's one night thursday to friday"),
            Line("Friday", "oh my mistake friday to saturday one night you're booked"),
            Line("right", "yes friday one night it's booked"),
        ],
        truth="yes",
    ),
    Dialogue(
        name="wants to know when the appointment was that is cancelled",
        goal="Cancel my dentist appointment on Monday at nine. The name is David Brown.",
        opens="and the appointment was for when",
        first_message="Hello, I am calling to cancel an appointment for David Brown.",
        lines=[Line("Monday at nine", "okay monday at nine is cancelled"), YES],
        truth="yes",
    ),
    Dialogue(
        name="asks when it is now and when it is to be",
        goal="Ask Coach Dan to move Emma's tennis lesson from Tuesday at three to Thursday at four.",
        opens="dan here",
        lines=[
            Line("Emma's tennis lesson on Tuesday", "when is her lesson now"),
            Line("On Tuesday at three", "and when would you like it"),
            Line("On Thursday at four", "sure that's fine"),
            YES,
        ],
        truth="yes",
    ),
    Dialogue(
        name="keeps us waiting and asks what it is about",
        goal="Find out if the prescription for Robert Hale is ready to be picked up.",
        opens="hold on one second",
        lines=[
            Line("wait", "okay thanks for holding what can i do for you"),
            Line("prescription", "is it about a prescription"),
            Line("prescription", "no it's not ready yet come in tomorrow after three"),
            YES,
        ],
        truth="yes",
        never_says=r"heard: (?:holding|is it|it about)",
    ),
    Dialogue(
        name="wants to know whether it is a robot before anything else",
        goal="Make an appointment for our cat Biscuit at the vet, Tuesday at three. Name is Helen Park.",
        opens="hold on am i talking to a robot",
        first_message="Hello, I would like to make an appointment for a cat on Tuesday at three.",
        lines=[
            Line("automated assistant", "okay whatever what's the name of your pet"),
            Line("Biscuit", "alright tuesday at three you're in the book"),
            YES,
        ],
        truth="yes",
        never_says="wait",
    ),
    Dialogue(
        name="chats, asks what it was about, and never says whether he delivers",
        goal="Find out what a cord of firewood costs at Earl's farm and whether he can deliver it this week.",
        opens="well it's been a cold one hasn't it my dog won't even go outside",
        first_message="Hello, I would like to know what a cord of firewood costs.",
        lines=[
            Line("again", "you're calling about the wood right"),
            Line("costs", "a cord is two hundred dollars"),
            Line("two hundred dollars. Is that right", "two hundred yes sir"),
            Line("deliver", "firewood sure it will right okay michael you cut it last fall"),
            Line("", "a cord is two hundred dollars", again=True),
        ],
        truth="unknown|no",
        never_says="heard: (?:it's|you're)",
    ),
    Dialogue(
        name="puts somebody else on, who has to be told again",
        goal="Find out if they have a ten foot aluminum ladder in stock and what it costs.",
        opens="oh that's the tool department let me transfer you",
        first_message="Hello, I would like to know whether you have a ten foot ladder in stock.",
        lines=[
            Line("wait", "two fifteen"),
            Line("again", "sorry what did you need"),
            Line("ladder", "yes we have three of those left"),
            Line("three of those left. Is that right", "yes three left"),
            Line("costs", "anything else"),
            Line("costs", "they're ninety five dollars each"),
            Line("ninety five", "yes we have three ninety five dollars each", again=True),
        ],
        truth="yes",
        never_says="heard: (?:two fifteen|yes you have three ninety)|No, thank you",
    ),
    *(
        Dialogue(
            name=f"has the message, and says whether he can come: {answer}",
            goal="Tell Tom that band practice is on Wednesday at five, and get him to say whether he can come.",
            opens="mm",
            first_message="Hello, I have a message for Tom about band practice.",
            lines=[Line("did you get that", "yes okay"), Line("whether you can come|check", answer, again=True), YES],
            truth=truth,
            never_says="get him",
        )
        for answer, truth in (("hm i don't know yet", "unknown"), ("yes i can come", "yes"))
    ),
    Dialogue(
        name="bakery asks for the writing and all the rest",
        goal="Order a chocolate cake for twelve people for Saturday at noon, with 'Happy Birthday Leo' on it. "
        "Name: Nora Quinn, 202 555 0177.",
        opens="a cake sure how many people is it for",
        first_message="Hello, I would like to order a chocolate cake for Saturday.",
        lines=[
            Line("twelve", "okay so you want anything written on it"),
            Line("Happy Birthday Leo", "l e o okay and when do you pick it up"),
            Line("noon", "and your name and phone number"),
            Line("Nora", "i have it one chocolate cake happy birthday leo saturday at noon all ordered"),
            Line("right|settled", "yes chocolate for twelve people saturday at noon happy birthday leo", again=True),
        ],
        truth="yes",
    ),
    Dialogue(
        name="does not know, the mechanic is out",
        goal="Is Martin's bike ready?",
        opens="um that's our mechanic he isn't in today",
        first_message="Hello, I would like to know whether the bike of Martin is ready.",
        lines=[Line("", "i only do the register you have to call back tomorrow", again=True)],
        truth="no",
    ),
    Dialogue(
        name="takes down the wrong day, is full on the right one and hangs up",
        goal="Book a haircut for Eric on Friday afternoon. Only Friday works.",
        opens="okay thursday at three that's good",
        first_message="Hello, I would like to book a haircut for Eric on Friday afternoon.",
        lines=[
            Line("I meant", "friday no friday i'm full would three is what i have"),
            Line("", "no all of friday is full"),
        ],
        truth="no",
    ),
    Dialogue(
        name="restaurant has nothing else and says okay bye",
        goal="Reserve a table for two tomorrow at seven.",
        opens="no sorry we're full at seven",
        first_message="Hello, I would like to reserve a table for two tomorrow at seven.",
        lines=[Line("instead", "okay bye", again=True)],
        truth="no",
    ),
    Dialogue(
        name="the boss has to say yes",
        goal="Get Ana's Catering to do lunch for twenty people on the 5th of June. Contact is Greg, 202 555 0166.",
        opens="okay",
        first_message="Hello, I am calling about lunch for twenty people on June fifth.",
        lines=[Line("", "yes i have it written down but ana has to say yes", again=True)],
        truth="unknown",
    ),
    Dialogue(
        name="motel keeps the booking that is to be cancelled",
        goal="Cancel my room for tonight, name Amy Foster.",
        opens="front desk",
        lines=[Line("cancel our room", "okay i see it"), Line("is cancelled", "it stays booked sorry")],
        truth="no",
    ),
    Dialogue(
        name="landlord's menu, half heard",
        goal="Tell the Parkview office that the heater in apartment 3B is broken. My name is Diane Ross.",
        opens="welcome to parkview apartments to rent an apartment press one or repairs at two to hear this again",
        lines=[Line("", "please leave a message after the tone"), Line("", "[voicemail: the beep has sounded]")],
        truth="unknown",
        digits="2",
        says="heater",
    ),
    Dialogue(
        name="child answers before the message is told",
        goal="Tell Mrs. Turner that the parent meeting on Monday is in room five, not in the gym.",
        opens="um mom's not here",
        first_message="Hello, I have a message for Mrs. Turner about the parent meeting.",
        lines=[Line("tell Mrs Turner", "um okay i can try to tell her"), Line("", "yes okay", again=True)],
        truth="unknown",
    ),
    Dialogue(
        name="wants to know who calls before she says who she is",
        goal="Tell Karen that John's flight is late and he lands at eleven tonight.",
        opens="sorry who are you",
        first_message="Hello, I am calling for John, with a message for Karen.",
        lines=[
            Line("Is Karen there", "okay and where did you get this number"),
            Line("Is Karen there", "hm alright i'm karen so what's the message"),
            Line("flight", "oh okay he lands at eleven got it"),
        ],
        truth="yes",
    ),
    Dialogue(
        name="is not sure and has nobody to ask",
        goal="Find out whether the pool at Fit Planet is open on Sunday evening.",
        opens="the pool i think so maybe i'm new here",
        first_message="Hello, I would like to know whether the pool is open on Sunday evening.",
        lines=[Line("", "nobody else is here right now", again=True)],
        truth="unknown",
        never_says="understand",
    ),
    Dialogue(
        name="cancels only for the member himself",
        goal="Cancel my membership in the Valley Wine Club. Harold Stone, member number 2315.",
        opens="i'm sorry to hear that are you the member",
        first_message="Hello, I am calling for Harold Stone, to cancel a membership.",
        lines=[Line("for Harold Stone", "i see i can only cancel it with the member himself on the line")],
        truth="no",
        says="assistant",
    ),
    Dialogue(
        name="has written down another number",
        goal="Check if my suit is ready at Star Cleaners, ticket number 529.",
        opens="what's the ticket number",
        first_message="Hello, I would like to know whether a suit is ready.",
        lines=[
            Line("5 2 9", "five two five"),
            Line("One thing: the ticket number is 5 2 9", "oh five two nine let me look"),
            Line("wait|time", "yep the suit is ready"),
            YES,
        ],
        truth="yes",
    ),
    Dialogue(
        name="says okay and leads up to something else",
        goal="Reserve a table for two tomorrow at seven.",
        opens="okay",
        first_message="Hello, I would like to reserve a table for two tomorrow at seven.",
        lines=[Line("", "okay i'll pass it on to the manager and he decides", again=True)],
        truth="unknown",
    ),
    Dialogue(
        name="menu that stays unclear is tried out",
        goal="How long is the post office on Pine Street open on Saturday?",
        opens=UNCLEAR_MENU,
        lines=[
            Line("^$", UNCLEAR_MENU),
            Line("", f"that's eight automatic choice {UNCLEAR_MENU} {UNCLEAR_MENU}"),
            Line("", "we are open on saturday from nine to one to hear this again press nine"),
        ],
        truth="yes",
        digits="03",
        summary="recorded",
    ),
    *(
        Dialogue(
            name=f"is full and is asked for the waiting list: {answer}",
            goal="Get a table for three at the Blue Door tonight at eight, name Yusuf. If they are full, put us on the "
            "waiting list.",
            opens="oh no tonight we're completely full",
            first_message="Hello, could I get a table for three people for tonight?",
            lines=[
                Line("put us on the waiting list", answer),
                Line("Yusuf", "okay yusuf three people you're on the list for tonight"),
                Line("is that right", "yes you're on the waiting list for tonight"),
                Line("", "bye"),
            ],
            truth=truth,
            summary=summary,
        )
        for answer, truth, summary in (
            ("sure i can put you on the waiting list what's the name", "yes", "waiting list"),
            ("no we don't keep a waiting list", "no", ""),
        )
    ),
    Dialogue(
        name="court is theirs, says so twice",
        goal="Book a tennis court for Sunday at ten for two people, under Tom Reed. Anything before two is fine.",
        opens="sunday at ten no that's gone i have eleven thirty or three in the afternoon",
        first_message="Hello, I would like to book a tennis court for Sunday at ten for two people.",
        lines=[
            Line("eleven thirty", "eleven thirty okay what name shall michael"),
            Line("Tom Reed", "hello a color is yours sunday at eleven thirty", again=True),
        ],
        truth="yes",
    ),
    *(
        Dialogue(
            name=f"has a table but allows no cake of ours: {answer}",
            goal="Book a table for ten at the Old Mill on Sunday at one for Ruth Klein's birthday. We need to bring "
            "our own cake, so only book if that is okay.",
            opens=answer,
            first_message="Hello, I would like to book a table for ten on Sunday at one. Could we bring our own cake?",
            lines=[
                Line("right|settled", "yes sunday at one"),
                Line("", "i'm sorry eight okay from outside so no table then"),
                Line("", "okay i won't book it"),
                Line("", "see you then bye bye"),
            ],
            truth=truth,
        )
        for answer, truth in (
            ("the table is free but no you can't bring a cake here don't allow that", "no"),
            ("sunday at one for ten yeah we can do that", "unknown"),
        )
    ),
    Dialogue(
        name="parts kindly after a refusal",
        goal="Reserve a table for two tomorrow at seven.",
        opens="okay",
        first_message="Hello, I would like to reserve a table for two tomorrow at seven.",
        lines=[
            Line("is that right", "sorry no seven is taken"),
            Line("instead", "no nothing else"),
            Line("", "see you then bye bye", again=True),
        ],
        truth="no",
    ),
    Dialogue(
        name="asks for a day after something that sounds like one",
        goal="Move my physical therapy appointment from Tuesday at ten to Thursday, any time in the morning. "
        "Name is Kevin Walsh.",
        opens="sure what's the name",
        first_message="Hello, I would like to move an appointment for Kevin Walsh from Tuesday to Thursday.",
        lines=[
            Line("Walsh", "the fifth and what day would be better"),
            Line("On Thursday", "thursday morning i could do eleven fifteen"),
            Line("right", "okay i moved you from tuesday to thursday at eleven fifteen"),
        ],
        truth="yes",
    ),
    Dialogue(
        name="somebody else, to whom the message has not been told yet",
        goal="Tell Hank that the meeting with the bank is on Monday at nine, and not on Tuesday.",
        opens="i just work with him you want me to tell him something",
        first_message="Hello Hank, this is an automated assistant with a message about the meeting with the bank.",
        lines=[Line("tell Hank|let Hank know|pass", "yes okay")],
        truth="unknown",
    ),
    Dialogue(
        name="says yes to one time of two, and both",
        goal="Find out whether the train museum is open on Sunday, and until what time.",
        opens="train museum",
        lines=[
            Line("open on Sunday", "yes sunday we close at five"),
            Line("five", "yep eleven to five"),
        ],
        truth="yes",
        summary="five",
    ),
]
