"""Expansion: from the nodes, templates and repetitions of a file to a plain list of nodes, each with its own name."""
