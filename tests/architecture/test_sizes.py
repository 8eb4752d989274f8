"""Files and functions stay of a size that is read in one go."""

from __future__ import annotations

from statistics import median

from tests.architecture.sources import functions, modules, trees

FILE, FUNCTION = 420, 45
LONG_FILE, LONG_FILES = 300, 4
LONG_FUNCTION, LONG_FUNCTIONS = 35, 10
"""Ratchets: so many files and functions may come near the limits, and these numbers only ever fall."""


def lengths_of_functions() -> dict[str, int]:
    """Lines from `def` to the last, docstring included, by place."""
    return {
        f"{name}:{function.lineno} {function.name}": (function.end_lineno or 0) - function.lineno + 1
        for name, tree in trees().items()
        for function in functions(tree)
    }


def over(limit: int, lengths: dict[str, int]) -> dict[str, int]:
    return {name: length for name, length in lengths.items() if length > limit}


def lengths_of_files() -> dict[str, int]:
    return {name: len(text.splitlines()) for name, text in modules().items()}


def test_no_file_is_too_long() -> None:
    assert over(FILE, lengths_of_files()) == {}


def test_few_files_are_long() -> None:
    assert len(long := over(LONG_FILE, lengths_of_files())) <= LONG_FILES, long


def test_no_function_is_too_long() -> None:
    assert over(FUNCTION, lengths_of_functions()) == {}


def test_few_functions_are_long() -> None:
    assert len(long := over(LONG_FUNCTION, lengths_of_functions())) <= LONG_FUNCTIONS, long


def test_the_usual_function_is_short() -> None:
    assert median(lengths_of_functions().values()) <= 9
