"""English sentences for every reason: code → (when it holds, when it is missing)."""

from __future__ import annotations

SENTENCES: dict[str, tuple[str, str]] = {
    "actor-known": (
        "{actor} is a registered official.",
        "{actor} is not a registered official. The data office can register them.",
    ),
    "activity-known": (
        "The activity {activity} is registered.",
        "There is no activity {activity}. Cite a registered one, or ask the data office to register it.",
    ),
    "activity-in-force": (
        "The activity {activity} is in force on {date}.",
        "The activity {activity} is not in force on {date}. Its organisation can renew it.",
    ),
    "actor-organisation": (
        "{actor} works for {organisation}, which carries out the activity.",
        "The activity belongs to {organisation}, and {actor} does not work there. "
        "{organisation} can do this use, or register an activity with your organisation.",
    ),
    "actor-role": (
        "{actor} holds a role that the activity allows ({roles}).",
        "{actor} holds none of the roles that the activity allows ({roles}). "
        "The chief data officer can assign one.",
    ),
    "law-in-force": (
        "The law it rests on, {law}, is in force on {date}.",
        "The law it rests on, {law}, is not in force on {date}. The activity needs a provision in force.",
    ),
    "basis-consent": (
        "The activity {activity} rests on consent: only people who consented are included.",
        "The activity {activity} names no legal basis. Its organisation must name one.",
    ),
    "assessment-approved": (
        "An approved impact assessment covers special-category data ({dataset}).",
        "{dataset} holds special-category data and the activity {activity} has no approved impact assessment. "
        "Its organisation must complete one.",
    ),
    "dataset-open": (
        "{dataset} is open data.",
        "{dataset} is not open data, so open-access does not cover it. Cite an activity that does.",
    ),
    "dataset-in-activity": (
        "The activity {activity} covers {dataset}.",
        "The activity {activity} does not cover {dataset}. Its organisation can add it, with a reason.",
    ),
    "columns-in-activity": (
        "The activity {activity} covers these columns of {dataset}: {columns}.",
        "The activity {activity} does not cover these columns of {dataset}: {columns}. "
        "Leave them out, or ask its organisation to add them.",
    ),
    "dataset-loaded": (
        "{dataset} has data.",
        "{dataset} has no data yet. {holder} can load it.",
    ),
    "steward-accountable": (
        "A steward answers for {dataset}.",
        "Nobody answers for {dataset}: it has no steward today. {holder} must appoint one.",
    ),
    "dataset-own": (
        "{dataset} is held by {organisation} itself.",
        "{dataset} is not held by {organisation}.",
    ),
    "agreement-exists": (
        "{holder} has an agreement with {recipient} about {dataset}.",
        "{holder} has no agreement with {recipient} about {dataset}. {holder} can sign one.",
    ),
    "agreement-in-force": (
        "The agreement {agreement} is in force on {date}.",
        "The agreement {agreement} is not in force on {date}. Both parties can renew it.",
    ),
    "agreement-signed": (
        "The agreement {agreement} is signed by both parties.",
        "The agreement {agreement} lacks the signature of {organisations}. An official of theirs can sign it.",
    ),
    "agreement-purpose": (
        "The agreement {agreement} allows the purpose {purpose}.",
        "The agreement {agreement} does not allow the purpose {purpose}. Its parties can extend it.",
    ),
    "agreement-columns": (
        "The agreement {agreement} lets {columns} of {dataset} through.",
        "The agreement {agreement} withholds these columns of {dataset}: {columns}. "
        "Leave them out, or ask the parties to extend it.",
    ),
    "agreement-frequency": (
        "The agreement {agreement} allows {limit} uses a day.",
        "The {limit} uses a day that the agreement {agreement} allows are used up. Try again tomorrow, "
        "or ask the parties for more.",
    ),
    "agreement-volume": (
        "The agreement {agreement} allows {limit} rows a month.",
        "This answer would exceed the {limit} rows a month that the agreement {agreement} allows. "
        "Ask for fewer rows, or ask the parties for more.",
    ),
    "protection-available": (
        "What comes out is protected as: {protection}.",
        "The protection “{protection}” is not available in this version, so nothing may come out.",
    ),
    "identifiers-withheld": (
        "No direct identifier of {dataset} comes out.",
        "{columns} of {dataset} would identify people, and only pseudonymous rows may come out. Leave them out.",
    ),
    "constants-only": (
        "The statement reads no dataset.",
        "The statement reads no dataset.",
    ),
    "choice-basis-is-law": (
        "",
        "The activity {activity} rests on law, so nobody is asked for consent. The right that exists: {right}.",
    ),
    "choice-no-objection": (
        "",
        "The activity {activity} gives no right to object. The right that exists: {right}.",
    ),
    "load-steward": (
        "",
        "{actor} is no steward who answers for {dataset}, so they cannot load it. One who does must, "
        "or the operator.",
    ),
    "proposal-chief": (
        "{actor} is chief data officer of a public body.",
        "{actor} is not chief data officer of a public body. One of those decides about proposals.",
    ),
    "proposal-another": (
        "Somebody else proposed it.",
        "{actor} proposed it, so another chief data officer must accept it.",
    ),
    "proposal-not-own": (
        "It is not about {actor}.",
        "It changes what {actor} is or may do, so another chief data officer must accept it.",
    ),
    "request-addressee": (
        "The request waits for {actor}.",
        "The request waits for somebody else than {actor}. After its last day a chief data officer can answer, "
        "too.",
    ),
    "request-another": (
        "Somebody else asked.",
        "{actor} asked, so somebody else must answer.",
    ),
    "request-own": (
        "{actor} asked.",
        "{actor} did not ask. Only who asked can take a request back.",
    ),
    "oversight-office": (
        "{actor} is chief data officer or auditor of a public body.",
        "{actor} is neither chief data officer nor auditor of a public body. One of those can see this.",
    ),
    "rights-answering": (
        "{actor} answers for {about}.",
        "{actor} does not answer for {about}. One of its stewards does; when time is up, the chief data officer.",
    ),
    "own-person": (
        "They read what is held about themselves.",
        "own-data is for people who read what is held about themselves. Officials cite an activity of their "
        "organisation.",
    ),
    "own-dataset": (
        "{dataset} is about people, or open.",
        "{dataset} is neither about people nor open, so it holds nothing of your own. Leave it out.",
    ),
    "use-failed": ("", "The statement was allowed but could not be computed; nothing came out."),
    "sql-unparsed": ("", "The statement could not be understood as SQL. Check its spelling."),
    "sql-empty": ("", "The statement is empty. Write a SELECT."),
    "sql-not-a-query": ("", "Only questions can be asked here: a SELECT, with or without WITH."),
    "sql-several-statements": ("", "Ask one statement at a time."),
    "sql-too-long": (
        "",
        "The statement is longer than {limit} characters. Shorten it, or pass values as parameters.",
    ),
    "sql-too-deep": ("", "The statement is nested too deeply. Flatten it, for example with WITH."),
    "sql-too-many-filters": (
        "",
        "The statement has more than {limit} aggregates with FILTER. Use GROUP BY, or ask in parts.",
    ),
    "sql-too-slow": (
        "",
        "Reading the statement took more than {limit} seconds of work. Make it simpler, or ask in parts.",
    ),
    "sql-node": ("", "{node} is outside the supported SQL. See the list of what is supported."),
    "sql-function": ("", "The function {function} is not on the list of supported functions."),
    "sql-unknown-table": ("", "There is no dataset {table}. See the catalogue for what there is."),
    "sql-unknown-column": ("", "There is no column {column}. See the dataset's columns."),
    "sql-ambiguous-column": ("", "The column {column} could come from several tables. Write table.column."),
    "sql-whole-row": ("", "{table} stands for a whole row here. Name the columns you need."),
    "sql-window-order": (
        "",
        "{function} needs an ORDER BY in its window, or its result would be left to chance.",
    ),
    "sql-limit": ("", "LIMIT and OFFSET take a plain whole number here."),
    "sql-pseudonym-opaque": (
        "",
        "{column} is a pseudonym: it can be selected, compared for equality, joined, grouped and counted, "
        "nothing else.",
    ),
    "sql-recursive": ("", "Recursive WITH is not supported."),
    "sql-natural-join": ("", "NATURAL JOIN is not supported. Name the columns with USING or ON."),
    "sql-sample": ("", "Sampling is not supported: its result would be left to chance."),
    "sql-parameter-missing": ("", "The parameter ${name} has no value. Give one."),
    "sql-hidden-name": ("", "The name {name} is reserved."),
    "aggregate-form": (
        "",
        "Only totals may come out here, in a closed form: count, sum and avg of measures, over people joined "
        "by their keys, selected and grouped by dimensions. Not allowed: {what}.",
    ),
    "meaning-mismatch": (
        "",
        "{left} and {right} do not mean the same: {left_value} against {right_value} ({what}). "
        "No crosswalk between them is registered.",
    ),
}

LEFT_OUT = (
    "Left out are cells of fewer than {k} people, cells of which one person or two make up too much, and cells "
    "too near to others that were given out. After a choice or a new version of the data, a cell that was given "
    "out before stays out until {k} to {most} of its people have changed; its earlier value stands."
)
"""What may be missing from totals, and why nobody says which."""
