"""Words nobody ends a turn with, by language: articles, prepositions, conjunctions, and the signs of an address.

Left out are those that often do end one: a German verb's second half ("ich rufe Sie an"), a Dutch one's, a number
that looks like an article ("a la una"), a pronoun ("ik weet het"), a whole answer ("é", "ohne").
"""

from __future__ import annotations

from collections.abc import Mapping

from patter_mcp.conversation.phrases import primary

_DANGLING: Mapping[str, frozenset[str]] = {
    language: frozenset(words.split())
    for language, words in {
        "en": "a an and at because but dash dot for from hyphen if in is it's like my of on or slash so than that the "
        "to uh um underscore when with",
        "de": "aber äh ähm als am ans at beim bindestrich bis dass falls für gegen im ins mein ob oder punkt "
        "schrägstrich seit sondern sowie um und unterstrich vom von wegen weil wenn zum zur zwischen",
        "es": "a al arroba barra con cuando de del desde e eh el en guion guión hasta la las lo los mi o para pero por "
        "porque punto que su u un unas unos y",
        "fr": "à arobase au aux avec c'est car chez comme dans de des du en et euh jusqu'à la le les ma mais mes mon "
        "notre ou par point pour que slash sous sur tiret underscore vers votre",
        "it": "a ad agli ai al alla alle allo barra che chiocciola con da dal dalla degli dei del della delle dello di "
        "e è ed ehm fra gli i il in la le lo ma nel nella o per punto se sul sulla tra trattino un underscore",
        "nl": "als apenstaartje at de een eh en met mijn naar of om omdat per punt sinds streepje te tot tussen uh uhm "
        "underscore uw van want",
        "pt": "a à ao aos arroba as às barra com da das de desde do dos e em hífen mas na nas no num numa o os ou "
        "para pela pelo ponto por porque pra que se traço underline",
    }.items()
}


def is_dangling(word: str, language: str) -> bool:
    """A lower-case word; none is where we do not know the language (BCP-47)."""
    return word.replace("’", "'") in _DANGLING.get(primary(language), ())
