"""What was probably meant by a name that nothing goes by."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import SequenceMatcher, get_close_matches
from functools import lru_cache

CANDIDATES, FARTHEST, ALIKE = 20, 0.5, 0.6


def closest(name: str, known: Iterable[str]) -> str | None:
    """The known name that `name` is most likely a slip of, if any is near: the fewest edits, then the most alike."""
    return _closest(name, tuple(known))


@lru_cache(maxsize=1024)
def _closest(name: str, known: tuple[str, ...]) -> str | None:
    folded = {_fold(n): n for n in known}
    word = _fold(name)[:100]
    meant = [key for key in folded if _abbreviates(word, key)]
    if len(meant) == 1:
        return folded[meant[0]]
    near = [(_edits(word, key), -SequenceMatcher(None, word, key).ratio(), key)
            for key in get_close_matches(word, folded, CANDIDATES, FARTHEST)]  # fmt: skip
    likely = [found for found in near if found[0] <= 1 or -found[1] >= ALIKE]
    return folded[min(likely)[2]] if likely else None


def _fold(name: str) -> str:
    return name.lower().replace("-", "_")


def _abbreviates(word: str, key: str) -> bool:
    """Whether the parts of `word` are parts of `key` that letters were left out of: `avg_pool` of `average_pool`."""
    parts, whole = word.split("_"), key.split("_")
    return len(parts) == len(whole) > 1 and all(map(_shortens, parts, whole))


def _shortens(part: str, whole: str) -> bool:
    """Whether all letters of `part` are in `whole`, in order, from the first on."""
    letters = iter(whole)
    return part[:1] == whole[:1] and all(letter in letters for letter in part)


def _edits(a: str, b: str) -> int:
    """How many letters must be added, dropped, replaced or swapped with the next (Damerau 1964)."""
    rows = [list(range(len(b) + 1))]
    for i in range(1, len(a) + 1):
        row = [i]
        for j in range(1, len(b) + 1):
            best = min(rows[-1][j] + 1, row[-1] + 1, rows[-1][j - 1] + (a[i - 1] != b[j - 1]))
            if i > 1 and j > 1 and a[i - 1] == b[j - 2] and a[i - 2] == b[j - 1]:
                best = min(best, rows[-2][j - 2] + 1)
            row.append(best)
        rows.append(row)
    return rows[-1][-1]


def did_you_mean(name: str, known: Iterable[str], kind: str = "", others: Iterable[str] = ()) -> str:
    """Help for an unknown name: the nearest known one, else a list of what there is; "" if there is nothing.

    The nearest may be one of the `others`, which are not listed.
    """
    names = sorted(set(known))
    close = closest(name, [*names, *others])
    if close:
        return f"did you mean `{close}`?"
    return f"{kind or 'known'}: {listing(names)}" if names else ""


def listing(names: list[str], most: int = 12) -> str:
    """The first names of a list, for a message."""
    return ", ".join(names[:most]) + (", ..." if len(names) > most else "")
