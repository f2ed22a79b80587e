"""What is said without asking the model, in the languages we know it in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Phrases:
    """Texts are spoken as they stand."""

    greeting: str = "Hello, this is an automated assistant calling."
    """First words of a call that brings none of its own."""
    are_you_there: str = "Hello, are you still there?"
    nobody_there: str = "I can't hear anyone, so I'll hang up now. Goodbye."
    time_is_up: str = "I'm sorry, I have to end the call now. Thank you, goodbye."
    trouble: str = "I'm sorry, I'm having technical trouble and have to hang up. Goodbye."
    one_moment: str = "One moment, please."
    bear_with_me: str = "I'm sorry, this is taking a little longer."
    """Said in turns with `one_moment` while a silence lasts."""
    pardon: str = "Sorry, could you say that again?"
    """For a model that answers with nothing."""
    too_many_steps: str = "I'm sorry, I couldn't finish that just now."


ENGLISH = Phrases()

_OTHERS: Mapping[str, Phrases] = {
    "de": Phrases(
        greeting="Guten Tag, hier spricht ein automatischer Assistent.",
        are_you_there="Hallo, sind Sie noch da?",
        nobody_there="Ich kann niemanden hören und lege jetzt auf. Auf Wiederhören.",
        time_is_up="Es tut mir leid, ich muss das Gespräch jetzt beenden. Vielen Dank, auf Wiederhören.",
        trouble="Es tut mir leid, ich habe ein technisches Problem und muss auflegen. Auf Wiederhören.",
        one_moment="Einen Moment, bitte.",
        bear_with_me="Entschuldigung, es dauert noch einen Augenblick.",
        pardon="Entschuldigung, könnten Sie das bitte wiederholen?",
        too_many_steps="Es tut mir leid, das hat gerade nicht geklappt.",
    ),
    "es": Phrases(
        greeting="Hola, le llama un asistente automático.",
        are_you_there="Hola, ¿sigue ahí?",
        nobody_there="No oigo a nadie, así que voy a colgar. Adiós.",
        time_is_up="Lo siento, tengo que terminar la llamada ahora. Gracias, adiós.",
        trouble="Lo siento, tengo un problema técnico y debo colgar. Adiós.",
        one_moment="Un momento, por favor.",
        bear_with_me="Disculpe, está tardando un poco más.",
        pardon="Perdone, ¿puede repetirlo?",
        too_many_steps="Lo siento, no he podido terminarlo ahora.",
    ),
    "fr": Phrases(
        greeting="Bonjour, ici un assistant automatique.",
        are_you_there="Allô, vous êtes toujours là ?",
        nobody_there="Je n'entends personne, je vais donc raccrocher. Au revoir.",
        time_is_up="Je suis désolé, je dois mettre fin à l'appel maintenant. Merci, au revoir.",
        trouble="Je suis désolé, j'ai un problème technique et je dois raccrocher. Au revoir.",
        one_moment="Un instant, s'il vous plaît.",
        bear_with_me="Excusez-moi, cela prend un peu plus de temps.",
        pardon="Pardon, pourriez-vous répéter ?",
        too_many_steps="Je suis désolé, je n'ai pas pu terminer cela.",
    ),
    "it": Phrases(
        greeting="Buongiorno, sono un assistente automatico.",
        are_you_there="Pronto, è ancora in linea?",
        nobody_there="Non sento nessuno, quindi riattacco. Arrivederci.",
        time_is_up="Mi dispiace, ora devo terminare la chiamata. Grazie, arrivederci.",
        trouble="Mi dispiace, ho un problema tecnico e devo riattaccare. Arrivederci.",
        one_moment="Un momento, per favore.",
        bear_with_me="Mi scusi, ci vuole ancora un attimo.",
        pardon="Mi scusi, può ripetere?",
        too_many_steps="Mi dispiace, non sono riuscito a completarlo.",
    ),
    "nl": Phrases(
        greeting="Goedendag, u spreekt met een automatische assistent.",
        are_you_there="Hallo, bent u er nog?",
        nobody_there="Ik hoor niemand, dus ik hang nu op. Tot ziens.",
        time_is_up="Het spijt me, ik moet het gesprek nu beëindigen. Dank u wel, tot ziens.",
        trouble="Het spijt me, ik heb een technisch probleem en moet ophangen. Tot ziens.",
        one_moment="Een moment, alstublieft.",
        bear_with_me="Excuus, het duurt nog even.",
        pardon="Sorry, kunt u dat herhalen?",
        too_many_steps="Het spijt me, dat is nu niet gelukt.",
    ),
    "pt": Phrases(
        greeting="Olá, fala um assistente automático.",
        are_you_there="Alô, ainda está na linha?",
        nobody_there="Não ouço ninguém, por isso vou desligar. Até logo.",
        time_is_up="Desculpe, tenho de terminar a chamada agora. Obrigado, até logo.",
        trouble="Desculpe, estou com um problema técnico e tenho de desligar. Até logo.",
        one_moment="Um momento, por favor.",
        bear_with_me="Desculpe, está demorando um pouco mais.",
        pardon="Desculpe, pode repetir?",
        too_many_steps="Desculpe, não consegui concluir isso agora.",
    ),
}  # fmt: skip

_NAMES: Mapping[str, str] = {
    "de": "German",
    "es": "Spanish",
    "fr": "French",
    "it": "Italian",
    "ja": "Japanese",
    "nl": "Dutch",
    "pl": "Polish",
    "pt": "Portuguese",
    "zh": "Chinese",
}


LANGUAGES = ("en", *_OTHERS)


def language_known(language: str) -> str:
    """The one of `LANGUAGES` a language (BCP-47) belongs to; English for one we do not know."""
    known = primary(language)
    return known if known in _OTHERS else "en"


def phrases_in(language: str) -> Phrases:
    """Those of a language (BCP-47); English ones for a language we have none in."""
    return _OTHERS.get(primary(language), ENGLISH)


def language_rule(language: str) -> str:
    """What the model is told about the language to speak; English, in which it is addressed, needs no word."""
    spoken = primary(language)
    if spoken == "en":
        return ""
    name = _NAMES.get(spoken)
    return f"Speak {name} ({language})." if name else f"Speak the language with the code {language}."


def primary(language: str) -> str:
    """`de` of `de-AT`."""
    return language.partition("-")[0].partition("_")[0].lower()
