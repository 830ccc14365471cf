"""What every standalone script has besides its network: reading inputs, the base of its blocks, the command line."""

from __future__ import annotations

GIVEN = '''\
def given(name, x):
    """An input as the network takes it; raises `ValueError` for what does not fit."""
    dtype, shape = INPUTS[name]
    x = np.asarray(x)
    if x.dtype.kind not in ("fiub" if dtype.startswith("float") else "iub"):
        raise ValueError(f"{name} is {x.dtype}; it must be {dtype}")
    if x.ndim != len(shape) or any(size not in (n, None) for size, n in zip(shape, x.shape, strict=True)):
        wanted = ", ".join("N" if size is None else str(size) for size in shape)
        raise ValueError(f"{name} has shape {x.shape}; it must be ({wanted})")
    return x.astype(dtype, copy=False)
'''

BLOCK = '''\
class Block:
    """One operation: its options are its attributes, and `forward` computes its outputs."""

    def __init__(self, **options):
        vars(self).update(options)
'''

CONTEXT = '''\
class Context:
    """What a block is told besides its inputs."""

    training = False
    dtype = np.dtype("{dtype}")

    def __init__(self, x):
        self.examples = len(x) or 1 if np.ndim(x) else 1

    def total(self, x):
        """The sum over all pieces of a batch, which is whole here."""
        return x
'''

MAIN = """\
def main():
    if len(sys.argv) != 3:
        sys.exit(f"usage: python {sys.argv[0]} in.npz out.npz")
    try:
        with np.load(sys.argv[1], allow_pickle=False) as file:
            missing = [name for name in INPUTS if name not in file]
            if missing:
                raise ValueError(f"there is no array `{missing[0]}`; the network reads {', '.join(INPUTS)}")
            inputs = [file[name] for name in INPUTS]
        outputs = predict(*inputs)
    except (OSError, ValueError) as error:
        sys.exit(f"{sys.argv[1]}: {error}")
    np.savez(sys.argv[2], **outputs)
"""

IN_PIECES = '''\
def in_pieces(inputs, batch=256):
    """`predict` for any number of examples, `batch` of them at a time, so that they fit into memory."""
    starts = range(0, max(len(inputs[0]), 1), batch)
    pieces = [predict(*(x[start : start + batch] for x in inputs)) for start in starts]
    return {name: np.concatenate([piece[name] for piece in pieces]) for name in pieces[0]}
'''

ARRAY = '''\
def array(dtype, shape, text):
    """The numbers of an array from base64 of their bytes, the least significant one first."""
    return np.frombuffer(base64.b64decode(text), dtype).reshape(shape).astype(dtype[1:])
'''

BESIDE = """\
with np.load(Path(__file__).with_name("{file}"), allow_pickle=False) as file:
    WEIGHTS = dict(file)
"""
