# SPDX-License-Identifier: MIT
# run.awk - the tables of a run: cells, families, missing values
#
# The cells of a family differ only in the model and the place on the x axis: connections,
# offered requests per second (open loop), or idle clients. Family f has place[f, k],
# model_of[f, m] and cell_at[f, place, model].

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
function take_style(model)
{
	if (model in look)
		return
	look[model] = style_row["model", model]
	if (!look[model])
		look[model] = style_row["spare", spares_used++ % spares + 1]
	label[model] = style(look[model], "label")
	if (label[model] == "")
		label[model] = model
}

function cell(i, column)
{
	return table["cells", i, column]
}

function read_cells(    i, why)
{
	cells = read_csv(run "/cells.csv", "cells", \
		"model loop connections rate idle message depth pattern work placement " \
		"cell n status reason oversubscribed coarse unsure")
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
	if (cell(i, "model") !~ /^[A-Za-z0-9][A-Za-z0-9_-]*$/)
		return "'" cell(i, "model") "' is not the name of a model"
	if (cell(i, "loop") !~ /^(closed|open|none)$/)
		return "unknown loop '" cell(i, "loop") "'"
	if (!is_number(cell(i, axis_of(i))) || cell(i, axis_of(i)) < 0)
		return axis_of(i) " is not a number"
	for (c = 1; c <= charts; c++) {
		metric = cell(i, chart(c, "metric"))
		if (metric != "" && !is_number(metric))
			return "'" metric "' is not a number"
	}
	return ""
}

function axis_of(i)
{
	return cell(i, "loop") == "open" ? "rate" : \
	       cell(i, "loop") == "none" ? "idle" : "connections"
}

# setting_key() of harness/verdict/describe.h, without one part
function setting_key(i, without,    key, alone)
{
	alone = cell(i, "loop") == "none"
	key = cell(i, "loop") " " cell(i, "placement")
	if (!alone && without != "connections")
		key = key " " cell(i, "connections")
	if (cell(i, "loop") == "open" && without != "rate")
		key = key " rate " cell(i, "rate")
	if (without != "idle" && (alone || cell(i, "idle") + 0 > 0))
		key = key " idle " cell(i, "idle")
	if (cell(i, "message") != 64)
		key = key " message " cell(i, "message")
	if (cell(i, "depth") > 1)
		key = key " depth " cell(i, "depth")
	if (cell(i, "pattern") !~ /^(steady)?$/)
		key = key " pattern " cell(i, "pattern")
	if (cell(i, "work") !~ /^(none)?$/)
		key = key " work " cell(i, "work")
	return key
}

function add_cell(i,    f, model, x, k)
{
	f = setting_key(i, axis_of(i))
	model = cell(i, "model")
	x = cell(i, axis_of(i)) + 0
	take_style(model)
	if (x == 0) # nothing is per client without clients
		return
	if (!(f in first_of)) {
		family[++families] = f
		first_of[f] = i
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

function is_coarse(f,    k, m, i)
{
	for (k = 1; k <= places[f]; k++)
		for (m = 1; m <= models[f]; m++) {
			i = cell_at[f, place[f, k], model_of[f, m]]
			if (i && cell(i, "loop") == "open" && cell(i, "coarse") == 1)
				return 1
		}
	return 0
}

# Service time if the generator shared its CPU: its own delay is in the response time.
function metric_of(f, c,    metric)
{
	metric = chart(c, "metric")
	if (is_coarse(f))
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

function not_sustained(i)
{
	return cell(i, "loop") == "open" && cell(i, "reason") ~ /not sustained|--rate/
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

# Not sustained, so without a response time: a hollow point at the upper edge
function is_lost(i, metric)
{
	return cell(i, metric) == "" && not_sustained(i) && metric ~ /^(response|service)_/
}

function is_unsure(i, metric)
{
	return index(" " cell(i, "unsure") " ", " " metric " ") > 0
}

function marks(i, metric,    text)
{
	if (cell(i, "oversubscribed") == 1)
		text = ",oversubscribed"
	if (is_unsure(i, metric))
		text = text ",unsure"
	if (not_sustained(i))
		text = text (cell(i, metric) == "" ? "," : ",partly ") "not sustained"
	return substr(text, 2)
}

# A name that fits
function short(model,    name)
{
	name = label[model]
	return length(name) <= 12 ? name : substr(name, 1, 6) "…" substr(name, length(name) - 4)
}

# The name of a line or row, with the signs of its cells: * oversubscribed, ? uncertain
function name_of(f, model, metric,    k, i, over, unsure)
{
	for (k = 1; k <= places[f]; k++) {
		i = cell_at[f, place[f, k], model]
		if (!i || cell(i, "status") != "ok")
			continue
		over += cell(i, "oversubscribed") == 1
		unsure += metric != "" && is_unsure(i, metric)
	}
	seen_oversubscribed += over
	seen_unsure += unsure
	return short(model) (over ? " *" : "") (unsure ? " ?" : "")
}
