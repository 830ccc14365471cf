"""The use of a template: arguments and inputs are given to what is inside, expanded in a scope of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from blockrun.core.options import RESERVED
from blockrun.plugins.suggest import did_you_mean

from ..document import KeyPath
from ..nodes import Draft
from ..reader import Cursor, missing, show_plain
from ..values import Environment
from .binding import Bound, Reads, bind
from .entries import Use
from .scopes import Alias, Entry, Pick, Scope
from .sizes import Sizes
from .templates import Template

if TYPE_CHECKING:
    from .expand import Expansion

DEEPEST = 16  # uses of templates inside one another


class Using:
    """Expands the nodes that use templates."""

    def __init__(self, expansion: Expansion) -> None:
        self.all = expansion
        self._sizes = Sizes(expansion.templates)

    def use(self, draft: Draft) -> Entry:
        """The entry for a use of a template, with everything inside expanded."""
        template = self._template(draft)
        if template is None or not _fits(template, draft):
            return self.all.names.give_up(draft.name)
        if not draft.off:
            self.all.leave_room(draft.cursor, self._sizes.least(template.name) - 1)
        draft.cursor = self._wired(draft)
        self.all.owners.read(draft)
        bound = bind(Reads(f"template `{template.name}`", template.inputs), draft)
        if draft.off:
            alias = Alias(draft.name, None, draft.scope, draft.cursor, draft)
            self.all.stand_for(alias, bound)
            return alias
        inner = self._inside(draft, template, bound)
        first = next((Pick(inner.entries[name]) for name in template.inputs), None)
        self.all.nodes(template.net, inner, first, draft.section)
        return Use(inner, {public: self._out(draft, inner, at) for public, at in template.outs.items()})

    def _out(self, draft: Draft, inner: Scope, at: Cursor | None) -> Entry:
        return self.all.names.give_up(f"{draft.name}/out") if at is None else Alias(draft.name, at, inner, at)

    def _wired(self, draft: Draft) -> Cursor:
        """The node with what it says about wiring worked out; its arguments are when they are asked for."""
        cursor, values = draft.cursor, draft.scope.values
        said = {key: self.all.value(cursor[key], values).value for key in RESERVED if key in cursor}
        return Cursor({**cursor.value, **said}, cursor.path, cursor.problems)

    def _template(self, draft: Draft) -> Template | None:
        """The template that a node uses; None, with a complaint, if there is none, or it is already inside of it."""
        cursor, scope = draft.cursor, draft.scope
        if "block" in cursor:
            fact = f"node `{draft.name}` has both a `block` and a template to `use`"
            cursor["use"].error("E013", fact, "one too many", "leave one of them out", key=True)
            return None
        use = self.all.value(cursor["use"], scope.values)
        if not isinstance(use.value, str) or use.value not in self.all.templates:
            help = did_you_mean(str(use.value), self.all.templates, "there are") or "the file has no `templates`"
            use.error("E016", f"unknown template {show_plain(use.value)}", "not in `templates`", help)
            return None
        inside = [outer.template for outer in scope.outwards() if outer.template][::-1]
        if use.value in inside:
            chain = " -> ".join(f"`{name}`" for name in [*inside[inside.index(use.value) :], use.value])
            help = "a template cannot be inside of itself; `repeat` puts copies in a row"
            use.error("E017", f"a template that uses itself: {chain}", "leads back to itself", help)
            return None
        if scope.depth >= DEEPEST:
            use.error("E006", f"templates are used inside one another more than {DEEPEST} deep", "too deep")
            return None
        return self.all.templates[use.value]

    def _inside(self, draft: Draft, template: Template, bound: Bound | None) -> Scope:
        """The scope inside a use, with the arguments and inputs in it."""
        outer = draft.scope
        inner = Scope(draft.name, Environment(outer.values), outer, template.name)
        inner.use = cursor = draft.cursor
        for name, default in template.args.items():
            path: KeyPath = (*cursor.path, name)
            if name in cursor:
                inner.values.give(name, cursor.value[name], path, outer.values, default.path)
            else:
                self.all.document.copy(path, default.path, cursor.path)
                inner.values.give(name, default.value, path, inner.values, default.path)
        self.all.passed += inner.values.own.items()
        for name in template.inputs:
            full = inner.join(name)
            source = bound[name][0] if bound is not None else None
            inner.entries[name] = self.all.names.give_up(full) if source is None else Alias(full, source, outer, cursor)
        return inner


def _fits(template: Template, draft: Draft) -> bool:
    """Whether the arguments of a use are those of its template; complains if not."""
    cursor = draft.cursor
    given = [key for key in cursor.value if key not in RESERVED]
    unknown = [name for name in given if name not in template.args]
    for name in unknown:
        help = did_you_mean(name, template.args, f"the arguments of `{template.name}` are", RESERVED)
        help = help or "it has no arguments"
        fact = f"template `{template.name}` has no argument `{name}`"
        cursor[name].error("E012", fact, "not an argument", help, key=True)
    lacking = [name for name in template.required if missing(name, given, template.args)]
    for name in lacking:
        fact, related = (
            f"template `{template.name}` needs the argument `{name}`",
            [(template.args[name].path, "required")],
        )
        help = f"add `{name}:`" + ("; `share` shares parameters, not arguments" if "share" in cursor else "")
        cursor.error("E013", fact, "not given here", help, key=True, related=related)
    return not unknown and not lacking
