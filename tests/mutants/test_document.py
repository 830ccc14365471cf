"""The page of surviving mutants says what the proofs say."""

from .document import DOCUMENT, survivors


def test_the_page_lists_every_proof():
    """`make mutants` writes it, or `python -m tests.mutants.document` the list alone."""
    assert DOCUMENT.read_text(encoding="utf-8").endswith(survivors())
