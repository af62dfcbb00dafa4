"""Every reason code has its sentences, and a test that triggers it."""

from __future__ import annotations

import ast
import string

import pytest

from publica.kernel.reasons import REASONS
from publica.wording.details import BY_LANGUAGE, detail
from publica.wording.render import CATALOGUES

from .source import MODULES, ROOT


def literals() -> set[str]:
    """Every string in a test outside tests/house."""
    found = set()
    for path in (ROOT / "tests").rglob("*.py"):
        if "house" not in path.relative_to(ROOT).parts:
            tree = ast.parse(path.read_text("utf-8"), str(path))
            found |= {
                node.value
                for node in ast.walk(tree)
                if isinstance(node, ast.Constant) and isinstance(node.value, str)
            }
    return found


TESTED = literals()


def fields(sentence: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(sentence) if name}


def test_the_table_is_seen() -> None:
    assert len(REASONS) > 30
    assert all(code == reason.code for code, reason in REASONS.items())


@pytest.mark.parametrize("language", sorted(CATALOGUES))
def test_a_catalogue_words_every_reason_and_no_other(language: str) -> None:
    assert set(CATALOGUES[language]) == set(REASONS)


@pytest.mark.parametrize("code", sorted(REASONS))
def test_a_reason_has_sentences(code: str) -> None:
    """Both, where both can be; they use the reason's parameters and no other."""
    for catalogue in CATALOGUES.values():
        met, missing = catalogue[code]
        assert bool(met) == REASONS[code].can_hold
        assert missing.rstrip().endswith((".", "?"))
        assert fields(met) | fields(missing) <= set(REASONS[code].params)


@pytest.mark.parametrize("code", sorted(REASONS))
def test_a_reason_is_triggered_by_a_test(code: str) -> None:
    assert code in TESTED, f"no test outside tests/house names {code}"


@pytest.mark.parametrize("code", sorted(REASONS))
def test_a_reason_is_given_somewhere(code: str) -> None:
    """A code that no module names is dead; delete it."""
    givers = [
        name
        for name, module in MODULES.items()
        if name != "publica.kernel.reasons" and not name.startswith("publica.wording")
        if f'"{code}"' in module.text or f"'{code}'" in module.text
    ]
    assert givers, f"no module gives {code}"


def details() -> dict[str, str]:
    """What the gateway says in words of a question that is no total: by its template, an example of it."""
    found = {}
    for path in (ROOT / "src" / "publica" / "gateway" / "aggregate").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"), str(path))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "refused":
                (said,) = node.args
                parts = said.values if isinstance(said, ast.JoinedStr) else [said]
                texts = [part.value if isinstance(part, ast.Constant) else None for part in parts]
                template = "".join("{}" if text is None else str(text) for text in texts)
                found[template] = template.replace("{}", "zzz")
    return found


@pytest.mark.parametrize("language", BY_LANGUAGE)
def test_every_detail_of_a_refusal_is_worded(language: str) -> None:
    found = details()
    assert len(found) > 30
    told = {example: detail(example, language) for example in found.values()}
    assert [example for example, said in told.items() if said == example and said != "LATERAL"] == []
    assert [said for example, said in told.items() if example.count("zzz") != said.count("zzz")] == []
    assert set(found) <= set(BY_LANGUAGE[language])


def test_a_name_that_an_asker_chose_takes_no_other_wording() -> None:
    name = "x in a condition on people"
    assert detail(f"the computed column {name}", "fr") == f"la colonne calculée {name}"
    assert detail("zzz() over people", "fr") == "zzz() sur des personnes"
    assert detail("something unheard of", "fr") == "something unheard of"
