"""The sentences of notices, in French."""

from __future__ import annotations

HEADINGS = {
    "purpose": "À quoi ça sert",
    "who": "Qui s’en servira",
    "data": "Quelles données sur vous",
    "out": "Ce qui peut sortir",
    "kept": "Combien de temps",
    "refuse": "Si vous dites non",
    "withdraw": "Comment changer d’avis",
}
PURPOSE = (
    "{organisation} demande à lire des données sur vous pour ceci : {title}.",
    "Le but : {purpose}.",
)
WHO = ("Seuls les {roles} de {organisation} pourront s’en servir.",)
DATA = ("Si vous dites oui, ils pourront lire ces données sur vous :",)
SPECIAL = ("Une partie de ces données est très privée, comme ce qui touche à votre santé.",)
OUT = {
    "rows": ("Votre ligne peut sortir telle quelle, avec votre numéro.",),
    "pseudonymous rows": (
        "Votre ligne peut sortir, avec les données citées plus haut.",
        "Un code prend la place de votre numéro.",
    ),
    "aggregates": (
        "Seuls des totaux sur beaucoup de gens peuvent sortir.",
        "Nul ne voit votre ligne.",
    ),
}
OUT_DIRECT = {
    "rows": ("Ceci peut sortir aussi, et dit qui vous êtes : {direct}.",),
    "pseudonymous rows": ("Ceci ne peut pas sortir, car cela dit qui vous êtes : {direct}.",),
    "aggregates": (),
}
"""Said where direct identifiers are among the data."""
KEPT = ("Ce qui sort peut être gardé {kept}.",)
NO_END = ("Votre oui tient tant que vous ne le reprenez pas.",)
UNTIL = ("Votre oui prend fin le {until}, ou quand vous le reprenez.",)
REFUSE = (
    "Alors vos données ne servent pas à cela.",
    "Rien d’autre ne dépend de ce que vous dites ici.",
)
WITHDRAW = (
    "Vous pouvez reprendre votre oui sur cette page, d’un seul clic, quand vous voulez.",
    "Dès lors, vos données ne sont plus lues pour cela.",
    "Ce qui est déjà sorti ne peut pas être repris.",
    "Si cet usage de vos données change, votre oui prend fin et la question vous sera posée de nouveau.",
)
ITEM = "{dataset} (gardé par {holder}) : {columns}"
AND = " et "
UNITS = {
    "Y": ("an", "ans"),
    "M": ("mois", "mois"),
    "W": ("semaine", "semaines"),
    "D": ("jour", "jours"),
    "h": ("heure", "heures"),
    "m": ("minute", "minutes"),
    "s": ("seconde", "secondes"),
}
ROLES = {
    "analyst": "analystes",
    "statistician": "statisticiens",
    "engineer": "ingénieurs",
    "steward": "intendants",
    "chief data officer": "responsables des données",
    "auditor": "auditeurs",
}
PURPOSES = {
    "dpv:ServiceProvision": "rendre un service",
    "dpv:ScientificResearch": "faire de la recherche",
    "dpv:PublicBenefit": "faire des statistiques pour tous",
    "dpv:TechnicalServiceProvision": "faire marcher les machines",
    "dpv:Marketing": "faire de la publicité",
    "dpv:HealthCare": "soigner des malades",
    "dpv:ServicePersonalisation": "adapter un service à vous",
}
QUESTIONS = {
    "who": (
        "Pour voir si cette page est claire : qui lirait vos données ?",
        (
            ("everybody", "Tous ceux qui le demandent"),
            ("right", "{organisation}"),
            ("nobody", "Personne"),
        ),
    ),
    "refuse": (
        "Pour voir si cette page est claire : que se passe-t-il si vous dites non ?",
        (
            ("fee", "Je devrai payer"),
            ("right", "Mes données ne servent pas à cela"),
            ("deleted", "Mes données sont effacées partout"),
        ),
    ),
    "withdraw": (
        "Pour voir si cette page est claire : pouvez-vous changer d’avis ?",
        (
            ("never", "Non, ce que je dis tient pour toujours"),
            ("year", "Oui, mais une fois par an"),
            ("right", "Oui, quand je veux"),
        ),
    ),
}
