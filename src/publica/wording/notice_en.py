"""The sentences of notices, in English."""

from __future__ import annotations

HEADINGS = {
    "purpose": "What it is for",
    "who": "Who will use it",
    "data": "Which data about you",
    "out": "What may leave",
    "kept": "How long",
    "refuse": "What if you say no",
    "withdraw": "How to change your mind",
}
PURPOSE = ("{organisation} asks to use data about you for this: {title}.", "The aim is {purpose}.")
WHO = ("Only the {roles} of {organisation} may use it.",)
DATA = ("If you say yes, they may read these facts about you:",)
SPECIAL = ("Some of your data here is very private, such as facts about your health.",)
OUT = {
    "rows": ("Your row may leave as it is, with your number in it.",),
    "pseudonymous rows": (
        "Your row may leave, with the facts named above.",
        "A code that stands for you takes the place of your number.",
    ),
    "aggregates": ("Only sums about many people may leave.", "Nobody gets to see your row."),
}
OUT_DIRECT = {
    "rows": ("This may leave too, and it shows who you are: {direct}.",),
    "pseudonymous rows": ("This may not leave, as it shows who you are: {direct}.",),
    "aggregates": (),
}
"""Said where direct identifiers are among the data."""
KEPT = ("What they take out, they may keep for {kept}.",)
NO_END = ("Your yes holds until you take it back.",)
UNTIL = ("Your yes ends on {until}, or when you take it back.",)
REFUSE = ("Then your data is not used for this.", "No other use of your data depends on what you say here.")
WITHDRAW = (
    "You can take your yes back on this page, with one button, at any time.",
    "The next use then leaves you out.",
    "What has left before cannot be called back.",
    "If this use of your data changes, your yes ends and you will be asked once more.",
)
ITEM = "{dataset} (kept by {holder}): {columns}"
AND = " and "
UNITS = {
    "Y": ("year", "years"),
    "M": ("month", "months"),
    "W": ("week", "weeks"),
    "D": ("day", "days"),
    "h": ("hour", "hours"),
    "m": ("minute", "minutes"),
    "s": ("second", "seconds"),
}
ROLES = {
    "analyst": "analysts",
    "statistician": "statisticians",
    "engineer": "engineers",
    "steward": "stewards",
    "chief data officer": "chief data officers",
    "auditor": "auditors",
}
PURPOSES = {
    "dpv:ServiceProvision": "to give people a service",
    "dpv:ScientificResearch": "to do research",
    "dpv:PublicBenefit": "to make statistics for all",
    "dpv:TechnicalServiceProvision": "to keep machines running",
    "dpv:Marketing": "to advertise",
    "dpv:HealthCare": "to care for sick people",
    "dpv:ServicePersonalisation": "to fit a service to you",
}
QUESTIONS = {
    "who": (
        "To check that this page is clear: who would use your data?",
        (
            ("everybody", "Anybody who asks for it"),
            ("right", "{organisation}"),
            ("nobody", "Nobody at all"),
        ),
    ),
    "refuse": (
        "To check that this page is clear: what if you say no?",
        (
            ("fee", "I would have to pay a fee"),
            ("right", "My data is not used for this"),
            ("deleted", "My data is wiped out at all offices"),
        ),
    ),
    "withdraw": (
        "To check that this page is clear: can you change your mind?",
        (
            ("never", "No, what I say now holds for good"),
            ("year", "Yes, but only once a year"),
            ("right", "Yes, at any time"),
        ),
    ),
}
