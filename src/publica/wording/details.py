"""What in a question is no total that may come out: said in English by the gateway, here in other languages."""

from __future__ import annotations

import re
from functools import cache

FRENCH = {
    "{} in a condition on people": "{} dans une condition sur des personnes",
    "a constant whose conversion could fail": "une constante dont la conversion pourrait échouer",
    "{} of another SELECT in a condition on people": "{} d’un autre SELECT dans une condition sur des personnes",
    "{} in a condition: it is no dimension": "{} dans une condition : ce n’est pas une dimension",
    "a subquery in a condition on people": "une sous-requête dans une condition sur des personnes",
    "IS in a condition on people": "IS dans une condition sur des personnes",
    "a comparison of values of different kinds": "une comparaison de valeurs de sortes différentes",
    "a condition that takes something else for boolean": "une condition qui prend autre chose pour un booléen",
    "a condition that takes something else for date": "une condition qui prend autre chose pour une date",
    "a condition that takes something else for number": "une condition qui prend autre chose pour un nombre",
    "a condition that takes something else for text": "une condition qui prend autre chose pour un texte",
    "a condition that takes something else for timestamp": "une condition qui prend autre chose pour un instant",
    "a condition that takes something else for {}": "une condition qui prend autre chose pour {}",
    "a function with other arguments in a condition on people": "une fonction avec d’autres arguments dans une "
    "condition sur des personnes",
    "CASE with a value": "CASE avec une valeur",
    "{} outside a total: it is no dimension": "{} hors d’un total : ce n’est pas une dimension",
    "a {} JOIN of rows about people": "un {} JOIN de lignes sur des personnes",
    "{}() of anything but a measure, or any other function over people": "{}() d’autre chose qu’une mesure, ou "
    "une autre fonction sur des personnes",
    "conditions on people that are so long": "des conditions aussi longues sur des personnes",
    "{} joined with itself more than once": "{} joint à lui-même plus d’une fois",
    "a total along {}, of which its groups have one value each": "un total le long de {}, dont chaque groupe n’a "
    "qu’une valeur",
    "count(DISTINCT …) where a condition takes several values: a person may have each": "count(DISTINCT …) quand "
    "une condition prend plusieurs valeurs : une personne peut avoir chacune",
    "tables about people that are not joined by their keys": "des tables sur des personnes qui ne sont pas jointes "
    "par leurs clés",
    "{} in a condition, but for its limits: it has none": "{} dans une condition : cette mesure n’a pas de limites",
    "{} in a condition, but for its limits: {}": "{} dans une condition, sauf pour ses limites : {}",
    "a join of keys that name different things": "une jointure par des clés qui nomment des choses différentes",
    "grouping by anything but a column": "grouper par autre chose qu’une colonne",
    "grouping by {}, which is no dimension": "grouper par {}, qui n’est pas une dimension",
    "rows about people, or a subquery that gives them": "des lignes sur des personnes, ou une sous-requête qui en "
    "donne",
    "{} outside a total: it is not grouped by": "{} hors d’un total : on ne groupe pas par cette colonne",
    "UNION, INTERSECT or EXCEPT of rows about people": "UNION, INTERSECT ou EXCEPT de lignes sur des personnes",
    "a window over rows about people": "une fenêtre sur des lignes de personnes",
    "the computed column {}": "la colonne calculée {}",
    "a subquery about people that depends on the rows around it": "une sous-requête sur des personnes qui dépend "
    "des lignes autour d’elle",
    "joining rows about people with {}; join it with the totals": "joindre des lignes sur des personnes à {} ; "
    "joignez-la aux totaux",
    "LATERAL": "LATERAL",
    "more than {} tables": "plus de {} tables",
    "{} of rows about people": "{} de lignes sur des personnes",
    "the same grouping set twice": "deux fois le même ensemble de groupes",
    "more than {} grouping sets": "plus de {} ensembles de groupes",
    "totals over {}, whose rows are not about one person each": "des totaux sur {}, dont les lignes ne concernent "
    "pas chacune une personne",
    "rows of {}": "des lignes de {}",
    "{}() of anything but a measure and a dimension that is a number": "{}() d’autre chose qu’une mesure et une "
    "dimension qui est un nombre",
    "{}() over people": "{}() sur des personnes",
}
"""By what the gateway says; each `{}` stands for a name or a number."""
BY_LANGUAGE = {"fr": FRENCH}


def detail(said: str, language: str) -> str:
    """The detail in a language; as it was said where there is no wording."""
    for pattern, wording in _patterns(language):
        if found := pattern.fullmatch(said):
            return wording.format(*found.groups())
    return said


@cache
def _patterns(language: str) -> tuple[tuple[re.Pattern[str], str], ...]:
    """First those that begin with words, not with a name; of two that fit, the longer says more."""
    known = sorted(
        BY_LANGUAGE.get(language, {}).items(), key=lambda pair: (pair[0].startswith("{}"), -len(pair[0]))
    )
    return tuple(
        (re.compile("(.*)".join(map(re.escape, said.split("{}"))), re.DOTALL), wording)
        for said, wording in known
    )
