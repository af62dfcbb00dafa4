"""Sizes: small functions, small files, and the exceptions with their reasons."""

from __future__ import annotations

from .source import MODULES, Function

FUNCTION_P90, LONG, LONG_SHARE, FILE_P90 = 30, 50, 0.03, 500

EXCEPTIONS: dict[str, str] = {}
"""`module:function` or `module` → why it may be longer."""


def lines(function: Function) -> int:
    return (function.end_lineno or function.lineno) - function.lineno + 1


def functions() -> dict[str, int]:
    return {
        f"{module.name}:{function.name}:{function.lineno}": lines(function)
        for module in MODULES.values()
        for function in module.functions
        if f"{module.name}:{function.name}" not in EXCEPTIONS
    }


def percentile(values: list[int], share: float) -> int:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def test_functions_are_short() -> None:
    sizes = functions()
    assert len(sizes) > 40
    assert percentile(list(sizes.values()), 0.9) <= FUNCTION_P90, longest(sizes)


def test_few_functions_are_long() -> None:
    sizes = functions()
    long = [name for name, size in sizes.items() if size > LONG]
    assert len(long) <= LONG_SHARE * len(sizes), longest(sizes)


def test_files_are_short() -> None:
    sizes = {
        name: len(module.text.splitlines()) for name, module in MODULES.items() if name not in EXCEPTIONS
    }
    assert len(sizes) > 12
    assert percentile(list(sizes.values()), 0.9) <= FILE_P90, longest(sizes)


def test_exceptions_are_needed_and_reasoned() -> None:
    known = {f"{module.name}:{function.name}" for module in MODULES.values() for function in module.functions}
    assert all(reason.strip() for reason in EXCEPTIONS.values())
    assert set(EXCEPTIONS) <= known | set(MODULES)


def longest(sizes: dict[str, int]) -> str:
    ranked = sorted(sizes.items(), key=lambda item: -item[1])
    return ", ".join(f"{name} {size}" for name, size in ranked[:10])
