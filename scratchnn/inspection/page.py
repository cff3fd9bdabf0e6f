"""A trace as one HTML page: it loads nothing, and is read on paper and in the dark as well."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

import numpy as np

from ..arrays import Array
from .pictures import heat_map, histogram
from .statistics import Statistics, number, shape_text, share
from .traces import LayerTrace, Trace, table_of

_PIXELS = 500_000  # for all heat maps together: about as many bytes
_CELLS = 4_000  # for each
_ROWS = 1_200  # arrays on a page

_STYLE = """
:root { color-scheme: light dark; --page: #fff; --text: #1f2328; --muted: #59636e;
  --line: #d1d9e0; --soft: #f6f8fa; --link: #0969da; --bar: #8fb8e8; --note: #9a5b00; }
@media (prefers-color-scheme: dark) { :root { --page: #0d1117; --text: #e6edf3;
  --muted: #9198a1; --line: #3d444d; --soft: #161b22; --link: #58a6ff; --bar: #2f5f99;
  --note: #e3a04a; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text);
  font: 15px/1.5 system-ui, sans-serif; }
.skip { position: absolute; left: -99em; }
.skip:focus { left: 1em; top: 1em; background: var(--page); padding: .4em; z-index: 1; }
.columns { display: grid; grid-template-columns: 15.5em minmax(0, 1fr); }
nav { border-right: 1px solid var(--line); padding: 1.2em; position: sticky; top: 0;
  height: 100vh; overflow-y: auto; font-size: 13px; }
nav ol { list-style: none; padding: 0; margin: 0; }
nav a { display: block; padding: .25em .4em; border-radius: 4px; color: inherit;
  text-decoration: none; overflow-wrap: anywhere; }
nav a:hover, nav a:focus-visible { background: var(--soft); }
nav small { color: var(--muted); display: block; }
.bar { display: block; height: 4px; border-radius: 2px; background: var(--bar); min-width: 1px; }
main { padding: 1.2em 1.6em 4em; }
h1 { font-size: 1.5em; margin: 0 0 .2em; overflow-wrap: anywhere; }
h2 { display: inline; font-size: 1.1em; margin: 0; overflow-wrap: anywhere; }
summary { padding: .5em .2em; cursor: pointer; border-top: 1px solid var(--line); }
summary .kind { color: var(--muted); }
:focus-visible { outline: 2px solid var(--link); outline-offset: 1px; }
.facts { color: var(--muted); margin: 0 0 1em; }
.notes { border-left: 3px solid var(--note); padding: .2em 1em; margin: 1em 0;
  background: var(--soft); }
.notes ul { margin: 0; padding-left: 1.2em; }
.scroll { overflow-x: auto; margin-bottom: 1.2em; }
table { border-collapse: collapse; font-size: 13px; font-variant-numeric: tabular-nums;
  table-layout: fixed; width: 77.4em; }
th, td { padding: .25em .45em; text-align: right; white-space: nowrap; }
th { font-weight: 600; color: var(--muted); }
tbody th, thead th:first-child { text-align: left; color: var(--text); }
tbody tr + tr { border-top: 1px solid var(--line); }
tbody th { font-family: ui-monospace, monospace; white-space: pre-wrap; font-weight: 400;
  overflow-wrap: anywhere; }
th.picture { text-align: left; }
tbody tr.call th { font-family: inherit; font-weight: 600; }
td.picture { text-align: left; }
.bad { color: #cf222e; font-weight: 600; }
.same, .none { color: var(--muted); }
img { image-rendering: pixelated; display: block; border: 1px solid var(--line); }
svg { display: block; width: 96px; height: 40px; overflow: visible; }
svg path { fill: var(--bar); }
svg path.zero { stroke: var(--text); stroke-width: 1; opacity: .55; }
footer { color: var(--muted); font-size: 13px; max-width: 60em; }
@media (max-width: 83em) { .columns { display: block; }
  nav { position: static; height: auto; max-height: 14em; border-right: 0; padding: 1em;
    border-bottom: 1px solid var(--line); }
  nav ol { columns: 14em; } nav li { break-inside: avoid; }
  main { padding: 1em; } table { font-size: 12px; } svg { width: 88px; } }
@media screen and (max-width: 60em) { /* a card for each array, its pictures under its name */
  table, tbody { display: block; width: auto; } colgroup, thead { display: none; }
  tbody tr { display: flex; flex-wrap: wrap; align-items: end; gap: 0 .9em; padding: .3em 0; }
  tbody th { flex-basis: 100%; } td { padding: .1em 0; text-align: left; }
  td.picture { padding: .2em 0; } td.picture:empty, td:empty { display: none; }
  tbody tr::after { content: ""; flex-basis: 100%; order: 1; }
  td:not(.picture) { order: 2; } /* the numbers, on a line of their own */
  td::before { color: var(--muted); }
CARDS}
@media print { nav, .skip { display: none; } .columns { display: block; }
  main { padding: 0; max-width: none; } .scroll { overflow: visible; }
  table { font-size: 9px; width: 100%; } th, td { padding: .15em .35em; }
  tr { break-inside: avoid; }
  summary { break-after: avoid; } img { max-width: 120px; height: auto; } svg { width: 80px; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; } }
"""

_COLUMNS = {
    "array": 9.6,
    "histogram": 8,
    "values": 13.6,
    "shape": 8,
    "dtype": 4.6,
    "min": 5.2,
    "mean": 5.2,
    "max": 5.2,
    "std": 5.2,
    "zeros": 4,
    "norm": 5.2,
    "dead": 3.6,
}  # and their widths; the pictures come first, so that no window is too narrow for them

_NAMES_IN_CARDS = "".join(
    f'  td:nth-child({i + 1})::before {{ content: "{name} "; }}\n'
    for i, name in enumerate(_COLUMNS)
    if name not in ("array", "histogram", "values", "shape", "dtype")
)

_HEAD = (
    '<div class="scroll" tabindex="0"><table><colgroup>'
    + "".join(f'<col style="width:{width}em">' for width in _COLUMNS.values())
    + "</colgroup><thead><tr>"
    + "".join(
        f'<th scope="col"{" class=picture" * (name in ("histogram", "values"))}>{name}</th>'
        for name in _COLUMNS
    )
    + "</tr></thead><tbody>"
)

_LEGEND = (
    "Heat maps: orange is above zero, blue below, no colour is zero, and full colour the largest "
    "size in the array; the strength goes with the square root. The samples of an output run down "
    "and its units across; a kernel has its units across. Large arrays are shown by the means of "
    "blocks. Histograms: the heights are square roots, so that rare values show; the line is at "
    "zero. “d” is the gradient of the loss with respect to an array. “Dead” units are zero for "
    "the whole batch."
)


def page(trace: Trace) -> str:
    """Return the HTML of a trace."""
    title = f"Trace of {trace.model}"
    return "\n".join(
        [
            "<!DOCTYPE html>",
            '<html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            # Nothing is loaded; and nothing could be.
            '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
            "style-src 'unsafe-inline'; img-src data:\">",
            f"<title>{escape(title)}</title>",
            f"<style>{_STYLE.replace('CARDS', _NAMES_IN_CARDS)}</style></head><body>",
            '<a class="skip" href="#layers">To the layers</a>',
            '<div class="columns"><nav aria-label="Layers"><ol>',
            *_contents(trace),
            '</ol></nav><main id="layers">',
            f"<h1>{escape(title)}</h1>",
            f'<p class="facts">{escape(trace.title)}.</p>',
            *_notes(trace),
            *_sections(trace),
            f"<footer><p>{_LEGEND}</p></footer>",
            "</main></div></body></html>",
            "",
        ]
    )


def _contents(trace: Trace) -> Iterator[str]:
    """Yield the table of contents, with each layer's size of gradient as a bar."""
    norms = [_gradient_norm(layer) for layer in trace.layers]
    top = max((norm for norm in norms if norm is not None), default=0) or 1
    for i, (layer, norm) in enumerate(zip(trace.layers, norms, strict=True)):
        text = "no gradient"
        bar = ""
        if norm is not None:
            text = f"gradient {number(norm)}"
            bar = f'<span class="bar" style="width:{100 * norm / top:.1f}%"></span>'
        yield (
            f'<li><a href="#layer-{i}">{escape(layer.name)}'
            f"<small>{escape(layer.kind)}, {text}</small>{bar}</a></li>"
        )


def _gradient_norm(layer: LayerTrace) -> float | None:
    """Return the norm of the gradient of the layer's outputs; None without any."""
    grads: list[Array] = []
    for call in layer.calls:
        parts = call.grad if isinstance(call.grad, list) else [call.grad]
        grads += [part for part in parts if part is not None and np.isfinite(part).all()]
    if not grads:
        return None
    return float(np.sqrt(sum(float(np.vdot(g, g)) for g in grads)))


def _notes(trace: Trace) -> Iterator[str]:
    if trace.notes:
        yield '<div class="notes" role="note"><ul>'
        yield from (f"<li>{escape(note)}</li>" for note in trace.notes[:30])
        if len(trace.notes) > 30:
            yield f"<li>and {len(trace.notes) - 30} more.</li>"
        yield "</ul></div>"


def _sections(trace: Trace) -> Iterator[str]:
    rows = [list(table_of(layer)) for layer in trace.layers]
    arrays = sum(array is not None for part in rows for _, array, _ in part)
    cells = min(_CELLS, _PIXELS // max(arrays, 1))
    left = _ROWS
    for i, (layer, part) in enumerate(zip(trace.layers, rows, strict=True)):
        yield (
            f'<details open id="layer-{i}"><summary><h2>{escape(layer.name)}</h2> '
            f'<span class="kind">{escape(layer.kind)}</span></summary>'
        )
        shown = part[: max(left, 0)]
        left -= len(part)
        if shown:
            yield _HEAD
            for row in shown:
                yield _row(*row, layer, cells)
            yield "</tbody></table></div>"
        if len(shown) < len(part):
            yield (
                f'<p class="facts">{len(part) - len(shown)} arrays more than the page shows: '
                "the trace itself has them by name.</p>"
            )
        yield "</details>"


def _row(what: str, array: Array | None, dead: str, layer: LayerTrace, cells: int) -> str:
    if array is None:
        if not what.startswith(" ") and len(layer.calls) == 1:
            return ""  # the heading says it already
        kind = "none" if what.startswith(" ") else "call"
        return f'<tr class="{kind}"><th scope="row" colspan="12">{escape(what)}</th></tr>'
    s = Statistics.of(array)
    of_batch = what.strip().startswith(("output", "d output", "d logits", "mask"))
    picture = heat_map(array, of_batch, cells) if cells >= 32 and array.size > 1 else ""
    bad = f' <span class="bad">{s.bad} not finite</span>' if s.bad else ""
    texts = [shape_text(s.shape), s.dtype, *map(number, (s.min, s.mean, s.max, s.std))]
    texts += [share(s.zeros), number(s.norm), dead]
    return (
        f'<tr><th scope="row">{escape(what)}{bad}</th>'
        f'<td class="picture">{histogram(array)}</td><td class="picture">{picture}</td>'
        + "".join(f"<td>{text}</td>" for text in texts)
        + "</tr>"
    )
