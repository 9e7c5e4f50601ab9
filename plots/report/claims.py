# SPDX-License-Identifier: MIT
"""The page "What the textbooks say, what this machine says": the rows of claims.csv. Every
verdict and number is bin/matrix's; the pictures set each interval beside its threshold.

Texts are there in English and Korean, and the page shows one of them; pictures are English.
"""

import html
import math
import re

from . import style, words
from .drawing import Drawing, linear_ticks, log_ticks, tick_label
from .words import escape

TITLE = ("What the textbooks say, what this machine says",
         "교재가 말하는 것, 이 기계가 말하는 것")

#: Of each verdict: the English word, the Korean word, its sign
VERDICTS = {
    "holds": ("holds", "성립한다", "✓"),
    "only-when": ("holds only when", "조건부로 성립한다", "◐"),
    "fails": ("does not hold here", "여기서는 성립하지 않는다", "✗"),
    "unknown": ("this run cannot tell", "이 측정으로는 알 수 없다", "?"),
    "documented": ("no experiment: documented", "실험 없음: 문서로 답한다", "§"),
}

#: Topics of the claims, in Korean; others stay as they are
TOPICS = {"multiplexing": "다중화", "completion": "완료 통지", "words": "용어",
          "blocking": "블로킹", "work": "작업", "elsewhere": "다른 시스템", "signals": "시그널",
          "measuring": "측정", "threads": "스레드", "waiting": "대기"}

MISCONCEPTIONS = "m"
_TEXT = re.compile(r"([0-4])\.\d+")

READ = (
    "A row is a claim of the texts 000 to 004 or a common misconception (m1 to m15), as it is "
    "taught. The verdict comes from intervals only: a claim holds if the whole interval is in "
    "the shaded region, and does not hold if all of it is outside. The level allows for the "
    "number of claims that are judged together. A verdict is true of this machine, kernel and "
    "date.",
    "한 줄은 교재 000~004의 주장이나 흔한 오해(m1~m15)를 가르치는 그대로 옮긴 것이다. 판정은 오직 "
    "구간으로만 한다. 구간 전체가 음영 영역 안에 있으면 성립하고, 전체가 밖에 있으면 성립하지 않는다. "
    "수준은 함께 판정한 주장의 수를 고려해 보정했다. 판정은 이 기계, 커널, 날짜에만 해당한다.")

def both(english, korean, tag="span", kind=""):
    """HTML of a text in both languages; without Korean, the English one for all"""
    if not korean:
        return f'<{tag}{f" class={kind}" if kind else ""}>{escape(english)}</{tag}>'
    return (f'<{tag} class="en {kind}" lang="en">{escape(english)}</{tag}>'
            f'<{tag} class="ko {kind}" lang="ko">{escape(korean)}</{tag}>').replace(' "', '"')


# ------------------------------------------------------------------- comparisons

class Comparison:
    """An interval, and the region in which the comparison is true. An end that is not known
    is None; of the region, it is open."""

    def __init__(self, text):
        parts = text.rsplit("|", 6)
        if len(parts) != 7:
            raise ValueError(text)
        self.quantity, self.unit = parts[0].strip(), parts[4].strip()
        self.value, self.low, self.high = map(_number, parts[1:4])
        self.first, self.last = map(_number, parts[5:7])
        if self.unit not in _METRIC:
            raise ValueError(text)

    @property
    def metric(self):
        return _METRIC[self.unit]

    def words(self, x):
        return words.amount(self.metric, x).replace(" /s", "/s")

    @property
    def condition(self):
        """'≥ 1.1', '= 2', or '0.9 … 1.1'"""
        first, last = (tick_label(self.metric, x or 0) for x in (self.first, self.last))
        if self.first is not None and self.last is not None:
            return f"{first} … {last}" if self.first != self.last else f"= {first}"
        return f"≥ {first}" if self.last is None else f"≤ {last}"


#: Units of claims.csv, as ends of a metric's name
_METRIC = {"ns": "_ns", "share": "_share", "1/s": "per_second", "bytes": "_bytes",
           "ratio": "ratio", "1": "count"}


def _number(text):
    if not text.strip():
        return None
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(text)
    return value


class Claim:
    """The newest row of a claim, with its earlier ones, the newest first"""

    def __init__(self, rows):
        self.row, self.earlier = rows[-1], rows[-2::-1]
        self.name = self.row["claim"]
        self.verdict = self.row["verdict"]
        self.taught = self.row["taught"].split()
        self.comparisons = []
        self.broken = False
        for text in filter(None, map(str.strip, self.row["chart"].split(" ; "))):
            try:
                self.comparisons.append(Comparison(text))
            except ValueError:
                self.broken = True

    def get(self, column):
        return self.row.get(column) or ""

    @property
    def texts(self):
        """'000', ..., and 'm' if it is a misconception"""
        found = [f"00{one[1]}" for place in self.taught if (one := _TEXT.fullmatch(place))]
        if any(re.fullmatch(r"m\w*", place) for place in self.taught):
            found.append(MISCONCEPTIONS)
        return list(dict.fromkeys(found))

    @property
    def order(self):
        """Misconceptions by number, then the texts"""
        first = self.taught[0] if self.taught else "~"
        return (not first.startswith("m"),
                [(not part.isdigit(), int(part) if part.isdigit() else 0, part)
                 for part in re.split(r"(\d+)", first)])


def claims(run):
    """The claims of claims.csv, in reading order"""
    of = {}
    for row in run.claims:
        of.setdefault(row["claim"], []).append(row)
    found = sorted(map(Claim, of.values()), key=lambda claim: (claim.order, claim.name))
    broken = [claim.name for claim in found if claim.broken]
    if broken:
        run.problem(f"claims.csv: chart of {', '.join(broken[:3])}"
                    f"{' ...' if len(broken) > 3 else ''} cannot be read: left out")
    return found


# ---------------------------------------------------------------------- pictures

WIDTH, HEIGHT, EDGE = 250, 40, 12


def _is_log(ends):
    return min(ends) > 0 and max(ends) > 8 * min(ends)


def _limits(of):
    """(low, high, whether the axis is logarithmic) around the interval and its threshold"""
    ends = [x for x in (of.value, of.low, of.high, of.first, of.last) if x is not None]
    if of.unit == "ratio":
        ends.append(1.0)
    low, high = min(ends), max(ends)
    if low > 0 and (of.unit == "ratio" or _is_log(ends)):
        room = max((high / low) ** 0.15, 1.02)
        return low / room, high * room, True
    if low > 0 and low < 0.5 * high:
        low = 0.0
    room = 0.15 * (high - low) or abs(high) * 0.2 or 1
    return low - (room if low else 0.04 * room), high + room, False


def picture(of):
    """The interval of a comparison against its threshold"""
    d = Drawing(WIDTH, HEIGHT, f"{of.quantity} {of.condition}",
                f"Measured: {_measured(of)}. The shaded region is where the comparison is true.")
    plot = d.plot(EDGE, EDGE, 4, 17)
    low, high, log = _limits(of)
    plot.range_x(low, high, log)
    _axis(d, plot, of, low, high, log)
    begin = plot.left if of.first is None else plot.x(of.first)
    end = plot.right if of.last is None else plot.x(of.last)
    begin, end = (begin - 1.5, end + 1.5) if end - begin < 3 else (begin, end)
    d.rectangle(begin, plot.top, end - begin, plot.height, style.page("soft"), alpha=0.22)
    for edge in (of.first, of.last):
        if edge is not None:
            d.line([plot.x(edge)] * 2, [plot.top, plot.bottom], style.page("ink"), 1.2)
    _interval(d, plot, of)
    return d.svg()


def _axis(d, plot, of, low, high, log):
    """The thresholds and ticks that leave room for them"""
    d.line([plot.left, plot.right], [plot.bottom] * 2, style.page("soft"), 0.8)
    ticks = [x for x in (of.first, of.last) if x is not None]
    if len(ticks) == 2 and of.first != of.last and low < sum(ticks) / 2 < high:
        ticks.insert(0, 1.0 if of.unit == "ratio" and of.first < 1 < of.last
                     else sum(ticks) / 2)
    ticks += [1.0] if of.unit == "ratio" else []
    ticks += (log_ticks if log else linear_ticks)(of.metric, low, high)
    taken = []
    for tick in ticks:
        label = tick_label(of.metric, tick)
        half = 3.1 * len(label) + 3
        at = min(max(plot.x(tick), plot.left + half - EDGE), plot.right - half + EDGE)
        if low <= tick <= high and all(abs(at - x) > half + other for x, other in taken):
            taken.append((at, half))
            d.line([plot.x(tick)] * 2, [plot.bottom, plot.bottom + 3], style.page("soft"), 0.8)
            d.text(at, plot.bottom + 10, label, soft=True, ha="center", size=10)


def _interval(d, plot, of):
    y, ink = plot.top + plot.height / 2, style.page("ink")
    if of.value is None and of.low is None and of.high is None:
        d.text(plot.left + 4, y, "not measured", soft=True, over=True)
        return
    at = plot.x(next(x for x in (of.value, of.low, of.high) if x is not None))
    if of.low is not None and of.high is not None:
        d.line([plot.x(of.low), plot.x(of.high)], [y, y], ink, 3)
    elif of.low is not None:
        d.arrow(plot.x(of.low), y, max(6, min(40, plot.right - plot.x(of.low))), 0, ink)
    elif of.high is not None:
        d.arrow(plot.x(of.high), y, -max(6, min(40, plot.x(of.high) - plot.left)), 0, ink)
    d.points([at], [y], style.Dot(), 7, color=ink, tip=_measured(of))


def _measured(of):
    if of.value is None and of.low is None and of.high is None:
        return "nothing"
    value = "" if of.value is None else of.words(of.value)
    if of.low is None and of.high is None:
        return value
    if of.low is None or of.high is None:
        end = f"at most {of.words(of.high)}" if of.low is None else \
            f"at least {of.words(of.low)}"
        return f"{value} ({end})" if value else end
    return f"{value} ({of.words(of.low)} … {of.words(of.high)})".strip()


# --------------------------------------------------------------------- the table

def _sentence(claim):
    topic = claim.get("topic")
    taught = f"{' '.join(claim.taught)} · {topic}", \
        f"{' '.join(claim.taught)} · {TOPICS.get(topic, topic)}"
    said = both(claim.get("title_en") or claim.name, claim.get("title_ko"), "b")
    return f'<th scope="row">{said}<small>{both(*taught)}</small></th>'


def _word(verdict, part=0):
    return VERDICTS.get(verdict, (verdict, verdict, ""))[part]


def _said(claim):
    """(the verdict in words, whether its condition has to be false)"""
    words_of = _word(claim.verdict), _word(claim.verdict, 1)
    if claim.verdict == "only-when" and claim.get("reason"):
        return (f"{words_of[0]} this is not so:", "다음이 아닐 때만 성립한다:"), True
    return words_of, False


def _verdict(claim):
    said, is_reversed = _said(claim)
    sign = f'<i aria-hidden="true">{_word(claim.verdict, 2)}</i>'
    condition = both(claim.get("condition_en"), claim.get("condition_ko"), "p") \
        if claim.verdict == "only-when" and claim.get("condition_en") else ""
    why = both(claim.get("reason"), claim.get("reason_ko"), "p", "note") \
        if claim.get("reason") and not is_reversed else ""
    return (f"<td><strong>{sign} {both(*said)}</strong>{condition}{why}"
            f"{_history(claim)}</td>")


def _history(claim):
    """Earlier verdicts, those that differ first visible"""
    if not claim.earlier:
        return ""
    other = any(row["verdict"] != claim.verdict for row in claim.earlier)
    items = "".join(
        f"<li>{escape(_day(row['date']))}: "
        f"{both(_word(row['verdict']), _word(row['verdict'], 1))}"
        f"{escape(', ' + row['figure'] if row['figure'] else '')}"
        f"{escape(_elsewhere(row, claim.row))}</li>" for row in claim.earlier)
    head = both("Earlier, differently", "이전 판정과 다름") if other else \
        both("Earlier, the same", "이전 판정과 같음")
    return (f'<details class="earlier" open><summary>{head} ({len(claim.earlier)})</summary>'
            f"<ul>{items}</ul></details>")


def _day(date):
    return date[:10] or "?"


def _elsewhere(row, now):
    """What is different about the machine"""
    return "".join(f", {row[key]}" for key in ("machine", "kernel")
                   if row[key] and row[key] != now[key])


def _figure(claim):
    inside = "".join(
        f'<figure><figcaption><code>{escape(of.quantity)}</code> {escape(of.condition)}'
        f"</figcaption>{picture(of)}</figure>" for of in claim.comparisons
        if any(x is not None for x in (of.first, of.last)))
    figure = f"<b>{escape(words.typeset(claim.get('figure')))}</b>" \
        if claim.get("figure") else ""
    return f"<td>{figure}{inside}{_evidence(claim)}</td>"


def _evidence(claim):
    """What the verdict rests on, and what would be otherwise where; of a claim without an
    experiment the page that settles it"""
    if claim.verdict == "documented":
        return f"<p>{escape(claim.get('evidence'))}</p>"
    parts = [f"<p>{escape(claim.get('evidence'))}{escape(_level(claim))}</p>"
             if claim.get("evidence") else ""]
    for key, *head in (("refuted", "Refuted if", "반증"), ("elsewhere", "Elsewhere", "다른 기계에서")):
        if claim.get(f"{key}_en"):
            korean = claim.get(f"{key}_ko")
            parts.append(both(f"{head[0]}: {claim.get(f'{key}_en')}",
                              korean and f"{head[1]}: {korean}", "p"))
    inside = "".join(parts)
    return (f'<details class="evidence" open><summary>{both("Evidence", "근거")}</summary>'
            f"{inside}</details>") if inside else ""


def _level(claim):
    try:
        return f"; level of the interval {100 * float(claim.get('level')):.6g} %"
    except ValueError:
        return ""


def _right(claim):
    text = both(claim.get("correction_en"), claim.get("correction_ko"), "p") \
        if claim.get("correction_en") else ""
    hand = f"<pre><code>{escape(claim.get('by_hand'))}</code></pre>" \
        if claim.get("by_hand") else ""
    return f"<td>{text}{hand}</td>"


def _row(claim):
    return (f'<tr id="claim-{escape(claim.name)}" class="v-{escape(claim.verdict)}" '
            f'data-verdict="{escape(claim.verdict)}" data-topic="{escape(claim.get("topic"))}" '
            f'data-text="{" ".join(claim.texts)}">{_sentence(claim)}{_verdict(claim)}'
            f"{_figure(claim)}{_right(claim)}</tr>")


def _table(found):
    heads = "".join(f'<th scope="col">{both(*one)}</th>' for one in (
        ("Claim, as it is taught", "가르치는 주장"), ("Verdict", "판정"),
        ("Figure and interval", "수치와 구간"), ("What is right", "바로잡기")))
    return (f'<table id="claims-table"><caption class="skip">{both(*TITLE)}</caption>'
            f"<thead><tr>{heads}</tr></thead><tbody>{''.join(map(_row, found))}</tbody></table>")


# ------------------------------------------------------------------ the controls

def _select(name, label, options):
    inside = "".join(f'<option value="{escape(value)}" data-en="{escape(english)}" '
                     f'data-ko="{escape(korean)}">{escape(english)}</option>'
                     for value, english, korean in options)
    return f'<label>{both(*label)} <select name="{name}">{inside}</select></label>'


def _controls(found):
    """A switch of the language, which needs no script, and filters, which do"""
    verdicts = [verdict for verdict in VERDICTS if any(c.verdict == verdict for c in found)]
    texts = sorted({text for claim in found for text in claim.texts})
    topics = sorted({claim.get("topic") for claim in found} - {""})
    languages = "".join(
        f'<label lang="{value}"><input type="radio" name="lang" value="{value}" '
        f'id="lang-{value}"{" checked" if value == "en" else ""}><span>{name}</span></label>'
        for value, name in (("en", "English"), ("ko", "한국어")))
    filters = "".join([
        _select("verdict", ("Verdict", "판정"), [("", "all", "모두"), *(
            (verdict, *VERDICTS[verdict][:2]) for verdict in verdicts)]),
        _select("text", ("Text", "교재"), [("", "all", "모두"), *(
            (text, "misconceptions", "흔한 오해") if text == MISCONCEPTIONS
            else (text, text, text) for text in texts)]),
        _select("topic", ("Topic", "주제"), [("", "all", "모두"), *(
            (topic, topic, TOPICS.get(topic, topic)) for topic in topics)]),
        f'<label>{both("Search", "찾기")} <input type="search" name="q"></label>',
        f'<p><output id="claims-shown"></output> '
        f'<button type="reset">{both("Show all", "모두 보기")}</button> '
        f'<button type="button" name="print">{both("Print as a handout", "유인물로 인쇄")}'
        "</button></p>"])
    return (f'<form id="claims-controls"><fieldset><legend class="skip">Language</legend>'
            f'{languages}</fieldset><div class="filters" hidden>{filters}</div></form>')


# ------------------------------------------------------------------- the section

def _tally(found):
    items = "".join(
        f'<li class="v-{verdict}"><b>{n}</b> <i aria-hidden="true">{sign}</i> '
        f"{both(english, korean)}</li>"
        for verdict, (english, korean, sign) in VERDICTS.items()
        if (n := sum(claim.verdict == verdict for claim in found)))
    return f'<ul class="tally">{items}</ul>'


def _where(found):
    """Machine, kernel and date of the newest verdict, and how many are older"""
    newest = max((claim.row for claim in found), key=lambda row: row["date"])
    text = " · ".join(filter(None, [
        newest["machine"], newest["kernel"] and f"Linux {newest['kernel']}",
        _day(newest["date"])]))
    return f'<p class="note">{escape(text)}</p>'


def section(run):
    """HTML of the page; empty without claims"""
    if not run.claims:
        return ""
    found = claims(run)
    return (f'<section id="claims" aria-labelledby="claims-title">'
            f'<h2 id="claims-title">{both(*TITLE)}</h2>{_where(found)}'
            f'<p class="read">{both(*READ)}</p>{_tally(found)}{_controls(found)}'
            f"{_table(found)}</section>")
