# SPDX-License-Identifier: MIT
# run.awk - the tables of a run: cells, families, missing values
#
# The cells of a family differ only in the model and one part of the setting, the x axis:
# connections, offered requests per second (rate), idle clients, ... Family f has axis_of[f],
# place[f, k], model_of[f, m] and cell_at[f, place, model].

function read_style(    rows, i)
{
	rows = read_csv(plots "/style.csv", "style", "kind name color marker dash label")
	for (i = 1; i <= rows; i++) {
		style_row[table["style", i, "kind"], table["style", i, "name"]] = i
		spares += table["style", i, "kind"] == "spare"
	}
}

function style(row, column)
{
	return table["style", row, column]
}

# Chooses the row of style.csv for a model: its own or a spare
function take_style(model,    program)
{
	if (model in look)
		return
	program = model
	sub(/:.*/, "", program)
	look[model] = style_row["model", program] + style_row["variant", program] + \
		      style_row["runtime", program]
	if (!look[model])
		look[model] = style_row["spare", spares_used++ % spares + 1]
	mark[model] = program == model ? look[model] : \
		      style_row["spare", options_of[program]++ % spares + 1]
	label[model] = style(look[model], "label")
	if (label[model] == "" || program != model)
		label[model] = model
}

function cell(i, column)
{
	return table["cells", i, column]
}

function read_cells(    i, why, parts)
{
	if (!is_there(run "/cells.csv") && is_there(run "/primitives.csv")) {
		cells = 0
		return
	}
	parts = "loop connections rate idle message depth pattern work placement"
	cells = read_csv(run "/cells.csv", "cells", \
		"model " parts " setting cell n status reason state bound " \
		"spins unsure")
	measured = 1
	if (cells == 0)
		complain(run "/cells.csv: no cells")
	for (i = 1; i <= cells; i++) {
		why = what_is_wrong(i)
		if (why == "")
			add_cell(i)
		else
			complain(run "/cells.csv: line " cell(i, "line") ": " why ": left out")
	}
}

function what_is_wrong(i,    c, metric)
{
	if (cell(i, "model") !~ /^[A-Za-z0-9][A-Za-z0-9_-]*(:[A-Za-z0-9_.=-]+)*$/)
		return "'" cell(i, "model") "' is not the name of a model"
	if (cell(i, "loop") !~ /^(closed|open|none)$/)
		return "unknown loop '" cell(i, "loop") "'"
	if (!is_number(cell(i, own_axis(i))) || cell(i, own_axis(i)) < 0)
		return own_axis(i) " is not a number"
	for (c = 1; c <= charts; c++) {
		metric = cell(i, chart(c, "metric"))
		if (metric != "" && !is_number(metric))
			return "'" metric "' is not a number"
	}
	return ""
}

function own_axis(i)
{
	return cell(i, "loop") == "open" ? "rate" : \
	       cell(i, "loop") == "none" ? "idle" : "connections"
}

# The axis of a chart for the cells of a loop
function axis_for(c, i)
{
	return chart(c, "along") == "" ? own_axis(i) : chart(c, "along")
}

function add_cell(i,    n, k, axis)
{
	take_style(cell(i, "model"))
	cell_of[cell(i, "setting"), cell(i, "model")] = i
	if (!(cell(i, "setting") in first_in))
		first_in[cell(i, "setting")] = i
	add_to_family(i, own_axis(i))
	if (cell(i, "loop") == "none")
		return
	n = split("idle message depth", axis, " ")
	for (k = 1; k <= n; k++)
		add_to_family(i, axis[k])
}

# The setting without one part
function family_of(i, axis,    key)
{
	key = cell(i, "setting")
	sub(axis == "connections" ? " [0-9]+" : " " axis " [^ ]+", "", key)
	return axis "/" key
}

function add_to_family(i, axis,    f, model, x, k)
{
	f = family_of(i, axis)
	model = cell(i, "model")
	x = cell(i, axis) + 0
	if (x == 0 && axis == own_axis(i)) # nothing is per client without clients
		return
	if (!(f in first_of)) {
		family[++families] = f
		first_of[f] = i
		axis_of[f] = axis
	}
	if (!((f, x) in has_place)) {
		has_place[f, x] = 1
		for (k = ++places[f]; k > 1 && place[f, k - 1] > x; k--)
			place[f, k] = place[f, k - 1]
		place[f, k] = x
	}
	if (!((f, model) in has_model)) {
		has_model[f, model] = 1
		model_of[f, ++models[f]] = model
	}
	cell_at[f, x, model] = i
}

function read_calls(    rows, i, name, n)
{
	rows = read_csv(run "/calls.csv", "calls", "cell call per_request")
	for (i = 1; i <= rows; i++) {
		if (!is_number(table["calls", i, "per_request"]))
			continue
		name = table["calls", i, "cell"]
		n = ++calls_of[name]
		call_name[name, n] = table["calls", i, "call"]
		call_per[name, n] = table["calls", i, "per_request"] + 0
	}
}

# ------------------------------------------------------------- values of a cell

function chart(c, column)
{
	return table["charts", c, column]
}

# The delay of a generator that shares the server's core is in the response time.
function metric_of(f, c,    metric)
{
	metric = chart(c, "metric")
	if (cell(first_of[f], "loop") == "open" && cell(first_of[f], "placement") == "shared")
		sub(/^response_/, "service_", metric)
	return metric
}

# Sets median, low, high, and spread: "interval", "range", or "" for a single value
function read_values(i, metric)
{
	median = low = high = cell(i, metric)
	spread = ""
	if (metric ~ /^calls_/) # counted once
		;
	else if (is_number(cell(i, metric "_low")) && is_number(cell(i, metric "_high"))) {
		low = cell(i, metric "_low")
		high = cell(i, metric "_high")
		spread = "interval"
	} else if (cell(i, "n") > 1 && is_number(cell(i, metric "_lowest")) && \
		   is_number(cell(i, metric "_highest"))) {
		low = cell(i, metric "_lowest")
		high = cell(i, metric "_highest")
		spread = "range"
	}
	if (median == "")
		return
	median += 0 # numbers, not strings
	low += 0
	high += 0
}

# Saturated: it cannot keep up with an open loop. One that spins always uses its whole core,
# so only its replies tell.
function is_saturated(i)
{
	return cell(i, "loop") == "open" && cell(i, "state") == "whole core" && \
	       (cell(i, "spins") != 1 || \
		cell(i, "requests_per_second") < 0.95 * cell(i, "rate"))
}

# Drawn hollow: its CPU time per request is 1 / rate; or it is saturated
function is_hollow(i, metric)
{
	return metric == "server_cpu_per_request_ns" ? cell(i, "state") == "whole core" : \
	       cell(i, "theirs") || is_saturated(i)
}

# 1: the generator was at its limit, so the value is a lower bound; -1: an upper bound
function bound_of(i, metric)
{
	if (cell(i, "bound") != 1)
		return 0
	return metric == "requests_per_second" ? 1 : metric ~ /^(response|service)_/ ? -1 : 0
}

# Why a value is not drawn, or ""
function why_absent(i, metric, c)
{
	if (cell(i, metric) == "" && cell(i, "status") != "ok")
		return cell(i, "status") (cell(i, "reason") == "" ? "" : ": " cell(i, "reason"))
	if (cell(i, metric) == "")
		return metric ~ /^calls/ && cell(i, "calls_method") == "none" ? \
		       "not counted: this user has no permission to count system calls" : \
		       (metric ~ /^calls/ ? "not counted" : "not measured") \
		       (cell(i, "n") > 0 ? " (see repetitions.jsonl)" : \
			cell(i, "reason") == "" ? "" : ": " cell(i, "reason"))
	if (chart(c, "scale") == "log" && cell(i, metric) <= 0)
		return number(cell(i, metric) + 0, chart(c, "unit")) \
		       ", which a logarithmic axis cannot show"
	return ""
}

function is_unsure(i, metric)
{
	return index(" " cell(i, "unsure") " ", " " metric " ") > 0
}

function marks(i, metric,    text)
{
	if (is_unsure(i, metric))
		text = ",unsure"
	if (is_hollow(i, metric))
		text = text "," (is_saturated(i) ? "saturated" : "whole core")
	if (bound_of(i, metric))
		text = text "," (bound_of(i, metric) > 0 ? "at least" : "at most")
	return substr(text, 2)
}

# A name that fits
function short(model,    name)
{
	name = label[model]
	return length(name) <= 32 ? name : substr(name, 1, 20) "…" substr(name, length(name) - 10)
}

# The name of a line, with ? if some of its values are uncertain
function name_of(f, model, metric,    k, i, unsure)
{
	for (k = 1; k <= places[f]; k++) {
		i = cell_at[f, place[f, k], model]
		unsure += i && cell(i, "status") == "ok" && is_unsure(i, metric)
	}
	seen_unsure += unsure
	return short(model) (unsure ? " ?" : "")
}
