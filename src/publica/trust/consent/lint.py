"""Dark patterns in asking for consent: known ways to make people say what they do not mean. Pure.

After the catalogue of EDPB Guidelines 03/2022 (deceptive design patterns). A text is looked at for words, a
page (its HTML) also for how its choices are laid out.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

_SAID = r"(?:agree(?:s|ment)?|accepts?|consents?|yes)"
_NUMBER = r"(?:\d+|one|two|three|four|five|six|seven|eight|nine|ten|every)"
_NOMBRE = r"(?:\d+|un|deux|trois|quatre|cinq|six|sept|huit|neuf|dix)"
_GROUP = r"(?:people|citizens|neighbours|patients|us|you)"
WORDS: dict[str, str] = {
    "shaming": r"i (?:do not|don't) care|no,? (?:thanks,? )?i (?:prefer|hate|would rather|like) |selfish"
    r"|tant pis pour|je m'en (?:moque|fiche)|égoïste",
    "urgency": r"hurry|(?:last|final) chance|only today|today only|expires? in|act now|limited time"
    r"|\bseconds? left|time is running out|before it is too late"
    r"|dépêchez|(?:dernière|ultime) chance|aujourd'hui seulement|offre limitée|expire dans|le temps presse"
    r"|avant qu'il (?:ne )?soit trop tard",
    "false necessity": r"you (?:must|have to|need to) (?:\w+ ){0,3}"
    + _SAID
    + r"\b|to continue,? (?:agree|accept)"
    r"|\b" + _SAID + r" (?:(?:is|are) )?(?:required|needed|necessary|mandatory|compulsory)"
    r"|only (?:\w+ ){0,3}who " + _SAID + r"\b"
    r"|vous devez (?:\w+ ){0,2}(?:accepter|consentir|dire oui)|pour continuer, acceptez"
    r"|il faut (?:accepter|consentir|dire oui)|(?:accord|consentement)\w* (?:est )?"
    r"(?:obligatoire|requis|exigé|nécessaire)"
    r"|seuls? (?:\w+ ){0,2}qui (?:acceptent|accepte|consentent|disent oui)",
    "loss": r"you (?:will |would |may |might |could )?lose\b"
    r"|without your (?:consent|agreement|yes)[^.]*(?:lose|no longer|cannot)"
    r"|vous (?:perdrez|perdez|perdriez|risquez de perdre)"
    r"|sans votre (?:accord|consentement)[^.]*(?:perd|plus)",
    "recommended": r"\brecommended\b|best choice|most popular|(?:^|[.:;!?,] )say yes\b"
    r"|safe and free|free and safe"
    r"|\brecommandé|meilleur choix|(?:^|[.:;!?,] )dites oui\b|sûr et gratuit|gratuit et sûr",
    "praise": r"yes,? i (?:want|wish|love) to (?:help|save|support)|be a hero|do the right thing|help us save"
    r"|good citizens?\b|oui,? je veux (?:aider|sauver|soutenir)|soyez un héros|aidez-nous à sauver"
    r"|bons? citoyens?\b|bonnes? citoyennes?\b",
    "crowd": rf"\b{_NUMBER} (?:out of|of|in) (?:every )?{_NUMBER} {_GROUP}"
    rf"|(?:%|per ?cent) of (?:\w+ )?{_GROUP} (?:\w+ )?(?:sa(?:y|id)|agreed?|accept|take part|took part)"
    r"|everyone (?:else )?agrees|most people (?:agree|accept|say yes)"
    rf"|\b{_NOMBRE} (?:personnes|citoyens|patients) sur {_NOMBRE}|tout le monde accepte"
    r"|% des (?:gens|citoyens|patients|personnes) (?:\w+ )?(?:acceptent|accepté|disent|dit oui)"
    r"|la plupart des gens acceptent",
    "reward": r"\bwin\b|free gift|voucher|discount|prize|\breward|\bearn (?:up to )?\W?\d|\bgagnez|cadeau"
    r"|bon d'achat|remise de|récompense",
    "vague purpose": r"improv(?:e|ing) (?:our |your |the )?(?:services?|experience)|and other purposes"
    r"|among other things|(?:trusted|selected) partners|,? and more\s*(?:$|[.,;:)])|\betc\b"
    r"|améliorer (?:nos |vos |votre |les )?(?:services?|expérience)|et autres (?:fins|buts)"
    r"|partenaires (?:de confiance|choisis)|et plus encore",
    "double negative": r"\b(?:do not|don't|not) (?:\w+ ){0,5}(?:not|un(?:check|tick|selec"
    r"t)|refuse|decline|opt out)\b|untick (?:this|the) box"
    r"|ne (?:\w+ ){0,3}pas (?:\w+ ){0,3}ne (?:\w+ ){0,3}pas|décochez|ne refusez pas",
    "nagging": r"(?:ask|remind) me (?:again )?later|not now|maybe later|plus tard|pas maintenant"
    r"|me le rappeler",
    "hard to leave": r"(?:to (?:withdraw|refuse|stop)|withdraw)[^.]*(?:by (?:post|letter|p"
    r"hone|telephone)|call us|write to us|in person)"
    r"|(?:retirer|refuser)[^.]*(?:par (?:courrier|lettre|téléphone)|appelez-nous|sur place)",
}
"""Pattern → what gives it away in words, English and French. Accents do not count."""
DISGUISE = "disguised letters"
"""A word of Latin letters in which others stand that look like them: made to be read, and not to be found."""
LAYOUT = (
    "preselected", "unequal buttons", "no refusal", "refusal as a link", "bundled", "focus on yes",
    "hidden text", "countdown", "harder to withdraw",
)  # fmt: skip
"""Patterns in how a page is laid out."""
PATTERNS = (*WORDS, DISGUISE, *LAYOUT)
YES, NO = {"grant"}, {"refuse", "withdraw", "object"}
"""Values by which a page's buttons say what they do."""
_ALIKE = str.maketrans(
    "аеорсухіјѕԁһԛԝӏвкмнтАВЕКМНОРСТУХІЈЅԌԚԜοονυκρτχιΑΒΕΖΗΙΚΜΝΟΡΤΥΧ",
    "aeopcyxijsdhqwlbkmhtABEKMHOPCTYXIJSGQWoovukptxiABEZHIKMNOPTYX",
)
"""Cyrillic and Greek letters → the Latin ones that they look like (after Unicode's confusables)."""
_MIXED = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True)
class Finding:
    """A dark pattern, and where it shows."""

    pattern: str
    where: str


def in_words(text: str) -> list[Finding]:
    """The patterns that the words of a text have."""
    given = unicodedata.normalize("NFKC", text.replace("’", "'"))
    given = " ".join("".join(sign for sign in given if unicodedata.category(sign) != "Cf").split())
    plain = _without_accents(given.translate(_ALIKE))
    found = ((name, wanted.search(plain)) for name, wanted in _COMPILED.items())
    disguised = next((word for word in _MIXED.findall(given) if _disguised(word)), None)
    return [
        *(Finding(name, match[0].strip()) for name, match in found if match),
        *([] if disguised is None else [Finding(DISGUISE, disguised)]),
    ]


def _without_accents(text: str) -> str:
    return "".join(sign for sign in unicodedata.normalize("NFD", text) if not unicodedata.combining(sign))


def _disguised(word: str) -> bool:
    """Whether a word has Latin letters, and others that look like them."""
    latin = any("LATIN" in unicodedata.name(letter, "") for letter in word)
    return latin and any(ord(letter) in _ALIKE for letter in word)


_COMPILED = {name: re.compile(_without_accents(found), re.IGNORECASE) for name, found in WORDS.items()}


def in_page(html: str) -> list[Finding]:
    """The patterns of a page on which somebody chooses: of its words, and of its layout."""
    page = _Page()
    page.feed(html)
    return [*in_words(" ".join(page.text)), *_layout(page)]


def _layout(page: _Page) -> Iterator[Finding]:
    yield from (Finding("preselected", each) for each in page.preselected)
    yield from (Finding("hidden text", each) for each in page.hidden)
    yield from (Finding("countdown", each) for each in page.counting)
    yield from (Finding("focus on yes", each) for each in page.focused)
    says = {button["value"] for button in page.buttons}
    if says & YES:
        yield from _asking(page, says)
    if len(page.boxes) > 1 or sum(button["value"] in YES for button in page.buttons) > 1:
        yield Finding("bundled", f"{len(page.boxes)} boxes")
    if page.standing and not says & NO:
        yield Finding("harder to withdraw", "a choice stands that has no button to end it")


def _asking(page: _Page, says: set[str]) -> Iterator[Finding]:
    if not says & NO:
        yield Finding("no refusal", "there is a button for yes alone")
        yield from (Finding("refusal as a link", each) for each in page.links if _REFUSING.search(each))
        return
    looks = {button["class"] for button in page.buttons if button["value"] in YES | NO}
    if len(looks) > 1:
        yield Finding("unequal buttons", " / ".join(sorted(looks)))


_REFUSING = re.compile(r"\b(?:no|refuse|decline|reject|non|refuser|refuse)\b", re.IGNORECASE)
_HIDES = re.compile(r"visually-hidden|small-print|fine-print|\btiny\b|font-size:\s*[0-7]px|display:\s*none")
_STANDS = "data-standing"


@dataclass
class _Page(HTMLParser):
    """What of a page matters: its main part, without what navigates."""

    text: list[str] = field(default_factory=list)
    buttons: list[dict[str, str]] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    boxes: list[str] = field(default_factory=list)
    preselected: list[str] = field(default_factory=list)
    hidden: list[str] = field(default_factory=list)
    counting: list[str] = field(default_factory=list)
    focused: list[str] = field(default_factory=list)
    standing: bool = False

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._in_link = self._silent = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        name, looks = given.get("name", tag), f"{given.get('class', '')} {given.get('style', '')}"
        self._in_link, self._silent = tag == "a", tag in ("script", "style")
        self.standing = self.standing or _STANDS in given
        if "checked" in given or "selected" in given:
            self.preselected.append(name)
        if "autofocus" in given and given.get("value") in YES:
            self.focused.append(name)
        if tag == "button" and "value" in given:
            self.buttons.append({"value": given["value"], "class": given.get("class", "")})
        if tag == "input" and given.get("type") == "checkbox":
            self.boxes.append(name)
        if "data-countdown" in given or tag == "marquee":
            self.counting.append(tag)
        if "data-notice" in given and (_HIDES.search(looks) or "hidden" in given or tag == "details"):
            self.hidden.append(given["data-notice"])

    def handle_endtag(self, tag: str) -> None:
        self._in_link = self._in_link and tag != "a"
        self._silent = False

    def handle_data(self, data: str) -> None:
        if self._silent or not data.strip():
            return
        self.text.append(data)
        if self._in_link:
            self.links.append(data.strip())
