# SPDX-License-Identifier: MIT
# primitives.awk - waits of bin/primitives as cells, so that they are drawn like those of a run
#
# A cell is a method at a number of watched descriptors; its metrics are the time of a wait with
# one, a tenth and all of them ready. The family of the loop "kerrisk" has his methods alone, and
# his figures beside them.

function read_primitives(    rows, i)
{
	rows = read_csv(plots "/kerrisk.csv", "kerrisk", "method watched seconds")
	for (i = 1; i <= rows; i++)
		add_kerrisk(table["kerrisk", i, "method"], table["kerrisk", i, "watched"],
			    table["kerrisk", i, "seconds"])
	if (!is_there(run "/primitives.csv"))
		return
	rows = read_csv(run "/primitives.csv", "primitives", \
		"primitive method watched ready value low high repetitions why")
	for (i = 1; i <= rows; i++)
		if (primitive(i, "primitive") == "wait" && primitive(i, "watched") + 0 >= 10)
			take_wait(i)
	for (i = 1; i <= waits; i++)
		if (cell(wait_cell[i], "loop") != "kerrisk" || has_ours)
			add_to_family(wait_cell[i], "watched")
	say_kerrisk(10000)
}

# A finding: how far apart poll and epoll are, here and there
function say_kerrisk(watched,    ours, theirs, row)
{
	ours = ratio_at("poll", "epoll", watched)
	theirs = ratio_at("poll_2006", "epoll_2006", watched)
	if (!ours)
		return
	row = ++findings
	table["findings", row, "chart"] = "kerrisk/kerrisk watched " watched
	table["findings", row, "title"] = "With one of " count(watched) " descriptors ready, a " \
		"wait by poll takes " count(ours) " times as long as one by epoll (2006: " \
		count(theirs) " times)"
}

function ratio_at(one, other, watched,    a, b)
{
	a = wait_of["kerrisk", one, watched]
	b = wait_of["kerrisk", other, watched]
	if (!a || !b || !(cell(b, "wait_one_ns") > 0))
		return 0
	return sprintf("%.0f", cell(a, "wait_one_ns") / cell(b, "wait_one_ns"))
}

function primitive(i, column)
{
	return table["primitives", i, column]
}

function set_cell(i, column, value)
{
	table["cells", i, column] = value
}

# A new cell, which becomes part of its family when there are figures of this machine
function new_wait(loop, method, watched, name,    i, source)
{
	i = ++cells
	set_cell(i, "loop", loop)
	set_cell(i, "model", method)
	set_cell(i, "watched", watched)
	set_cell(i, "setting", loop " watched " watched)
	set_cell(i, "status", "ok")
	source = method
	sub(/_(oneshot|2006)$/, "", source)
	look[method] = mark[method] = style_row["model", source] + style_row["variant", source]
	label[method] = name
	wait_cell[++waits] = i
	return i
}

function add_kerrisk(method, watched, seconds,    i)
{
	i = new_wait("kerrisk", method "_2006", watched, method ", 2006")
	set_cell(i, "wait_one_ns", seconds * 1e9 / 1e5)
	set_cell(i, "theirs", 1)
	wait_of["kerrisk", method "_2006", watched] = i
}

function wait_name(method)
{
	sub(/^uring_/, "io_uring ", method)
	sub(/_et$/, " edge-triggered", method)
	return method
}

function take_wait(i,    method)
{
	method = primitive(i, "method")
	sub(/_large$/, "", method)
	add_wait("waits", method, i)
	if (method ~ /^(select|poll|epoll)$/ && primitive(i, "ready") == 1) {
		has_ours = 1
		add_wait("kerrisk", method, i)
	}
}

function add_wait(loop, method, i,    c, key, metric)
{
	key = loop SUBSEP method SUBSEP primitive(i, "watched")
	if (!(key in wait_of))
		wait_of[key] = new_wait(loop, method, primitive(i, "watched"), wait_name(method))
	c = wait_of[key]
	metric = metric_of_wait(i)
	if (primitive(i, "watched") == 10 && metric == "wait_one_ns")
		put_value(c, "wait_tenth_ns", i)
	put_value(c, metric, i)
}

function metric_of_wait(i)
{
	return primitive(i, "ready") == 1 ? "wait_one_ns" : \
	       primitive(i, "ready") == primitive(i, "watched") ? "wait_all_ns" : "wait_tenth_ns"
}

function put_value(c, metric, i)
{
	if (!is_number(primitive(i, "value"))) {
		set_cell(c, "status", "unsupported")
		set_cell(c, "reason", primitive(i, "why"))
		return
	}
	set_cell(c, metric, primitive(i, "value"))
	set_cell(c, metric "_low", primitive(i, "low"))
	set_cell(c, metric "_high", primitive(i, "high"))
	set_cell(c, "n", primitive(i, "repetitions"))
}

function is_wait(i)
{
	return cell(i, "loop") ~ /^(waits|kerrisk)$/
}
