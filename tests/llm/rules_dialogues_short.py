"""Short everyday calls: what the callee says, one line after the other, and then goodbye."""

from __future__ import annotations

from simulated_callee import Dialogue, Line

_CALLS = (
    (
        "Make an appointment for an eye exam for Nina Falk on Thursday morning, between nine and eleven.",
        "eyes and more this is paul|thursday morning let me check|i have nine forty five|great and is she a "
        "new patient|okay nine forty five thursday for nina|yes that's it bye",
        "yes",
    ),
    (
        "Make an appointment for an eye exam for Nina Falk on Thursday morning, between nine and eleven.",
        "eyes and more this is paul|thursday the doctor is not in|he's here on friday|then i can't help you sorry",
        "no",
    ),
    (
        "Renew the book The Long Road for card number 3391.",
        "public library|what's your card number|okay the long road that one is on hold for someone else|no i "
        "can't renew it it's due on monday",
        "no",
    ),
    (
        "Renew the book The Long Road for card number 3391.",
        "public library|card number please|okay i renewed it until the twentieth|yes until the twentieth",
        "yes",
    ),
    (
        "Order two large pizzas with mushrooms for delivery to 14 Elm Road, name Otto, for tonight at seven.",
        "pizza palace what can i get you|okay two large mushroom what's the address|and your phone number|we "
        "need a number for the driver|then i can't send it sorry",
        "no",
    ),
    (
        "Order two large pizzas with mushrooms for delivery to 14 Elm Road, name Otto, for tonight at seven. "
        "Phone 202 555 0101.",
        "pizza palace what can i get you|okay two large mushroom what's the address|and your phone "
        "number|that's twenty six dollars it'll be there at seven|yes seven o'clock",
        "yes",
    ),
    (
        "Ask whether Dr. Lee can see Tom today because of a toothache.",
        "dental office|today is very full is he in much pain|hm doctor lee could squeeze him in at five "
        "thirty|yes five thirty today|yes|okay bye",
        "yes",
    ),
    (
        "Ask whether Dr. Lee can see Tom today because of a toothache.",
        "dental office|no she's booked all day|maybe try the emergency clinic",
        "yes|no|unknown",
    ),
    (
        "Tell Mr. Hart that the rent will be paid on Friday.",
        "hello|this is hart who's calling|on friday hm okay but not later|okay bye",
        "yes|unknown",
    ),
    (
        "Tell Mr. Hart that the rent will be paid on Friday.",
        "yeah|no way the rent is due today|i won't accept that",
        "yes|no|unknown",
    ),
    (
        "Cancel the gym membership of Lou Park, member number 8812.",
        "power gym|okay lou park i see it|you have to send us a letter for that",
        "no",
    ),
    (
        "Cancel the gym membership of Lou Park, member number 8812.",
        "power gym|member number|okay it will end on the thirty first|yes it's cancelled as of the thirty first",
        "yes",
    ),
    (
        "Find out what new front brakes for a Ford Focus cost and how long it takes.",
        "auto service mike|front brakes on a focus that's about three hundred|yeah three hundred|half a "
        "day|yes half a day bring it in the morning",
        "yes",
    ),
    (
        "Find out what new front brakes for a Ford Focus cost and how long it takes.",
        "auto service mike|can't say without seeing the car|no you'd have to bring it in",
        "no|unknown",
    ),
    (
        "Let the school know that Emma Stone in class 3B is sick today.",
        "lincoln elementary|okay emma stone three b thank you|yes",
        "yes",
    ),
    (
        "Let the school know that Emma Stone in class 3B is sick today.",
        "lincoln elementary|and who are you|okay and is it a fever|alright i've written it down",
        "yes",
    ),
    (
        "Change the reservation of Ken Mori from the 10th to the 12th of June.",
        "harbor inn|reservation number|okay ken mori june tenth|the twelfth is sold out|sorry nothing",
        "no",
    ),
    (
        "Change the reservation of Ken Mori from the 10th to the 12th of June.",
        "harbor inn|okay ken mori june tenth to the twelfth one moment|alright you're all set for the "
        "twelfth|yes june twelfth",
        "yes",
    ),
    (
        "Get a plumber to fix a leaking pipe at 5 Oak Street tomorrow.",
        "fast plumbing|what's the problem|tomorrow between ten and twelve okay|and the address|good somebody "
        "will be there between ten and twelve|yes",
        "yes",
    ),
    (
        "Get a plumber to fix a leaking pipe at 5 Oak Street tomorrow.",
        "fast plumbing|oh we're swamped this week|earliest would be tuesday|sorry",
        "no",
    ),
    (
        "Reserve four tickets for Hamlet on Saturday evening under Berg.",
        "city theater box office|saturday is sold out i've got sunday|no saturday's gone",
        "no",
    ),
    (
        "Ask if the dress of Mia Wong is finished and until when she can pick it up.",
        "tailor shop|mia wong let me look|not yet it will be done on wednesday|yes wednesday|six|we're open "
        "until six|yes",
        "yes",
    ),
    (
        "Order a bouquet of roses to be delivered to Ann Bell at 3 Mill Lane on Sunday morning.",
        "flower corner|we don't deliver on sundays|saturday would be possible|no sundays never",
        "no",
    ),
    (
        "Book a parent meeting with Ms. Gray on Tuesday at four, name Ivan Petrov.",
        "front office|tuesday at four she has a class|she could do four thirty|okay four thirty tuesday "
        "mister petrov|yes",
        "yes",
    ),
    (
        "Rent a small car from Friday to Sunday for Olga Nowak.",
        "rent a car|yes we have a small car friday to sunday|driver's license number please|i need the "
        "license number to book it|can't do it without sorry",
        "no",
    ),
    (
        "Ask the vet whether Rex can eat normally again.",
        "animal clinic|the doctor has to tell you that she's in surgery|can she call you back",
        "no|unknown",
    ),
    (
        "Tell Mrs. Cole that her parcel is with us in number 7.",
        "hello|yes this is mrs cole|oh wonderful thank you i'll come by tonight",
        "yes",
    ),
    (
        "Tell Mrs. Cole that her parcel is with us in number 7.",
        "hello|what|speak up please|who is this|my parcel oh with you okay dear thank you",
        "yes",
    ),
    (
        "Book a sauna for two on Saturday at six, name Vera.",
        "wellness spa|saturday at six we have a private party|seven thirty is free|okay seven thirty two "
        "people|vera yes|yes",
        "yes",
    ),
    (
        "Book a sauna for two on Saturday at six, name Vera.",
        "wellness spa|saturday six should be fine i think|i can't see the calendar right now|probably|can "
        "you call again in an hour",
        "no|unknown",
    ),
    (
        "Ask whether the branch on Main Street is open on Saturday.",
        "first bank how may i direct your call|saturdays no only monday to friday|yes",
        "yes",
    ),
    (
        "Ask whether the branch on Main Street is open on Saturday.",
        "first bank please hold|thank you for holding how can i help|i believe so let me verify|yes saturday "
        "from nine to twelve|that's right",
        "yes",
    ),
    (
        "Cancel the cleaning on Friday for the Lopez family.",
        "sparkle cleaning|for this friday there's a fee of twenty dollars|okay it's cancelled then|yes",
        "yes",
    ),
    (
        "Cancel the cleaning on Friday for the Lopez family.",
        "sparkle cleaning|it's too late for friday they're scheduled|you'd have to pay anyway|no i can't",
        "no",
    ),
    (
        "Ask Sara whether she comes to dinner on Saturday.",
        "hey|who's that|saturday oh i'd love to but i'm away|yes sorry",
        "yes|no",
    ),
    (
        "Ask Sara whether she comes to dinner on Saturday.",
        "hey it's sara|saturday yes what time|yes i'll come|yes",
        "yes",
    ),
    (
        "Ask whether my phone is repaired, ticket number 772.",
        "fone fix|seven seven two yes it's ready|yes you can get it till six",
        "yes",
    ),
    (
        "Book a haircut for Ed today at five.",
        "barber|five no six|six yes|okay six ed|yes",
        "yes",
    ),
    (
        "Book a haircut for Ed today at five.",
        "barber|we don't do appointments just come by|yeah just walk in",
        "no|unknown",
    ),
    (
        "Book a table for four on Friday at eight under Kim.",
        "bistro|yes|wait did you say friday|friday is closed for a wedding",
        "no",
    ),
    (
        "Book a piano lesson for Leo on Monday at four, my name is Rita.",
        "music school good afternoon|monday at four hm mister klein is free at four|how old is leo|okay no "
        "problem i'll put leo down for monday four|yes",
        "yes",
    ),
    (
        "Book a piano lesson for Leo on Monday at four, my name is Rita.",
        "music school good afternoon|we only take beginners in september|no there's a waiting list until then",
        "no",
    ),
    (
        "Ask the cable company when the technician comes to Nora Ruiz, account number 55821.",
        "cable support|account number please|he'll be there tomorrow between one and three|yes between one and three",
        "yes",
    ),
    (
        "Ask the cable company when the technician comes to Nora Ruiz, account number 55821.",
        "cable support|account number please|i don't see any appointment|no there's nothing scheduled",
        "yes|no|unknown",
    ),
    (
        "Get a chimney sweep to come on Tuesday morning at 8 Park Lane, name Dorn.",
        "sweep service hello|tuesday morning i can come at eight|eight in the morning yes|okay dorn park "
        "lane eight|yes tuesday at eight",
        "yes",
    ),
    (
        "Get a chimney sweep to come on Tuesday morning at 8 Park Lane, name Dorn.",
        "sweep service hello|i'll have to look at my book at home|i'll call you tonight",
        "unknown|no",
    ),
    (
        "Order a case of red wine for pickup on Saturday, name Bell.",
        "wine store|which one|we have a house red for ninety|okay one case house red bell saturday|yes",
        "yes",
    ),
    (
        "Book a manicure on Friday at noon for Tess.",
        "nails by kim|friday noon i'm at lunch|eleven or one|eleven okay|yes tess friday eleven",
        "yes",
    ),
    (
        "Ask what time the last ferry leaves on Sunday.",
        "ferry office|on sundays nine fifteen|yes nine fifteen in the evening",
        "yes",
    ),
    (
        "Ask what time the last ferry leaves on Sunday.",
        "ferry office one moment please|okay go ahead|the last one is at nine fifteen|correct",
        "yes",
    ),
    (
        "Ask whether the hall can be rented on June 20th and what it costs.",
        "saint mary's parish|the twentieth there's a wedding|sorry it's taken|yes",
        "yes|no",
    ),
    (
        "Order a tow truck to 5 Lake Road for Ben Ito.",
        "tow service what happened|where is the car|okay somebody's there in forty minutes|forty minutes yes",
        "yes",
    ),
    (
        "Order a tow truck to 5 Lake Road for Ben Ito.",
        "tow service what happened|lake road that's outside our area|you need to call the county service",
        "no",
    ),
    (
        "Ask whether the test results of Iris Blum are there.",
        "doctor hall's office|date of birth|i can't find her without that|sorry",
        "no|unknown",
    ),
    (
        "Ask whether the test results of Iris Blum are there. She was born on May 3 1970.",
        "doctor hall's office|date of birth|yes they came in this morning|that's correct",
        "yes",
    ),
    (
        "Tell Dr. Sand's office that Paul Reed will be ten minutes late.",
        "doctor sand's office|paul reed okay|thanks for letting us know",
        "yes",
    ),
    (
        "Tell Dr. Sand's office that Paul Reed will be ten minutes late.",
        "hello|what doctor|this is a private number",
        "no",
    ),
    (
        "Reserve a campsite for a tent from Friday to Sunday for the Kellers.",
        "pine lake camping|friday to sunday how many people|okay there's one left by the lake|kellers done "
        "it's yours|yes",
        "yes",
    ),
    (
        "Reserve a campsite for a tent from Friday to Sunday for the Kellers.",
        "pine lake camping|that's the holiday weekend we've been full for months|not even one",
        "no",
    ),
    (
        "Book a hair color for Jo on Tuesday at ten.",
        "salon nine|with whom|tuesday at ten with marie|great see you tuesday|yes",
        "yes",
    ),
    (
        "Book a hair color for Jo on Tuesday at ten.",
        "salon nine|wednesday at ten okay|no tuesday we're closed|sorry",
        "no",
    ),
    (
        "Ask them to hold the red bike for me until Friday, name Sol.",
        "bike barn|we can't hold it longer than a day|no one day that's the rule",
        "no",
    ),
    (
        "Ask them to hold the red bike for me until Friday, name Sol.",
        "bike barn|the red one sure what's the name|sol okay i put a tag on it|yes until friday",
        "yes",
    ),
    (
        "Find out how much a passport photo costs.",
        "photo corner|twelve dollars for four|yep",
        "yes",
    ),
    (
        "Find out how much a passport photo costs.",
        "photo corner|for which country|twelve dollars|yes",
        "yes",
    ),
    (
        "Invite Mrs. Olsen to the concert on Sunday at five.",
        "hello olsen|oh how nice sunday at five|yes i'll be there",
        "yes|unknown",
    ),
    (
        "Ask if I can return a jacket without the receipt.",
        "fashion store|no you need the receipt|yes",
        "yes|no",
    ),
    (
        "Ask whether a blue backpack was found on bus 12 on Monday.",
        "lost property|a blue backpack let me check|we have two blue ones|you'd have to come and look",
        "yes|unknown|no",
    ),
    (
        "Let the daycare know that grandma picks up Mia today.",
        "sunshine daycare|okay what's her name|we need her name and she has to bring id|alright",
        "yes|unknown",
    ),
    (
        "Book a table for two tonight at nine, name Ray.",
        "yeah what|nine fine|ray whatever|i said yes",
        "yes",
    ),
    (
        "Book a table for two tonight at nine, name Ray.",
        "grill house|how did you get this number|who is ray|we'll see",
        "no|unknown",
    ),
    (
        "Book a table for two tonight at nine, name Ray.",
        "grill house|i can pencil you in but call again at six to confirm|no call at six",
        "no|unknown",
    ),
)

SHORT = [
    Dialogue(
        name=f"short call: {said}",
        goal=goal,
        opens=said.split("|")[0],
        lines=[*(Line("", line) for line in said.split("|")[1:]), Line("", "bye")],
        truth=truth,
    )
    for goal, said, truth in _CALLS
]
