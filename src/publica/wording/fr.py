"""French sentences for every reason: code → (when it holds, when it is missing)."""

from __future__ import annotations

SENTENCES: dict[str, tuple[str, str]] = {
    "actor-known": (
        "{actor} est un agent enregistré.",
        "{actor} n’est pas un agent enregistré. Le bureau des données peut l’enregistrer.",
    ),
    "activity-known": (
        "L’activité {activity} est enregistrée.",
        "Il n’y a pas d’activité {activity}. Citez-en une qui est enregistrée, ou demandez au bureau des données de l’enregistrer.",
    ),
    "activity-in-force": (
        "L’activité {activity} est en vigueur le {date}.",
        "L’activité {activity} n’est pas en vigueur le {date}. Son organisme peut la renouveler.",
    ),
    "actor-organisation": (
        "{actor} travaille pour {organisation}, qui mène l’activité.",
        "L’activité est celle de {organisation}, et {actor} n’y travaille pas. "
        "{organisation} peut faire cette utilisation, ou enregistrer une activité avec votre organisme.",
    ),
    "actor-role": (
        "{actor} a un rôle que l’activité permet ({roles}).",
        "{actor} n’a aucun des rôles que l’activité permet ({roles}). "
        "Le responsable des données peut en attribuer un.",
    ),
    "law-in-force": (
        "La loi qui la fonde, {law}, est en vigueur le {date}.",
        "La loi qui la fonde, {law}, n’est pas en vigueur le {date}. L’activité a besoin d’une disposition en vigueur.",
    ),
    "basis-consent": (
        "L’activité {activity} repose sur le consentement : seules les personnes d’accord y figurent.",
        "L’activité {activity} ne nomme aucune base légale. Son organisme doit en nommer une.",
    ),
    "assessment-approved": (
        "Une analyse d’impact approuvée couvre les données sensibles ({dataset}).",
        "{dataset} contient des données sensibles et l’activité {activity} n’a pas d’analyse d’impact approuvée. "
        "Son organisme doit en faire une.",
    ),
    "dataset-open": (
        "{dataset} est en données ouvertes.",
        "{dataset} n’est pas en données ouvertes : open-access ne le couvre pas. Citez une activité qui le couvre.",
    ),
    "dataset-in-activity": (
        "L’activité {activity} couvre {dataset}.",
        "L’activité {activity} ne couvre pas {dataset}. Son organisme peut l’ajouter, avec une raison.",
    ),
    "columns-in-activity": (
        "L’activité {activity} couvre ces colonnes de {dataset} : {columns}.",
        "L’activité {activity} ne couvre pas ces colonnes de {dataset} : {columns}. "
        "Retirez-les, ou demandez à son organisme de les ajouter.",
    ),
    "dataset-loaded": (
        "{dataset} a des données.",
        "{dataset} n’a pas encore de données. {holder} peut les charger.",
    ),
    "steward-accountable": (
        "Un intendant répond de {dataset}.",
        "Personne ne répond de {dataset} : il n’a pas d’intendant aujourd’hui. {holder} doit en nommer un.",
    ),
    "dataset-own": (
        "{dataset} est tenu par {organisation} elle-même.",
        "{dataset} n’est pas tenu par {organisation}.",
    ),
    "agreement-exists": (
        "{holder} a un accord avec {recipient} sur {dataset}.",
        "{holder} n’a pas d’accord avec {recipient} sur {dataset}. {holder} peut en signer un.",
    ),
    "agreement-in-force": (
        "L’accord {agreement} est en vigueur le {date}.",
        "L’accord {agreement} n’est pas en vigueur le {date}. Les deux parties peuvent le renouveler.",
    ),
    "agreement-signed": (
        "L’accord {agreement} est signé par les deux parties.",
        "Il manque à l’accord {agreement} la signature de {organisations}. Un de leurs agents peut le signer.",
    ),
    "agreement-purpose": (
        "L’accord {agreement} permet la finalité {purpose}.",
        "L’accord {agreement} ne permet pas la finalité {purpose}. Ses parties peuvent l’étendre.",
    ),
    "agreement-columns": (
        "L’accord {agreement} laisse passer {columns} de {dataset}.",
        "L’accord {agreement} retient ces colonnes de {dataset} : {columns}. "
        "Retirez-les, ou demandez aux parties de l’étendre.",
    ),
    "agreement-frequency": (
        "L’accord {agreement} permet {limit} utilisations par jour.",
        "Les {limit} utilisations par jour que permet l’accord {agreement} sont épuisées. Réessayez demain, "
        "ou demandez davantage aux parties.",
    ),
    "agreement-volume": (
        "L’accord {agreement} permet {limit} lignes par mois.",
        "Cette réponse dépasserait les {limit} lignes par mois que permet l’accord {agreement}. "
        "Demandez moins de lignes, ou demandez davantage aux parties.",
    ),
    "protection-available": (
        "Ce qui sort est protégé ainsi : {protection}.",
        "La protection « {protection} » n’existe pas dans cette version : rien ne peut sortir.",
    ),
    "identifiers-withheld": (
        "Aucun identifiant direct de {dataset} ne sort.",
        "{columns} de {dataset} désignerait des personnes, et seules des lignes pseudonymes peuvent sortir. Retirez-les.",
    ),
    "constants-only": (
        "La requête ne lit aucun jeu de données.",
        "La requête ne lit aucun jeu de données.",
    ),
    "choice-basis-is-law": (
        "",
        "L’activité {activity} repose sur la loi : on ne demande de consentement à personne. Le droit qui existe : {right}.",
    ),
    "choice-no-objection": (
        "",
        "L’activité {activity} ne donne pas le droit de s’opposer. Le droit qui existe : {right}.",
    ),
    "load-steward": (
        "",
        "{actor} n’est pas un intendant qui répond de {dataset}, et ne peut donc pas le charger. Un tel intendant le peut, "
        "ou l’exploitant.",
    ),
    "proposal-chief": (
        "{actor} est responsable des données d’un organisme public.",
        "{actor} n’est pas responsable des données d’un organisme public. L’un d’eux décide des propositions.",
    ),
    "proposal-another": (
        "Quelqu’un d’autre l’a proposé.",
        "{actor} l’a proposé : un autre responsable des données doit l’accepter.",
    ),
    "proposal-not-own": (
        "Cela ne concerne pas {actor}.",
        "Cela change ce que {actor} est ou peut faire : un autre responsable des données doit l’accepter.",
    ),
    "request-addressee": (
        "La demande attend {actor}.",
        "La demande attend quelqu’un d’autre que {actor}. Après son dernier jour, un responsable des données peut "
        "répondre aussi.",
    ),
    "request-another": (
        "Quelqu’un d’autre a demandé.",
        "{actor} a demandé : quelqu’un d’autre doit répondre.",
    ),
    "request-own": (
        "{actor} a demandé.",
        "{actor} n’a pas demandé. Seule la personne qui a demandé peut retirer une demande.",
    ),
    "oversight-office": (
        "{actor} est responsable des données ou auditeur d’un organisme public.",
        "{actor} n’est ni responsable des données ni auditeur d’un organisme public. L’un d’eux peut voir ceci.",
    ),
    "rights-answering": (
        "{actor} répond de {about}.",
        "{actor} ne répond pas de {about}. L’un de ses intendants le fait ; passé le délai, le responsable "
        "des données.",
    ),
    "own-person": (
        "La personne lit ce qui est tenu sur elle-même.",
        "own-data est pour qui lit ce qui est tenu sur soi-même. Les agents citent une activité de leur organisme.",
    ),
    "own-dataset": (
        "{dataset} porte sur des personnes, ou est ouvert.",
        "{dataset} ne porte pas sur des personnes et n’est pas ouvert : il ne contient rien sur vous. Retirez-le.",
    ),
    "use-failed": ("", "La requête était permise mais n’a pas pu être calculée ; rien n’est sorti."),
    "sql-unparsed": ("", "La requête n’a pas pu être lue comme du SQL. Vérifiez son orthographe."),
    "sql-empty": ("", "La requête est vide. Écrivez un SELECT."),
    "sql-not-a-query": ("", "On ne peut ici que poser des questions : un SELECT, avec ou sans WITH."),
    "sql-several-statements": ("", "Posez une question à la fois."),
    "sql-too-long": (
        "",
        "La requête dépasse {limit} caractères. Raccourcissez-la, ou passez des valeurs en paramètres.",
    ),
    "sql-too-deep": ("", "La requête est trop imbriquée. Aplatissez-la, par exemple avec WITH."),
    "sql-too-many-filters": (
        "",
        "La requête a plus de {limit} agrégats avec FILTER. Utilisez GROUP BY, ou demandez en plusieurs fois.",
    ),
    "sql-too-slow": (
        "",
        "Lire la requête a pris plus de {limit} secondes de calcul. Simplifiez-la, ou demandez en plusieurs fois.",
    ),
    "sql-node": ("", "{node} est hors du SQL accepté. Voyez la liste de ce qui est accepté."),
    "sql-function": ("", "La fonction {function} n’est pas dans la liste des fonctions acceptées."),
    "sql-unknown-table": ("", "Il n’y a pas de jeu de données {table}. Voyez le catalogue."),
    "sql-unknown-column": ("", "Il n’y a pas de colonne {column}. Voyez les colonnes du jeu de données."),
    "sql-ambiguous-column": (
        "",
        "La colonne {column} pourrait venir de plusieurs tables. Écrivez table.colonne.",
    ),
    "sql-whole-row": (
        "",
        "{table} désigne ici une ligne entière. Nommez les colonnes dont vous avez besoin.",
    ),
    "sql-window-order": (
        "",
        "{function} a besoin d’un ORDER BY dans sa fenêtre, sinon son résultat serait laissé au hasard.",
    ),
    "sql-limit": ("", "LIMIT et OFFSET prennent ici un nombre entier."),
    "sql-pseudonym-opaque": (
        "",
        "{column} est un pseudonyme : on peut le choisir, le comparer, le joindre, le grouper et le compter, "
        "rien d’autre.",
    ),
    "sql-recursive": ("", "WITH RECURSIVE n’est pas accepté."),
    "sql-natural-join": ("", "NATURAL JOIN n’est pas accepté. Nommez les colonnes avec USING ou ON."),
    "sql-sample": ("", "L’échantillonnage n’est pas accepté : son résultat serait laissé au hasard."),
    "sql-parameter-missing": ("", "Le paramètre ${name} n’a pas de valeur. Donnez-en une."),
    "sql-hidden-name": ("", "Le nom {name} est réservé."),
    "aggregate-form": (
        "",
        "Seuls des totaux peuvent sortir ici, sous une forme fermée : count, sum et avg de mesures, sur des personnes "
        "jointes par leurs clés, choisies et groupées par dimensions. N’est pas permis : {what}.",
    ),
    "meaning-mismatch": (
        "",
        "{left} et {right} n’ont pas le même sens : {left_value} face à {right_value} ({what}). "
        "Aucune table de passage entre eux n’est enregistrée.",
    ),
}

LEFT_OUT = (
    "Sont omises les cases de moins de {k} personnes, celles dont une ou deux personnes font une trop grande part, et "
    "celles trop proches d’autres déjà données. Après un choix ou une nouvelle version des données, une case déjà "
    "donnée reste omise tant que {k} à {most} de ses personnes n’ont pas changé ; sa valeur précédente reste valable."
)
"""What may be missing from totals, and why nobody says which."""
