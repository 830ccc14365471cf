"""The executor of block graphs and the contract that blocks are written to; it knows nothing else."""

from .block import Block, Param, Spec, State
from .context import Context
from .execute import backward, forward
from .graph import Graph, GraphError, Node

__all__ = ["Block", "Context", "Graph", "GraphError", "Node", "Param", "Spec", "State", "backward", "forward"]
