"""Files made to hurt: nothing in them runs, and each is done with in little time and memory (promises 4 and 5)."""

from __future__ import annotations

import gc
import json
import time
import tracemalloc
from collections.abc import Callable, Iterator

from blockrun.plugins.host import Host
from blockrun.plugins.network.build import build
from blockrun.plugins.network.diagnostics import ConfigError
from blockrun.plugins.network.scan import parse_document

LIMIT_S, LIMIT_BYTES = 0.1, 50e6
MIB = 2**20
HEAD = "blockrun: 1\ninputs: {x: [3]}\n"
CALLS = ["os.system", "subprocess.Popen", "builtins.eval", "builtins.exec", "builtins.open", "builtins.__import__"]
TAGS = ["!!python/object/apply:{0} ['x']", "!!python/object/new:{0} ['x']", "!!python/name:{0}", "!!python/module:os",
        "!!python/object:{0} {{a: 1}}", "!<tag:yaml.org,2002:python/object/apply:{0}> ['x']", "!include {0}",
        "!!binary aGVsbG8=", "!!timestamp 2001-01-01", "!!set {{a}}", "${{__import__('os').system('x')}}",
        "$(touch x)", "`touch x`", "__import__('os')", "file:///etc/passwd", "{0}", "!!js/function 'x'",
        "${{{0}('x')}}", "${{(lambda: {0})()}}", "${{[c for c in ().__class__.__base__.__subclasses__()]}}",
        "${{'{{0.__class__}}'.format(1)}}", "${{open('/etc/passwd').read()}}", "${{f'{{1}}'}}"]  # fmt: skip


def text_bombs() -> dict[str, str]:
    """Text that is much, deep, or slow to read."""
    aliases = ["a0: &a0 [x,x,x,x,x,x,x,x,x]"]
    aliases += [f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 12)]
    return {
        "flow lists": "[" * (MIB - 8),
        "flow maps": "{a: " * (MIB // 5),
        "block lists": "- " * (MIB // 2 - 8),
        "complex keys": "? " * (MIB // 2 - 8),
        "indentation": "".join(" " * i + "a:\n" for i in range(1000)),
        "alias bomb": "\n".join(aliases),
        "cyclic alias": "&x [*x]",
        "merge keys": "a: &a {b: 1}\n" + "".join(f"c{i}: {{<<: [*a, *a, *a]}}\n" for i in range(3000)),
        "integer": "a: " + "9" * (MIB - 8),
        "leading zeros": "a: " + "0" * (MIB - 8),
        "hexadecimal": "a: 0x" + "f" * (MIB - 8),
        "float": "a: " + "1" * (MIB - 16) + ".5",
        "nearly a float": "a: " + "1" * (MIB - 16) + "x",
        "many keys": "".join(f"k{i}: 1\n" for i in range(100_000)),
        "many equal keys": "k: 1\n" * 200_000,
        "many values in a line": "[" + "1," * 400_000 + "]",
        "many anchors": "[" + "&a 1," * 200_000 + "]",
        "many tags": "[" + "!!int 1," * 120_000 + "]",
        "long text": 'a: "' + "\\u0041" * (MIB // 6 - 8) + '"',
        "comments": "# \n" * (MIB // 3 - 8),
        "documents": "---\n" * (MIB // 4 - 8),
        "quotes": '"' * (MIB - 8),
        "colons": ": " * (MIB // 2 - 8),
        "tag directives": "%TAG ! tag:x,2000:\n" * 1000 + "--- 1",
    }


def network_bombs() -> dict[str, str]:
    """Short files that stand for much, or that lead around in circles."""
    return {**_templates(), **_values(), **_errors()}


def chain(count: int, body: Callable[[int], str], end: str = "{net: {a: relu}}") -> str:
    """Templates t0, t1, ... of which each is `body` of its number, the last `end`, and a use of the first."""
    templates = "".join(f"  t{i}: {body(i)}\n" for i in range(count))
    return f"{HEAD}templates:\n{templates}  t{count}: {end}\nnet: {{a: {{use: t0}}}}\n"


def rows(text: str, count: int, last: str = "") -> str:
    """Nodes n0, n1, ... with `#` for their numbers and `>` for the following ones, the last followed by the first."""
    lines = (f"  n{i}: {text.replace('#', str(i)).replace('>', str((i + 1) % count))}\n" for i in range(count))
    return f"{HEAD}net:\n{''.join(lines)}{last}"


def _templates() -> dict[str, str]:
    own = "{args: {k: 1}, net: {a: {use: t%d, k: '${2 * k}'}, b: {use: t%d, k: '${2 * k + 1}'}}}"
    ends, long, big = "{args: {k: 1}, net: {a: {block: linear, units: $k}}}", "n" * 90, 10**9
    ten = "{times: 10, share: true}"
    return {
        "a repeat of 10^9": HEAD + f"net: {{a: {{block: relu, repeat: {big}}}}}\n",
        "a repeat of 2^63": HEAD + "net: {a: {block: relu, repeat: 9223372036854775807}}\n",
        "a repeat of 9,999": HEAD + "net: {a: {block: nothing, repeat: 9999}}\n",
        "a repeat by a variable": HEAD + f"vars: {{n: {big}}}\nnet: {{a: {{block: relu, repeat: $n}}}}\n",
        "repeats in repeats": chain(8, lambda i: f"{{net: {{a: {{use: t{i + 1}, repeat: 10}}}}}}"),
        "repeats in repeats by arguments": chain(
            8, lambda i: f"{{args: {{n: 10}}, net: {{a: {{use: t{i + 1}, repeat: $n}}}}}}"
        ),
        "shared repeats in repeats": chain(8, lambda i: f"{{net: {{a: {{use: t{i + 1}, repeat: {ten}}}}}}}"),
        "uses in uses": chain(8, lambda i: f"{{net: {{{', '.join(f'n{j}: {{use: t{i + 1}}}' for j in range(9))}}}}}"),
        "uses with arguments of their own": chain(14, lambda i: own % (i + 1, i + 1), ends),
        "a template in itself": chain(1, lambda i: "{net: {a: {use: t0}, b: {use: t0}}}"),
        "templates in a circle": chain(900, lambda i: f"{{net: {{a: {{use: t{i + 1}}}}}}}", "{net: {a: {use: t0}}}"),
        "a long chain of templates": chain(900, lambda i: f"{{net: {{a: {{use: t{i + 1}}}}}}}"),
        "long names in long names": chain(12, lambda i: f"{{net: {{{long}: {{use: t{i + 1}, repeat: 2}}}}}}"),
        "each of 10^6 steps": HEAD + "net: {a: {block: relu, repeat: {times: 1000000, each: {x: x}}}}\n",
        "unstack of 10^9": HEAD + f"net: {{a: {{block: unstack, count: {big}}}}}\n",
        "split of 10^9": HEAD + f"net: {{a: {{block: split, parts: {big}}}}}\n",
        "shares in a circle": rows("{block: relu, share: n>}", 800),
        "shares in a row": rows("{block: relu, share: n>}", 800).replace("share: n0}", "in: x}"),
        "a share inside itself": HEAD
        + "templates: {t: {net: {a: relu}}}\nnet: {p: {use: t, share: q/a}, q: {use: t, share: p/a}}\n",
        "nodes that are left out": rows("{block: relu, in: n>, when: false}", 600).replace("in: n0,", "in: x,"),
        "names in a circle": rows("{block: relu, in: n>, when: false}", 600),
        "ties in a circle": rows("{block: linear, units: 3, params: {W: n>.W}}", 400),
    }


def _values() -> dict[str, str]:
    lists = ["a0: [x, x, x, x, x, x, x, x, x]", *(f"a{i}: [{', '.join([f'$a{i - 1}'] * 9)}]" for i in range(1, 12))]
    texts = ["a0: xxxxxxxxxx", *(f'a{i}: "${{a{i - 1}}}${{a{i - 1}}}"' for i in range(1, 60))]
    sums = ["a0: xxxxxxxxxx", *(f'a{i}: "${{a{i - 1} + a{i - 1}}}"' for i in range(1, 60))]
    expressions = {
        "a tower of powers": "9**9**9**9",
        "a long power": "((9**99)**99)**99",
        "many brackets": "(" * 240 + "1" + ")" * 240,
        "many minuses": "-" * 499 + "1",
        "many nots": "not " * 120 + "true",
        "many sums": "+".join("1" * 250),
        "a long number": "9" * 100_000,
        "many names": " + ".join(f"n{i}" for i in range(80)),
        "an unclosed bracket": "(" * 100_000,
        "a division by nothing": "1 / 0",
        "a shift": "1 << 10**9",
    }

    def of(variables: list[str]) -> str:
        lines = "".join(f"  {line}\n" for line in variables)
        return f"{HEAD}vars:\n{lines}net: {{a: {{block: linear, units: $a5}}}}\n"

    found = {"lists of lists by `$`": of(lists), "texts of texts by `$`": of(texts), "sums of texts": of(sums)}
    found["a circle of variables"] = of([f"a{i}: $a{(i + 1) % 1500}" for i in range(1500)])
    found["a row of variables"] = of([f"a{i}: $a{i + 1}" for i in range(1500)] + ["a1500: 3"])
    found["a row of sums"] = of([f'a{i}: "${{{"1 + " * 60}a{i + 1}}}"' for i in range(700)] + ["a700: 3"])
    return found | {
        what: HEAD + f'net: {{a: {{block: linear, units: "${{{text}}}"}}}}\n' for what, text in expressions.items()
    }


def _errors() -> dict[str, str]:
    """Files with as many mistakes as they can hold."""
    wide = ", ".join(["1"] * 4000)
    return {
        "unknown names": rows("{block: relu, in: m#}", 1200),
        "unknown blocks": rows("{block: lineer#, units: 3}", 1200),
        "unknown options": rows("{block: linear, unitz#: 3}", 1200),
        "unknown variables": rows("{block: linear, units: $wdith#}", 1200),
        "unknown templates": rows("{use: laier#}", 1200),
        "wrong values": rows("{block: linear, units: -#}", 1200),
        "wrong numbers of inputs": rows("{block: linear, units: 3, in: [x, x, x]}", 800),
        "unknown shares": rows("{block: linear, units: 3, share: m#}", 1200),
        "unknown ties": rows("{block: linear, units: 3, params: {W: m#.W}}", 700),
        "wrong names": rows("relu", 1200).replace("  n", "  9"),
        "shapes that never fit": rows("{block: add, in: [x, y]}", 1200).replace("{x: [3]}", "{x: [3], y: [4]}"),
        "nodes that read themselves": rows("{block: relu, in: n#}", 1200),
        "one wide circle": rows("{block: relu, in: n>}", 1200),
        "unknown keys": HEAD + "net: {a: relu}\n" + "".join(f"kex{i}: 1\n" for i in range(2000)),
        "a size beyond memory": HEAD + "net: {a: {block: linear, units: 9000000000000000000}}\n",
        "an input beyond memory": "blockrun: 1\ninputs: {x: [1000000000, 1000000000]}\nnet: {a: relu}\n",
        "a wide input": f"blockrun: 1\ninputs: {{x: [{wide}]}}\nnet: {{a: relu}}\n",
    }


def injections() -> dict[str, str]:
    """Values that run code where a reader is careless, in every place."""
    values = [tag.format(call) for tag in TAGS for call in CALLS]
    quoted = [json.dumps(value) if "${" in value else value for value in dict.fromkeys(values)]
    places = {
        "a node": "net: {{a: {0}}}\n",
        "an option": "net:\n  a: {{block: linear, units: {0}}}\n",
        "a list": "plugins: {{require: [{0}]}}\nnet: {{a: relu}}\n",
    }
    return {f"{value} as {where}": HEAD + text.format(value) for where, text in places.items() for value in quoted}


def take(text: str, host: Host) -> str:
    """Read a file as `load` does; returns the exception that is no message, "" if there is none."""
    try:
        build(parse_document(text), host, drawn=False)
    except ConfigError as error:
        error.render()
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return ""


def seconds(text: str, host: Host, tries: int = 3) -> float:
    """Processor time, the best of some, since the machine may be busy with something else."""
    times = []
    for _ in range(tries):
        start = time.process_time()
        take(text, host)
        times.append(time.process_time() - start)
        if times[-1] < LIMIT_S:
            break
    return min(times)


def peak(text: str, host: Host) -> int:
    """The most bytes in use at once."""
    gc.collect()
    tracemalloc.start()
    try:
        take(text, host)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def files() -> dict[str, str]:
    return {**text_bombs(), **network_bombs(), **injections()}


def cases(host: Host, share: int = 1) -> Iterator[tuple[str, str]]:
    """Every file, or every `share`th, and which limit it goes beyond, if one."""
    take("a: [1, {b: 2}]", host)  # whatever is imported on first use
    for i, (name, text) in enumerate(files().items()):
        if i % share == 0:
            raised, took, bytes_ = take(text, host), seconds(text, host), peak(text, host)
            slow = f"{took * 1000:.0f} ms" if took >= LIMIT_S else ""
            large = f"{bytes_ / 1e6:.0f} MB" if bytes_ >= LIMIT_BYTES else ""
            yield name, ", ".join(filter(None, [raised, slow, large]))
