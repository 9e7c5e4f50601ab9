# SPDX-License-Identifier: MIT
# run.awk - the tables of a run: cells, families, what can be said of a cell
#
# A family is all the cells that differ in nothing but their model and their place
# on the x axis: connections, in an open loop the requests offered, or the number of
# silent clients. place[f, k] are those of family f, model_of[f, m] its models, and
# cell_at[f, place, model] the cell.

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

# The row of the style for this model: its own, or a spare one
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
		complain(run "/cells.csv: there is no cell in it")
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
		return "'" cell(i, "model") "' is no name of a model"
	if (cell(i, "loop") !~ /^(closed|open|none)$/)
		return "'" cell(i, "loop") "' is no loop that is known"
	if (!is_number(cell(i, axis_of(i))) || cell(i, axis_of(i)) < 0)
		return "it does not say how many (" axis_of(i) ")"
	for (c = 1; c <= charts; c++) {
		metric = cell(i, chart(c, "metric"))
		if (metric != "" && !is_number(metric))
			return "'" metric "' is no number"
	}
	return ""
}

function axis_of(i)
{
	return cell(i, "loop") == "open" ? "rate" : \
	       cell(i, "loop") == "none" ? "idle" : "connections"
}

# As setting_key() of harness/verdict/describe.h names a setting, but for one part of it
function setting_key(i, without,    key, silent)
{
	silent = cell(i, "loop") == "none"
	key = cell(i, "loop") " " cell(i, "placement")
	if (!silent && without != "connections")
		key = key " " cell(i, "connections")
	if (cell(i, "loop") == "open" && without != "rate")
		key = key " rate " cell(i, "rate")
	if (without != "idle" && (silent || cell(i, "idle") + 0 > 0))
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
	if (x == 0) # of no clients there is nothing to say for each of them
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

# ---------------------------------------------------------------- what a cell says

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

# Where the generator had no CPU of its own, its lateness is in the response time.
function metric_of(f, c,    metric)
{
	metric = chart(c, "metric")
	if (is_coarse(f))
		sub(/^response_/, "service_", metric)
	return metric
}

# Sets median, low and high; spread: "interval", "range", or "" if there is one value
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
	median += 0 # as numbers, not as texts
	low += 0
	high += 0
}

function not_sustained(i)
{
	return cell(i, "loop") == "open" && cell(i, "reason") ~ \
	       /^not sustained|^what was offered was not done|offer less \(--rate\)/
}

# Why there is nothing to draw; "" if there is. A logarithm has no place for 0.
function why_absent(i, metric, c)
{
	if (cell(i, metric) == "" && cell(i, "status") != "ok")
		return cell(i, "status") (cell(i, "reason") == "" ? "" : ": " cell(i, "reason"))
	if (cell(i, metric) == "")
		return metric ~ /^calls/ && cell(i, "calls_method") == "none" ? \
		       "not counted: this user may not count system calls" : \
		       (metric ~ /^calls/ ? "not counted" : "not measured") \
		       (cell(i, "n") > 0 ? " (repetitions.jsonl says why)" : \
			cell(i, "reason") == "" ? "" : ": " cell(i, "reason"))
	if (chart(c, "scale") == "log" && cell(i, metric) <= 0)
		return number(cell(i, metric) + 0, chart(c, "unit")) \
		       ", for which a logarithmic axis has no place"
	return ""
}

# No number, but a place of its own: hollow, at the upper edge
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

# What there is room for
function short(model,    name)
{
	name = label[model]
	return length(name) <= 12 ? name : substr(name, 1, 6) "…" substr(name, length(name) - 4)
}

# The name of a line or row, and of some cell of it: * oversubscribed; ? by chance
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
