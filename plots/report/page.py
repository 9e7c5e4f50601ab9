# SPDX-License-Identifier: MIT
"""All charts in one page. It needs neither network nor script; the script adds filters,
sorting and a link to the current view."""

import base64
import hashlib
import pathlib

from . import claims, drawing, facts, style, words
from .charts import calls, details, heat, lines, primitives, steps, verdicts
from .drawing import Drawing
from .view import amount, remarks, spread_words
from .words import escape

HERE = pathlib.Path(__file__).resolve().parent


# ------------------------------------------------------------------------ the parts

def _attributes(data):
    return "".join(f' data-{key}="{value}"' for key, value in data.items()
                   if value is not None)


#: Columns of words that are sorted by a number, such as models in reading order
WORDS = {"model", "load"}


def _cell(text, number, is_number):
    kind = " class=n" if is_number else ""
    value = "" if number is None else f' data-v="{number:.12g}"'
    return f"<td{kind}{value}>{escape(text)}</td>"


def table(of, caption, id):
    """HTML of a table, which the script makes sortable"""
    right = [is_number and head not in WORDS for head, is_number in of.columns]
    heads = "".join(f'<th scope="col"{" class=n" if is_right else ""}>'
                    f"{escape(head)}</th>"
                    for (head, _), is_right in zip(of.columns, right))
    rows = "".join(f"<tr{_attributes(data)}>" + "".join(
        _cell(*cell, is_right) for cell, is_right in zip(cells, right)) + "</tr>"
                   for data, cells in of.rows)
    return (f'<div class="scroll"><table class="data" id="{id}">'
            f"<caption>{escape(caption)}</caption><thead><tr>{heads}</tr></thead>"
            f"<tbody>{rows}</tbody></table></div>")


def _figure(figure):
    caption = f"<figcaption>{escape(figure.caption)}</figcaption>" \
        if figure.caption else ""
    below = f'<p class="note">{escape(figure.below)}</p>' if figure.below else ""
    data = _attributes({"l": figure.load, "c": figure.connections})
    return f'<figure{data}>{caption}<div class="scroll">{figure.svg}</div>{below}</figure>'


def _figures(figures, beside=True):
    inside = "".join(map(_figure, figures))
    kind = "figures" if beside else "figures pairs"
    return f'<div class="{kind}">{inside}</div>' if figures else ""


def _missing(texts):
    if not texts:
        return ""
    items = "".join(f"<li>{escape(text)}</li>" for text in texts)
    return f'<div class="missing"><p>Missing:</p><ul>{items}</ul></div>'


def _tables(chart):
    """Those that are not folded first"""
    several = len(chart.tables) > 1
    html = {False: "", True: ""}
    for number, of in enumerate(chart.tables, 1):
        caption = f"{chart.name}: {_what(of) if several else 'the numbers'}"
        html[of.folded] += table(of, caption, f"{chart.id}-{number}".replace(" ", "-"))
    folded = f'<details class="numbers" open><summary>The numbers</summary>{html[True]}' \
             "</details>" if html[True] else ""
    return html[False] + folded


def _what(of):
    """The name of a table, or the head of its main column"""
    if of.name:
        return of.name
    usual = {"model", "load", "setting", "n", "system call"}
    named = [head for head, is_number in of.columns if is_number
             and head not in usual and head not in lines.AXIS_WORDS.values()]
    return named[0]


def chart(of, level):
    note = f'<p class="note">{escape(of.note)}</p>' if of.note else ""
    signs = f'<p class="note">{escape(of.signs)}</p>' if of.signs else ""
    # On a wide page the text is beside the pictures
    kind = "chart beside" if of.figures and level == 2 and of.beside else "chart"
    more = f'<details class="numbers" open><summary>Other settings</summary>' \
           f"{_figures(of.more, of.beside)}</details>" if of.more else ""
    id = of.id.replace(" ", "-")
    return (f'<section class="{kind}" id="{id}" aria-labelledby="{id}-title">'
            f'<h{level} id="{id}-title"><small>{escape(of.name)}</small> '
            f'{escape(of.title)}</h{level}><div class="before">{note}'
            f'<p class="read"><b>How to read.</b> {escape(of.read)}</p></div>'
            f'{_figures(of.figures, of.beside)}<div class="after">{of.html}{signs}'
            f"{_missing(of.missing)}</div>{more}{_tables(of)}</section>")


# -------------------------------------------------------------------------- the top

def _started(run):
    sittings = run.run.get("sittings")
    if isinstance(sittings, list) and sittings and isinstance(sittings[0], dict):
        return str(sittings[0].get("started", ""))
    return "not known"


def _commit(run):
    build = run.machine.get("build") or {}
    if not build.get("commit"):
        return "not known"
    return f"{str(build['commit'])[:12]}{', modified' if build.get('dirty') else ''}"


def _bytes(n):
    return words.amount("_bytes", n) if isinstance(n, (int, float)) else "not known"


def _machine(run):
    m = run.machine
    if not m:
        return []
    kind = {"none": "bare metal", "guest": "virtual machine"}.get(
        m.get("virtualization"), "")
    if m.get("container") not in (None, "none"):
        kind += f"{', ' if kind else ''}container ({m['container']})"
    return [("Processor", f"{m.get('cpu_model', 'not known')}, "
             f"{m.get('cpus_allowed', '?')} of {m.get('cpus', '?')} CPUs"),
            ("Kernel", f"{m.get('kernel_release', 'not known')} "
             f"{m.get('architecture', '')}"),
            ("Memory", _bytes(m.get("memory_bytes"))), ("Kind", kind or "not known")]


def _about(run):
    places = run.run.get("places") or {}
    pins = "; ".join(f"{name}: server {(places.get(name) or {}).get('server')}, "
                     f"generator {(places.get(name) or {}).get('client')}"
                     for name in ("split", "shared")
                     if isinstance(places.get(name), dict))
    return [("Plan", f"{run.run.get('plan', 'not known')}, "
             f"{words.many(run.blocks, 'block')}"
             f"{_of_planned(run)}, {words.many(len(run.repetitions), 'repetition')}"),
            ("Started", _started(run)), ("Seed", run.run.get("seed", "not known")),
            ("Commit", _commit(run)), ("CPUs", pins or "not known"), *_machine(run)]


def _facts(run):
    """A folder without a run has those of the machine only"""
    return _about(run) if run.cells else _machine(run)


def _of_planned(run):
    planned = run.run.get("blocks")
    return f" of {planned}" if planned and planned != run.blocks else ""


def _banner(run):
    parts = []
    if not run.complete:
        parts.append('<div class="banner" role="note"><b>This run is not complete.</b>'
                     " It was interrupted or is still running. "
                     f"{words.many(len(run.repetitions), 'repetition')} recorded; "
                     "<code>bin/matrix resume</code> measures the rest.</div>")
    if run.problems:
        items = "".join(f"<li>{escape(text)}</li>" for text in run.problems)
        parts.append('<div class="banner" role="note"><b>Parts of this folder could not '
                     f"be read.</b> The page shows the rest.<ul>{items}</ul></div>")
    return "".join(parts)


def _views(run):
    """Links between the run and the claims, which the script shows one at a time"""
    if not run.claims or not (run.cells or run.primitives):
        return ""
    of = [("findings" if run.cells else "primitives", "The run"),
          ("claims", claims.both(*claims.TITLE))]
    items = "".join(f'<li><a href="#{id}">{name}</a></li>' for id, name in of)
    return f'<nav id="views" aria-label="Pages"><ul>{items}</ul></nav>'


def header(view):
    run = view.run
    about = " · ".join(str(value) for name, value in _facts(run)
                       if name in ("Plan", "Started", "Processor"))
    kind = "Run " if run.cells else ""
    return (f'<header><p class="eyebrow">I/O models compared</p>'
            f"<h1>{kind}{escape(run.name)}</h1>{_banner(run)}"
            f'<p class="note">{escape(about)}</p>{_views(run)}</header>')


def trust(view):
    items = "".join(f"<li>{escape(text)}</li>" for text in facts.limits(view))
    return ('<section id="trust" class="box" aria-labelledby="trust-title">'
            f'<h2 id="trust-title">What limits trust</h2><ul>{items}</ul>'
            '<p class="note"><a href="#about">All warnings</a></p></section>')


def findings(view):
    items = "".join(f"<li>{escape(text)}</li>" for text in view.verdicts) or \
        "<li>This run has no comparison that is decided.</li>"
    return ('<section id="findings" aria-labelledby="findings-title">'
            '<h2 id="findings-title">Verdicts</h2>'
            f'<ul class="findings">{items}</ul></section>')


# ---------------------------------------------------------------------- the controls

def _sample(view, model):
    """A sample of a model's line and marker"""
    look = view.looks[model]
    d = Drawing(44, 14, look.label, "Its colour, dash and marker in all charts")
    d.line([2, 42], [7, 7], look.paint, 1.8, look.dash)
    d.points([22], [7], look, 7)
    return d.svg()


def _box(group, value, label, extra=""):
    return (f'<label><input type="checkbox" name="{group}" value="{escape(value)}" '
            f"checked>{extra}<span>{escape(label)}</span></label>")


def controls(view):
    """Filters, which the script makes visible"""
    models = "".join(_box("models", model, view.looks[model].label,
                          _sample(view, model)) for model in view.models)
    connections = "".join(_box("connections", n, words.count(n))
                          for n in view.connections)
    loads = "".join(_box("loads", key, text) for key, text in view.loads.items())
    filters = (f'<fieldset id="f-models"><legend>Models</legend>{models}</fieldset>'
               f"<fieldset><legend>Connections</legend>{connections}</fieldset>"
               f"<fieldset><legend>Load</legend>{loads}</fieldset>") if models else ""
    themes = "".join(f'<label><input type="radio" name="theme" value="{value}"'
                     f'{" checked" if not value else ""}><span>{label}</span></label>'
                     for value, label in (("", "system"), ("light", "light"),
                                          ("dark", "dark")))
    return (f'<details id="controls" hidden><summary>Show <span id="shown" '
            f'aria-live="polite">everything</span></summary><form>'
            f"{filters}<fieldset><legend>Colours</legend>{themes}</fieldset>"
            f'<p><button type="reset">Show everything</button></p></form></details>')


def legend(view):
    """The models' looks in all charts"""
    items = "".join(f'<li data-m="{i}">{_sample(view, model)} '
                    f"{escape(view.looks[model].label)}</li>"
                    for i, model in enumerate(view.models))
    return f'<ul class="legend" aria-label="Legend">{items}</ul>'


def navigation(charts, has_run):
    links = [(of.id, of.name) for of in charts]
    if has_run:
        links = [("findings", "Verdicts"), *links, ("settings", "Details"),
                 ("cells", "All cells"), ("trust", "Limits"), ("about", "About this run")]
    items = "".join(f'<li><a href="#{id}">{escape(name)}</a></li>'
                    for id, name in links)
    return f'<nav aria-label="Parts of this page"><ul>{items}</ul></nav>'


# ------------------------------------------------------------------------- the rest

def settings(view, found):
    parts = []
    for rows, charts in found:
        data = _attributes({"l": view.load(rows[0]), "c": rows[0]["connections"]})
        key = words.setting_key(rows[0]).replace(" ", "-")
        titles = [found[0] for name in ("throughput", "response_p50", "response_p99", "load",
                                        "server_cpu", "calls", "switches")
                  if (found := view.finding(name, rows[0]))]
        said = "".join(f"<li>{escape(title)}</li>" for title in titles)
        parts.append(f'<details class="setting" id="{key}"{data} open><summary>'
                     f"<h3>{escape(words.setting_words(rows[0]))}</h3></summary>"
                     f'{f"<ul>{said}</ul>" if said else ""}<div class="parts">'
                     f'{"".join(chart(of, 4) for of in charts)}</div></details>')
    return ('<section id="settings" aria-labelledby="settings-title">'
            '<h2 id="settings-title">Details of each setting</h2>'
            f'{"".join(parts)}</section>')


_COLUMNS = [("replies/s", "requests_per_second"), ("p50", "response_p50_ns"),
            ("p99", "response_p99_ns"), ("service p99", "service_p99_ns"),
            ("server CPU/request", "server_cpu_per_request_ns"),
            ("calls/request", "calls_per_request"),
            ("voluntary switches/request", "voluntary_switches_per_request"),
            ("involuntary switches/request", "involuntary_switches_per_request"),
            ("server CPU", "server_cpu_share"),
            ("memory/client", "resident_per_connection_bytes"),
            ("threads", "threads")]


def cells(view):
    """All cells, with their status"""
    heads = [("model", True), ("connections", True), ("load", True), ("status", False),
             ("n", True), *[(head, True) for head, _ in _COLUMNS],
             ("remarks", False)]
    rows = []
    for row in view.cells:
        numbers = []
        for _, metric in _COLUMNS:
            value = row.get(metric) if row["status"] == "ok" or \
                metric == "calls_per_request" else None
            low = f" ({spread_words(row, metric)})" if value is not None and \
                metric == "response_p99_ns" and spread_words(row, metric) else ""
            numbers.append((amount(row, metric) + low if value is not None else "–", value))
        rows.append((view.data(row), [
            (view.label(row), view.model(row)),
            (words.count(row["connections"]), row["connections"]),
            (view.loads[words.load_key(row)], view.load(row)), (row["status"], None),
            (f"{row['n']:.0f}", row["n"]), *numbers,
            (remarks(row, "response_p99_ns") if row["loop"] != "none" else
             remarks(row, "server_cpu_share"), None)]))
    of = type("", (), {"columns": heads, "rows": rows})
    return ('<section id="cells" aria-labelledby="cells-title">'
            '<h2 id="cells-title">All cells</h2><p class="read">Medians of the valid '
            "blocks; of the p99 also the 95 % interval (below 6 blocks: the range). "
            "A dash is a missing value.</p>"
            f"{table(of, 'All cells', 'cells-1')}</section>")


def _flat(value, name=""):
    """(name, value) of all values in a JSON object"""
    if isinstance(value, dict):
        for key, one in value.items():
            yield from _flat(one, f"{name}{'.' if name else ''}{key}")
    elif isinstance(value, list):
        yield name, ", ".join(map(str, value))
    else:
        yield name, {None: "–", True: "yes", False: "no"}.get(
            value if isinstance(value, (bool, type(None))) else 0, value)


def _values(name, value, id):
    rows = "".join(f'<tr><th scope="row">{escape(key)}</th><td>{escape(one)}</td></tr>'
                   for key, one in _flat(value))
    return (f'<details class="numbers" open><summary>{name}</summary><div '
            f'class="scroll"><table id="{id}"><caption>{name}</caption><tbody>{rows}'
            f"</tbody></table></div></details>") if value else ""


def _warnings(run):
    """The table of warnings.csv"""
    if run.warnings is None:
        return ("<p>warnings.csv is missing: <code>bin/matrix report</code> makes it.</p>")
    if not run.warnings:
        return "<p>None.</p>"
    rows = "".join(
        f"<tr><td>{escape(row['warning'])}</td><td class=n "
        f"data-v=\"{escape(row['count'])}\">{escape(row['count'])} {escape(row['of'])}"
        f"{'' if row['count'] == '1' else 's'}</td><td>{escape(row['models'])}</td>"
        f"<td>{escape(row['settings'])}</td></tr>" for row in run.warnings)
    return (f'<div class="scroll"><table class="data" id="warnings"><caption>Most important '
            f"first</caption><thead><tr>"
            f'<th scope="col">warning</th><th scope="col" class="n">count</th>'
            f'<th scope="col">models</th><th scope="col">settings</th></tr></thead>'
            f"<tbody>{rows}</tbody></table></div>")


def about(view):
    run = view.run
    facts_list = "".join(f"<div><dt>{name}</dt><dd>{escape(value)}</dd></div>"
                         for name, value in _facts(run))
    if not run.cells:
        return ('<section id="about" aria-labelledby="about-title"><h2 id="about-title">'
                f'The machine</h2><dl class="facts">{facts_list}</dl>'
                f"{_values('machine.json', run.machine, 'machine')}</section>")
    return ('<section id="about" aria-labelledby="about-title">'
            f'<h2 id="about-title">About this run</h2><dl class="facts">{facts_list}</dl>'
            "<h3>Warnings</h3>"
            f"{_warnings(run)}<h3>The plan</h3><pre>{escape(run.plan)}</pre>"
            f"<h3>The machine</h3>{_values('machine.json', run.machine, 'machine')}"
            f"<h3>The run</h3>{_values('run.json', run.run, 'run')}"
            "<p><code>bin/matrix report</code> made this page from the files in this "
            "folder; results/README.md documents them.</p></section>")


# -------------------------------------------------------------------------- the page

def _css():
    text = (HERE / "report.css").read_text(encoding="utf-8")
    return text.replace("LIGHT", style.css(dark=False)).replace(
        "DARK", style.css(dark=True)).strip() + style.verdict_rules()


def _script(*names):
    return "".join((HERE / name).read_text(encoding="utf-8") for name in names)


def _policy(script):
    """Allows no request and no script but this page's, whatever a run contains"""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return (f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
            f"script-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'")


def _charts(view):
    """All charts. One that fails is reported, and the others are drawn."""
    found = []
    for module in (verdicts, heat, lines, calls, steps, primitives):
        try:
            found += module.build(view)
        except Exception as error:  # one chart that fails does not lose the page
            view.run.problem(f"charts/{module.__name__.split('.')[-1]}.py failed: "
                             f"{type(error).__name__}: {error}")
    return found


def _run(view):
    """HTML of everything about the cells of a run, around its charts"""
    drawing.begin("d")
    found = _charts(view)
    charts = [chart(of, 2) for of in found]
    if not view.cells:
        return [navigation(found, False) if view.run.claims and found else "", controls(view),
                *charts, about(view)]
    in_detail = details.build(view)
    drawing.begin("p")
    return [findings(view), navigation(found, True), controls(view), legend(view), *charts,
            settings(view, in_detail), cells(view), trust(view), about(view)]


def build(view):
    """The HTML of the page"""
    run_parts = _run(view)
    drawing.begin("c")
    claimed = claims.section(view.run)
    script = _script("claims.js", "report.js") if claimed else _script("report.js")
    first = "findings" if view.cells else "claims" if claimed else "primitives"
    title = f"{'Run ' if view.cells else ''}{escape(view.run.name)} - io-models"
    return "\n".join([
        '<!doctype html><html lang="en"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{_policy(script)}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{title}</title><style>{_css()}</style></head><body>",
        f'<a class="skip" href="#{first}">Skip to the {first}</a>', header(view),
        "<main>", *run_parts[:-1], claimed, run_parts[-1], "</main>",
        f"<script>{script}</script></body></html>", ""])
