"""A mutant must be in place where backward finds it: one that is nowhere called would count as one that lives."""

from blockrun.plugins.builtin import blockrun_blocks

from . import pool
from .generate import mutants
from .run import KILLED, judge


def test_a_helper_of_a_helper_is_rewritten_for_the_block_that_calls_it():
    """rnn_cell calls `gradients` of another file, which calls `rows` of a third."""
    every = mutants("rnn_cell", blockrun_blocks()["rnn_cell"])
    wrong = next(m for m in every if m.function == "rows" and m.after == "return -x.reshape(-1, x.shape[-1])")
    [(_, outcome)] = pool.run_all([wrong], judge, workers=1)  # in a process of its own, which it sets up for itself
    assert outcome == (KILLED, "gradients")
