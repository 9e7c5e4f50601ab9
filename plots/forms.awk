# SPDX-License-Identifier: MIT
# forms.awk - the layout of charts; lengths in pixels, as in page.gp

BEGIN {
	PANEL_WIDTH = 626 # plot_right - plot_left of lines.gp
	ROW_WIDTH = 764 # of calls.gp
	axis_words["connections"] = "connections"
	axis_words["rate"] = "offered requests per second (all connections)"
	axis_words["idle"] = "idle clients"
	axis_words["message"] = "bytes per request"
	axis_words["depth"] = "requests in flight on each connection"
	axis_words["watched"] = "watched descriptors"
}

# Sorts keys, and another list in the same order
function sort_by(key, other, n,    i, k)
{
	for (i = 2; i <= n; i++)
		for (k = i; k > 1 && key[k] < key[k - 1]; k--)
			swap(key, other, k)
}

function swap(key, other, k,    a, b)
{
	a = key[k]
	b = other[k]
	key[k] = key[k - 1]
	other[k] = other[k - 1]
	key[k - 1] = a
	other[k - 1] = b
}

# Pushes neighbours apart within 0..1 until every gap is at least `gap`
function keep_apart(at, n, gap,    round, k, push)
{
	for (round = 0; round < 200; round++)
		for (k = 1; k < n; k++) {
			push = gap - (at[k + 1] - at[k])
			if (push > 0) {
				at[k] -= push / 2
				at[k + 1] += push / 2
			}
		}
	for (k = 1; k <= n; k++)
		if (at[k] < (k - 1) * gap)
			at[k] = (k - 1) * gap
	for (k = n; k >= 1; k--)
		if (at[k] > 1 - (n - k) * gap)
			at[k] = 1 - (n - k) * gap
}

# Writes the ticks of an axis to a file that gnuplot loads
function write_tics(name, axis, ticks,    to)
{
	to = folder "/" name
	if (ticks == "")
		print "unset " axis "tics" > to
	else
		print "set " axis "tics nomirror scale 0 (" ticks ")" > to
	close(to)
}

# ------------------------------------------------------------------------- lines

# A place on the x axis, which is logarithmic: 0 is before the first
function x_at(f, k)
{
	return place[f, k] > 0 ? place[f, k] : place[f, k + 1] / 3
}

# The factor of n pixels on the x axis, with 50 free pixels at both ends
function pixels_of(f, n,    wide)
{
	wide = log(x_at(f, places[f]) / x_at(f, 1))
	return exp(n * wide / (PANEL_WIDTH - 100))
}

# Shifts models by a few pixels, so that no bar hides another
function beside(f, k, m)
{
	return x_at(f, k) * pixels_of(f, (m - (models[f] + 1) / 2) * aside(f))
}

# By how many pixels: many models share half of the way to the next place
function aside(f,    k, way, least)
{
	least = PANEL_WIDTH
	for (k = 1; k < places[f]; k++) {
		way = log(x_at(f, k + 1) / x_at(f, k)) / log(pixels_of(f, 1))
		least = way < least ? way : least
	}
	least = least / 2 > 32 ? least / 2 : 32
	return least / models[f] < 3.5 ? least / models[f] : 3.5
}

# linesP, a block for each model: x, median, low, high, 1 if hollow;
# boundsP: x, y and length of the arrow of a bound
function write_lines(f, c, p,    m, k, i, metric, to, bounds, last, next_k)
{
	PANEL_HEIGHT = 17 * (models[f] + 1) > 300 ? 17 * (models[f] + 1) : 300 # as in lines.gp
	metric = metric_of(f, c)
	to = folder "/lines" p
	bounds = folder "/bounds" p
	printf "" > bounds
	for (m = 1; m <= models[f]; m++) {
		last[m] = 0
		for (k = 1; k <= places[f]; k++) {
			i = cell_at[f, place[f, k], model_of[f, m]]
			if (i && why_absent(i, metric, c) != "")
				add_missing(model_of[f, m], count(place[f, k]), why_absent(i, metric, c))
			if (!i || why_absent(i, metric, c) != "") {
				print x_at(f, k), "NaN NaN NaN 0" > to
				continue
			}
			read_values(i, metric)
			end_y[m] = median
			last[m] = k
			if (scale == "log" && low <= 0)
				low = from
			print beside(f, k, m), median, low, high, is_hollow(i, metric) > to
			if (bound_of(i, metric))
				print beside(f, k, m), median, value_at(part_of_axis(median) + \
					bound_of(i, metric) * 22 / PANEL_HEIGHT) - median > bounds
		}
		print "\n" > to
	}
	close(to)
	close(bounds)
	empty(folder "/names" p)
	empty(folder "/right" p)
	empty(folder "/left" p)
	for (k = 1; k <= places[f]; k = next_k) {
		# Names at neighbouring places could touch.
		for (next_k = k + 1; next_k < places[f] && \
		     x_at(f, next_k) < x_at(f, next_k - 1) * pixels_of(f, 90); )
			next_k++
		write_names(f, p, metric, last, k, next_k - 1)
	}
	if (p == 1)
		write_places(f)
}

function empty(file)
{
	printf "" > file
	close(file)
}

# Names of the lines that end at these places. namesP, right of the plot: height from 0 to
# 1, model, name. rightP and leftP, beside the last point: x, y, name
function write_names(f, p, metric, last, first_k, last_k,    k, m, height, order, n, text, room, to)
{
	for (m = 1; m <= models[f]; m++)
		if (last[m] >= first_k && last[m] <= last_k) {
			height[++n] = part_of_axis(end_y[m])
			order[n] = m
		}
	sort_by(height, order, n)
	keep_apart(height, n, 17 / PANEL_HEIGHT)
	for (k = 1; k <= n; k++) {
		m = order[k]
		text = name_of(f, model_of[f, m], metric)
		if (last[m] == places[f]) {
			print height[k], m, word(text) >> (folder "/names" p)
			continue
		}
		# inside the plot, not on its edge
		if (height[k] < (k - 0.5) * 17 / PANEL_HEIGHT)
			height[k] = (k - 0.5) * 17 / PANEL_HEIGHT
		room = log(x_at(f, places[f]) / x_at(f, last[m])) / log(pixels_of(f, 1))
		to = 8 * length(text) < room + 20 ? "right" : "left"
		print beside(f, last[m], to == "right" ? models[f] : 1), \
		      value_at(height[k]), \
		      word(text) >> (folder "/" to p)
	}
	close(folder "/names" p)
	close(folder "/right" p)
	close(folder "/left" p)
}

# Ticks at the measured places of the x axis, as far as there is room
function write_places(f,    k, text, last)
{
	for (k = places[f]; k >= 1; k--) {
		if (last && x_at(f, k) * pixels_of(f, 45) > last)
			continue
		last = x_at(f, k)
		text = add_tick(text, count(place[f, k]), last)
	}
	write_tics("places", "x", text)
	print "places_words = " quoted(axis_words[axis_of[f]]) > page
	printf "first = %.10g; last = %.10g\n", x_at(f, 1) / pixels_of(f, 50), \
		x_at(f, places[f]) * pixels_of(f, 50) > page
}

# Where a model is hollow: " everywhere", " from 40,000", " at 5,000, 20,000"; sets first_k
function hollow_at(f, m, metric,    k, i, pattern, list)
{
	first_k = 0
	for (k = 1; k <= places[f]; k++) {
		i = cell_at[f, place[f, k], model_of[f, m]]
		if (!i || cell(i, metric) == "")
			continue
		pattern = pattern is_hollow(i, metric)
		if (!is_hollow(i, metric))
			continue
		first_k = first_k ? first_k : k
		list = list (list == "" ? " at " : ", ") count(place[f, k])
	}
	return places[f] == 1 ? "" : pattern ~ /^1+$/ ? " everywhere" : \
	       pattern ~ /^0*1+$/ ? " from " count(place[f, first_k]) : list
}

# "busypoll everywhere; aio, poll from 40,000"
function hollow_words(f, metric,    m, k, where, found, text)
{
	for (k = 1; k <= places[f]; k++)
		for (m = 1; m <= models[f]; m++) {
			where = hollow_at(f, m, metric)
			if (first_k != k)
				continue
			text = text == "" ? short(model_of[f, m]) where : where == found ? \
			       substr(text, 1, length(text) - length(where)) ", " \
			       short(model_of[f, m]) where : text "; " short(model_of[f, m]) where
			found = where
		}
	return text
}

# -------------------------------------------------------------------------- rows

# rowsP: row, median, low, high, model, text, 1 if hollow, 1 if it is the baseline, begin and
# length of the arrow of a bound; wordsP: row, why there is nothing
function write_rows(f, c, p,    m, i, metric, to, absent, names, why, bound, end)
{
	metric = metric_of(f, c)
	to = folder "/rows" p
	absent = folder "/words" p
	printf "" > to
	printf "" > absent
	for (m = 1; m <= models[f]; m++) {
		i = cell_at[f, place[f, 1], model_of[f, m]]
		names = add_tick(names, short(model_of[f, m]), m)
		why = why_absent(i, metric, c)
		if (why != "") {
			print m, word("missing: " cut(why, 95)) > absent
			continue
		}
		read_values(i, metric)
		seen_unsure += is_unsure(i, metric)
		if (scale == "log" && low <= 0)
			low = from
		bound = bound_of(i, metric)
		end = bound > 0 ? high : low
		print m, median, low, high, m, word((bound > 0 ? "≥ " : bound < 0 ? "≤ " : "") \
			number(median, unit) (is_unsure(i, metric) ? " ?" : "")), \
		      is_hollow(i, metric), (model_of[f, m] == "baseline"), end, !bound ? 0 : \
		      value_at(part_of_axis(end) + bound * 24 / ROW_WIDTH) - end > to
	}
	close(to)
	close(absent)
	if (p == 1) {
		print "rows = " models[f] > page
		write_tics("models", "y", names)
	}
}

# ------------------------------------------------------------------------- calls

# pieces: row, from, to, colour, name if it fits; totals: row, end, text;
# words: row, why there is nothing; groups: row, text; all in one panel
function write_calls(f, c, p,    m, k, i, row, names, why)
{
	make_room()
	pieces = folder "/pieces"
	totals = folder "/totals"
	absent = folder "/words"
	groups = folder "/groups"
	printf "" > pieces
	printf "" > totals
	printf "" > absent
	printf "" > groups
	for (k = 1; k <= places[f]; k++) {
		print ++row, word(place_words(f, k)) > groups
		for (m = 1; m <= models[f]; m++) {
			i = cell_at[f, place[f, k], model_of[f, m]]
			# the baseline's calls are usually not counted
			if (!i || (model_of[f, m] == "baseline" && cell(i, "calls_method") == ""))
				continue
			row++
			names = add_tick(names, short(model_of[f, m]), row)
			why = why_absent(i, "calls_per_request", c)
			if (why == "")
				write_pieces(i, row)
			else
				print row, word("missing: " cut(why, 95)) > absent
		}
	}
	print "rows = " row > page
	write_tics("models", "y", names)
	write_roles()
	close(pieces)
	close(totals)
	close(absent)
	close(groups)
}

function place_words(f, k)
{
	return count(place[f, k]) " " (place[f, k] == 1 ? "connection" : axis_words[axis_of[f]])
}

# A server that busy-polls makes thousands of calls per request. A bar that is six times as
# long as the next is cut, so that the others stay visible. Numbers are beside the bars.
function make_room(    k)
{
	sort_by(value, value, has_values)
	for (k = 1; k < has_values; k++)
		if (value[k] > 0 && value[k + 1] > 6 * (value[k] > 1 ? value[k] : 1))
			break
	cut_at = value[k] * 1.001
	to_end = cut_at > 0 ? cut_at * 1.25 : 1
}

function write_pieces(i, row,    key, n, k, at, per, total, end, order, place, rest)
{
	key = cell(i, "cell")
	total = cell(i, "calls_per_request") + 0
	end = total > cut_at ? cut_at * 1.08 : total
	for (n = 1; n <= calls_of[key]; n++) {
		if (call_per[key, n] * end / total / to_end * ROW_WIDTH < 2)
			break # the most frequent come first
		order[n] = n
		place[n] = role_of(call_name[key, n])
	}
	sort_by(place, order, n - 1)
	for (k = 1; k < n; k++) {
		per = call_per[key, order[k]] * end / total
		rest = rest write_piece(row, at + 0, at + per, call_name[key, order[k]])
		at += per
	}
	if ((end - at) / to_end * ROW_WIDTH >= 3)
		rest = rest write_piece(row, at + 0, end, \
			calls_of[key] ? "other" : "names unknown")
	seen_cut += total > cut_at
	print row, end, word(number(total, 1) (total > cut_at ? " →" : "") \
		names_that_fit(rest, (to_end - end) / to_end * ROW_WIDTH / 7 - 9)) > totals
}

# As many of ", name, name" as fit, or none
function names_that_fit(names, width)
{
	names = substr(names, 3)
	if (length(names) <= width)
		return "   " names
	while (length(names) > width - 3 && sub(/, [^,]*$/, "", names))
		;
	return length(names) <= width - 3 ? "   " names ", …" : ""
}

function role_of(call)
{
	if (("call", call) in style_row)
		return style_row["call", call]
	return style_row["other", ""]
}

# Writes a piece; returns its name if that does not fit into it
function write_piece(row, begin, end, call,    look, room, fits)
{
	look = role_of(call)
	role_seen[style(look, "label")] = style(look, "color")
	room = (end - begin) / to_end * ROW_WIDTH
	fits = length(call) * 7.2 + 6 < room
	print row, begin, end, "0x" substr(style(look, "color"), 2), \
	      word(fits ? call : "") > pieces
	return fits ? "" : ", " call
}

# The legend of the colours, in the order of style.csv
function write_roles(    i, names, n, role, at)
{
	for (i = 1; ("style", i, "kind") in table; i++) {
		role = style(i, "label")
		if (style(i, "kind") !~ /^(call|other)$/ || !(role in role_seen))
			continue
		n++
		names = names sprintf("role[%d] = %s; role_color[%d] = '%s'; role_at[%d] = %d\n", \
			n, quoted(role), n, role_seen[role], n, at)
		at += 45 + 7 * length(role)
		delete role_seen[role]
	}
	print "roles = " n + 0 > page
	if (n)
		printf "array role[roles]; array role_color[roles]; array role_at[roles]\n%s", names > page
}
