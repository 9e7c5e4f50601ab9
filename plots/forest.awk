# SPDX-License-Identifier: MIT
# forest.awk - the comparisons of a run: ratios to the reference model with their intervals
#
# A panel is a setting, with a row for each model and a column for each metric. Everything is
# a row of comparisons.csv; nothing is judged here. Lengths are pixels, as in forest.gp.

BEGIN {
	FOREST_WIDTH = 206 # of a plot; the ratio in words takes up to 180 beside it
	MOST_FORESTS = 6 # panels of the lead chart
	NEAR = 0.05      # a stretched axis is about linear up to this change
	MOST_RATIO = 20  # intervals are drawn up to it
}

function versus(r, column)
{
	return table["versus", r, column]
}

# Sets setting_of[n], row_of[setting, metric column, model], and is_said[setting, sentence]
function read_comparisons(    rows, r, s, why)
{
	rows = read_csv(run "/comparisons.csv", "versus", "setting model reference metric " \
		"ratio low high blocks rounds aa_low aa_high verdict sentence state")
	for (r = 1; r <= rows; r++) {
		s = versus(r, "setting")
		why = what_is_wrong_with(r)
		if (why != "") {
			complain(run "/comparisons.csv: line " versus(r, "line") ": " why ": left out")
			continue
		}
		if (!(s in row_for))
			setting_of[++settings] = s
		row_for[s] = r
		is_said[s, versus(r, "sentence")]
		take_style(versus(r, "model"))
		row_of[s, column_of(versus(r, "metric")), versus(r, "model")] = r
	}
}

function what_is_wrong_with(r,    n, k, name)
{
	if (!(versus(r, "setting") in first_in))
		return "cells.csv has no setting '" versus(r, "setting") "'"
	n = split("ratio low high aa_low aa_high", name, " ")
	for (k = 1; k <= n; k++)
		if (versus(r, name[k]) != "" && !(is_number(versus(r, name[k])) && \
		    versus(r, name[k]) > 0))
			return "'" versus(r, name[k]) "' is not a ratio"
	return ""
}

# 1: the cost of a request, 2: how fast it is served
function column_of(metric)
{
	return metric ~ /cpu/ ? 1 : 2
}

function metric_words(metric)
{
	return metric ~ /cpu/ ? "CPU time per request" : \
	       metric ~ /^requests/ ? "replies per second" : \
	       metric ~ /^service/ ? "median service time" : "median response time"
}

# The lead chart has at most MOST_FORESTS settings: of a curve along rate or idle clients the
# last place before more servers use their whole core. The others are in more/.
function draw_forests(c,    n, s, chosen, others)
{
	for (n = 1; n <= settings; n++) {
		s = setting_of[n]
		if (chosen < MOST_FORESTS && is_telling(s))
			lead[++chosen] = s
		else
			other[++others] = s
	}
	if (!chosen && settings) # two curves that cross
		lead[++chosen] = other[others--]
	if (settings)
		draw_forest(c, chart(c, "chart"), lead, chosen)
	else
		print "none", chart(c, "chart")
	if (others)
		draw_forest(c, "more/" chart(c, "chart"), other, others)
}

function is_telling(s,    i, n, axis, k)
{
	i = first_in[s]
	n = split("rate idle", axis, " ")
	for (k = 1; k <= n; k++)
		if (cell(i, axis[k]) != "" && !is_best_place(family_of(i, axis[k]), cell(i, axis[k])))
			return 0
	return 1
}

function is_best_place(f, x,    k, m, i, n, fewest_whole, best)
{
	if (places[f] <= 3)
		return 1
	for (k = 1; k <= places[f]; k++) {
		n = 0
		for (m = 1; m <= models[f]; m++) {
			i = cell_at[f, place[f, k], model_of[f, m]]
			n += i && cell(i, "state") == "whole core"
		}
		if (best == "" || n <= fewest_whole) {
			fewest_whole = n
			best = place[f, k]
		}
	}
	return best == x
}

function draw_forest(c, called, of, n,    p, s, k)
{
	margin = ENVIRON["MARGIN"] > 0 ? ENVIRON["MARGIN"] : 0.03
	split("", number_of)
	numbers = rounds = seen_whole = seen_stretched = 0
	begin_page(called, n, 30)
	print "plot_width = " FOREST_WIDTH > page
	print "array rows[panels]; array title[2 * panels]; array one[2 * panels]" > page
	print "array near[2 * panels]; array far[2 * panels]" > page
	for (p = 1; p <= n; p++) {
		s = of[p]
		list_models(s)
		write_heading(p, p == 1 ? forest_title(of, n) : "", setting_words(first_in[s], ""))
		for (k = 1; k <= 2; k++)
			write_comparisons(s, k, p)
		write_row_names(s, p)
	}
	print "models = " numbers > page
	if (seen_whole)
		add_note("whole core", "it spins or is saturated: its CPU time per request says " \
			"nothing about the cost of a request, and a response time would grow with " \
			"the length of the run; neither is ranked")
	if (seen_bound)
		add_note("→", "an open end: the generator was at its limit, so the ratio is a bound, " \
			"which the point marks")
	if (seen_stretched)
		add_note("stretched axis", "one ratio is so far from 1 that the others would be " \
			"one point: distances shrink with distance from 1")
	note_missing()
	numbers_in = "comparisons.csv"
	end_page(c, chart(c, "read"), "Shaded: ±" 100 * margin " %. Up to " \
		many(most, "block") ", " many(rounds, "round") ". " ENVIRON["MACHINE"])
	print "forest", name
}

# The most telling finding that is about one of these settings; else how many are decided
function forest_title(of, n,    k, p, text)
{
	for (k = 1; k <= findings; k++) {
		text = table["findings", k, "title"]
		sub(/; .*/, "", text) # others
		for (p = 1; p <= n && table["findings", k, "chart"] ~ /^verdicts\//; p++)
			if ((of[p], text) in is_said)
				return text
	}
	for (k = 1; k <= findings; k++)
		if (table["findings", k, "chart"] == "verdicts")
			return table["findings", k, "title"]
	return ""
}

# Sets row_model[1..forest_rows], in the order of style.csv, and reference
function list_models(s,    r, m, listed, order)
{
	forest_rows = 0
	reference = versus(row_for[s], "reference")
	for (r = 1; ("versus", r, "line") in table; r++) {
		m = versus(r, "model")
		if (versus(r, "setting") != s || m in listed)
			continue
		listed[m]
		row_model[++forest_rows] = m
		order[forest_rows] = m == "baseline" ? 1e9 : look[m]
	}
	sort_by(order, row_model, forest_rows)
	for (m = 1; m <= forest_rows; m++)
		if (!(row_model[m] in number_of)) {
			number_of[row_model[m]] = ++numbers
			write_look(numbers, row_model[m])
		}
}

# rowsP_K: row, x, low, high, model, 1 if decided, text, length of arrows to the left and to
# the right; wordsP_K: row, text
function write_comparisons(s, k, p,    m, r, to, says, any)
{
	to = folder "/rows" p "_" k
	says = folder "/words" p "_" k
	printf "" > to
	printf "" > says
	any = scan_ratios(s, k)
	for (m = 1; m <= forest_rows; m++) {
		r = row_of[s, k, row_model[m]]
		if (r && is_state(r)) {
			print m + 1, word(state_words(r)) > says
			seen_whole = 1
		} else if (r && is_drawn(r))
			write_comparison(r, m, to)
		else if (any) {
			print m + 1, word("missing") > says
			note_gap(s, r, row_model[m], any)
		}
	}
	r = twin
	if (!r)
		print 1, word("not measured") > says
	else
		print 1, "NaN", pixel(versus(r, "aa_low")), pixel(versus(r, "aa_high")), 0, 1, \
			word(twin_words(versus(r, "aa_low"), versus(r, "aa_high"))), 0, 0 > to
	close(to)
	close(says)
	write_ratio_axis(any, 2 * (p - 1) + k, p, k)
}

# It uses its whole core: its CPU time per request is no point of the ranking, and the
# response time of a saturated server has no end
function is_state(r)
{
	return versus(r, "state") == "whole core" && versus(r, "verdict") != "missing" && \
	       (column_of(versus(r, "metric")) == 1 || versus(r, "low") == "" || \
		versus(r, "high") == "")
}

function state_words(r)
{
	return column_of(versus(r, "metric")) == 1 ? "uses its whole core" : \
	       "saturated" (versus(r, "low") == "" ? "" : ": at least ×" digits(versus(r, "low") + 0))
}

function is_drawn(r)
{
	return versus(r, "verdict") != "missing" && \
	       (versus(r, "low") != "" || versus(r, "high") != "" || versus(r, "ratio") != "")
}

function write_comparison(r, m, to,    low_at, high_at, open_low, open_high)
{
	open_low = versus(r, "low") == ""
	open_high = versus(r, "high") == ""
	low_at = open_low ? pixel(versus(r, open_high ? "ratio" : "high")) : pixel(versus(r, "low"))
	high_at = open_high ? pixel(versus(r, open_low ? "ratio" : "low")) : pixel(versus(r, "high"))
	seen_bound += open_low || open_high
	print m + 1, open_low ? high_at : open_high ? low_at : pixel(versus(r, "ratio")), low_at, high_at, number_of[row_model[m]], \
		versus(r, "verdict") ~ /^(different|equal)$/, word(ratio_words(r)), \
		open_low ? -(low_at < 40 ? low_at : 40) : 0, \
		open_high ? (FOREST_WIDTH - high_at < 40 ? FOREST_WIDTH - high_at : 40) : 0 > to
}

function note_gap(s, r, model, like,    i, why)
{
	i = cell_of[s, model]
	why = i && cell(i, "status") != "ok" ? cell(i, "status") ": " cell(i, "reason") : \
	      r ? versus(r, "sentence") : "not compared by " metric_words(versus(like, "metric"))
	sub(/^[^:]*: no comparison [^:]*: /, "", why)
	add_missing(model, setting_short(first_in[s]), why)
}

# ------------------------------------------------------------------- ratios in words

# A ratio; an interval of few blocks can be absurdly wide
function factor(r)
{
	r += 0
	return r < 0.001 ? "<0.001" : r > 999 ? ">999" : digits(r)
}

function is_near(r)
{
	return r >= 0.8 && r <= 1.25
}

function percent(r, digits_after)
{
	return sprintf(r < 0.99999 ? "−%.*f" : "+%.*f", digits_after, 100 * (r < 1 ? 1 - r : r - 1))
}

# "-3.3 … -2.0", or, if it is wide, "0.57 … 1.32"
function range_words(low, high, in_percent)
{
	return in_percent ? percent(low, 1) " … " percent(high, 1) : \
	       factor(low) " … " factor(high)
}

function is_narrow(low, high)
{
	return low > 0.5 && high < 2
}

# "-2.8 % (-3.3 … -2.0)", "x1.51 (1.49 … 1.54)", "at most x0.65"
function ratio_words(r,    ratio, low, high, near)
{
	ratio = versus(r, "ratio") + 0
	low = versus(r, "low")
	high = versus(r, "high")
	if (low == "" && high == "")
		return "bound by the generator"
	if (low == "" || high == "")
		return low == "" ? "at most ×" digits(high + 0) : "at least ×" digits(low + 0)
	near = is_near(ratio) && is_narrow(low, high)
	return (near ? percent(ratio, 1) " %" : "×" factor(ratio)) \
	       " (" range_words(low, high, near) ")"
}

function twin_words(low, high)
{
	return is_narrow(low, high) ? range_words(low, high, 1) " %" : \
	       "×" range_words(low, high, 0)
}

# ---------------------------------------------------------------------------- the axis

# Sets nearest and farthest, the logarithms at both ends, and twin, a row with its interval;
# returns a row of this metric
function scan_ratios(s, k,    m, r, any, n, name, j)
{
	twin = 0
	nearest = -1.5 * margin
	farthest = 1.5 * margin
	for (m = 1; m <= forest_rows; m++) {
		r = row_of[s, k, row_model[m]]
		if (!r)
			continue
		any = r
		if (versus(r, "aa_low") != "" && versus(r, "aa_high") != "")
			twin = r
		most = versus(r, "blocks") > most + 0 ? versus(r, "blocks") + 0 : most
		rounds = versus(r, "rounds") > rounds + 0 ? versus(r, "rounds") + 0 : rounds
		n = split("ratio low high aa_low aa_high", name, " ")
		for (j = is_drawn(r) && !is_state(r) ? 1 : 4; j <= n; j++)
			if (versus(r, name[j]) != "")
				widen(log(versus(r, name[j])), name[j] != "ratio")
	}
	stretched = nearest < -log(2) || farthest > log(2)
	seen_stretched += stretched
	return any
}

# Intervals are cut where they would squeeze all others
function widen(x, is_cut)
{
	if (is_cut)
		x = x < -log(MOST_RATIO) ? -log(MOST_RATIO) : x > log(MOST_RATIO) ? log(MOST_RATIO) : x
	nearest = x < nearest ? x : nearest
	farthest = x > farthest ? x : farthest
}

# Logarithmic; or, if a ratio is beyond 2, logarithmic far from 1 only in its distances
function stretch(x,    y)
{
	if (!stretched)
		return x
	y = (x < 0 ? -x : x) / NEAR
	y = log(y + sqrt(y * y + 1))
	return x < 0 ? -y : y
}

function pixel(ratio,    x)
{
	x = log(ratio)
	x = x < nearest ? nearest : x > farthest ? farthest : x
	return 8 + (stretch(x) - stretch(nearest)) / \
	       (stretch(farthest) - stretch(nearest)) * (FOREST_WIDTH - 16)
}

# The most important ticks that fit
function write_ratio_axis(r, n, p, k,    tick, ticks, j, i, x, text, taken_at, taken, fits)
{
	ticks = split("1 2 0.5 1.1 0.9 10 0.1 5 0.2 1.03 0.97 1.5 50 0.02 100 0.01 3 " \
		      "1.05 0.95 1.2 0.8 20 0.05 1.01 0.99 0.7 0.6", tick, " ")
	for (j = 1; r && j <= ticks; j++) {
		if (log(tick[j]) < nearest || log(tick[j]) > farthest)
			continue
		x = pixel(tick[j])
		fits = 1
		for (i = 1; i <= taken; i++)
			fits = fits && (x - taken_at[i] > 40 || taken_at[i] - x > 40)
		if (!fits)
			continue
		taken_at[++taken] = x
		text = add_tick(text, j == 1 ? reference : is_near(tick[j]) ? \
				percent(tick[j], 0) " %" : "×" tick[j], x)
	}
	write_tics("tics" p "_" k, "x", text)
	printf "one[%d] = %.10g; near[%d] = %.10g; far[%d] = %.10g\n", n, pixel(1), n, \
		pixel(1 / (1 + margin)), n, pixel(1 + margin) > page
	print "title[" n "] = " quoted(!r ? "" : metric_words(versus(r, "metric")) \
		(versus(r, "metric") ~ /^requests/ ? ": → more" : ": ← less") " is better" \
		(stretched ? " (stretched axis)" : "")) > page
}

function write_row_names(s, p,    m, names)
{
	names = add_tick("", "A/A twin", 1)
	for (m = 1; m <= forest_rows; m++)
		names = add_tick(names, short(row_model[m]), m + 1)
	write_tics("models" p, "y", names)
	print "rows[" p "] = " forest_rows + 1 > page
}
