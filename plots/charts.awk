# SPDX-License-Identifier: MIT
# charts.awk - turns the tables of a run into gnuplot's input
#
# plots/draw runs it with csv.awk, text.awk, run.awk, primitives.awk, forms.awk and forest.awk. It makes each
# chart of charts.csv for each family of cells (run.awk) and writes
#
#	OUT/NAME.tsv       the numbers behind it
#	WORK/NAME/page.gp  texts, axes and styles, as variables of gnuplot
#	WORK/NAME/...      points and names, a file for each element
#
# and prints "FORM NAME": FORM.gp draws it. A form is one of
#
#	lines  a line for each model
#	rows   a row for each model, if the x axis has a single place
#	calls  a row for each model and place, with a piece for each system call
#	forest the comparisons (forest.awk)

BEGIN {
	CONVFMT = OFMT = "%.9g"
	run = ENVIRON["RUN"]
	out = ENVIRON["OUT"]
	work = ENVIRON["WORK"]
	plots = ENVIRON["PLOTS"]

	read_style()
	charts = read_csv(plots "/charts.csv", "charts", "chart finding metric loops along")
	read_cells()
	read_calls()
	findings = read_csv(run "/findings.csv", "findings", "chart title")
	read_primitives()
	read_comparisons()
	if (measured)
		draw_forests(1)
	for (c = 2; c <= charts; c += panels)
		draw_families(c)
	exit complaints > 0
}

# Draws a chart: rows c to c + panels - 1 of charts.csv are its panels
function draw_families(c,    f, best)
{
	for (panels = 1; chart(c + panels, "chart") == chart(c, "chart"); )
		panels++
	for (f = 1; f <= families; f++)
		if (is_of_chart(family[f], c) && \
		    (!best || places[family[f]] > places[family[best]]))
			best = f
	if (!best && measured && chart(c, "along") == "")
		print "none", chart(c, "chart")
	for (f = 1; f <= families; f++)
		if (is_of_chart(family[f], c))
			draw_chart(c, family[f], f == best)
}

# Whether a family has a value, or a cell without a result, for this chart
function is_of_chart(f, c,    k, m, i)
{
	if (!index(" " chart(c, "loops") " ", " " cell(first_of[f], "loop") " ") || \
	    axis_of[f] != axis_for(c, first_of[f]) || \
	    (chart(c, "along") != "" && places[f] < 2))
		return 0
	for (k = 1; k <= places[f]; k++)
		for (m = 1; m <= models[f]; m++) {
			i = cell_at[f, place[f, k], model_of[f, m]]
			if (i && (cell(i, metric_of(f, c)) != "" || cell(i, "status") != "ok"))
				return 1
		}
	return 0
}

# The chart of the family with the most places has the plain name; others are in more/.
function chart_name(c, f, is_best,    name)
{
	if (is_best)
		return chart(c, "chart")
	name = chart(c, "chart") "-" substr(f, index(f, "/") + 1)
	gsub(/[^A-Za-z0-9.]+/, "-", name)
	while (("more/" name) in taken)
		name = name "_"
	taken["more/" name] = 1
	return "more/" name
}

function make_folder(path)
{
	gsub(/'/, "'\\''", path)
	system("mkdir -p '" path "'")
}

function draw_chart(c, f, is_best,    p, form)
{
	form = chart(c, "chart") == "calls" ? "calls" : places[f] > 1 ? "lines" : "rows"
	begin_page(chart_name(c, f, is_best), panels, models[f])
	for (p = 1; p <= models[f]; p++)
		write_look(p, model_of[f, p])
	write_table(c, f)
	for (p = 1; p <= panels; p++) {
		scan_panel(f, c + p - 1)
		if (form == "lines")
			write_lines(f, c + p - 1, p)
		else if (form == "rows")
			write_rows(f, c + p - 1, p)
		else
			write_calls(f, c + p - 1, p)
		write_panel(f, c + p - 1, p, form == "lines" ? "y" : "x", is_best)
	}
	explain(c, f)
	numbers_in = name ".tsv"
	end_page(c, chart(c, "read") (form == "lines" ? " " chart(c, "lines") : ""), caption(c, f))
	print form, name
}

# Writes the numbers of a chart: all its cells, also those without a result
function write_table(c, f,    p, k, m, i, metric, to)
{
	to = out "/" name ".tsv"
	print "measure\tmodel\t" axis_of[f] \
	      "\tmedian\tlow\thigh\tspread\tn\tstatus\tmarks\treason" > to
	for (p = c; p < c + panels; p++) {
		metric = metric_of(f, p)
		for (k = 1; k <= places[f]; k++)
			for (m = 1; m <= models[f]; m++) {
				i = cell_at[f, place[f, k], model_of[f, m]]
				if (!i)
					continue
				read_values(i, metric)
				print metric "\t" cell(i, "model") "\t" place[f, k] "\t" median \
				      "\t" low "\t" high "\t" spread "\t" cell(i, "n") "\t" \
				      cell(i, "status") "\t" marks(i, metric) "\t" \
				      cell(i, "reason") > to
				if (metric == "calls_per_request")
					write_table_calls(i, place[f, k], to)
			}
	}
	close(to)
}

function write_table_calls(i, x, to,    n, key)
{
	key = cell(i, "cell")
	for (n = 1; n <= calls_of[key]; n++)
		print "call " call_name[key, n] "\t" cell(i, "model") "\t" x "\t" \
		      call_per[key, n] "\t\t\t\t\t\t\t" > to
}

# ---------------------------------------------------------------------- one panel

# Sets the axis of this panel: from, to, scale, unit, has_values
function scan_panel(f, c,    k, m, i, metric)
{
	metric = metric_of(f, c)
	scale = chart(c, "scale")
	unit = chart(c, "unit")
	has_values = 0
	for (k = 1; k <= places[f]; k++)
		for (m = 1; m <= models[f]; m++) {
			i = cell_at[f, place[f, k], model_of[f, m]]
			if (!i || why_absent(i, metric, c) != "")
				continue
			read_values(i, metric)
			note_cell(i, metric)
			seen_bound += bound_of(i, metric) != 0
			if (scale == "log" && low <= 0)
				low = median
			if (!has_values || low < from)
				from = low
			if (!has_values || high > to_end)
				to_end = high
			value[++has_values] = median
		}
	make_range()
}

function note_cell(i, metric,    blocks)
{
	blocks = cell(i, "n") + 0
	if (cell(i, "theirs"))
		return
	seen_interval += spread == "interval"
	seen_range += spread == "range"
	if (!fewest || blocks < fewest)
		fewest = blocks
	if (blocks > most)
		most = blocks
}

# Adds room at both ends, and keeps noise from filling the panel
function make_range(    middle)
{
	if (!has_values) {
		from = 1
		to_end = 10
	}
	if (scale == "log") {
		middle = sqrt(from * to_end)
		from = from / 1.25 < middle / 2 ? from / 1.25 : middle / 2
		to_end = to_end * 1.25 > middle * 2 ? to_end * 1.25 : middle * 2
	} else {
		from = 0
		to_end = to_end > 0 ? to_end * 1.08 : 1
	}
}

# From 0 to 1
function part_of_axis(x)
{
	return scale == "log" ? log(x / from) / log(to_end / from) : x / to_end
}

function value_at(part)
{
	return scale == "log" ? from * (to_end / from) ^ part : to_end * part
}

# The finding of this chart for a setting of this family: the run's own choice, else the last
function finding_for(f, c, is_best,    chosen, k, m, i, title, best)
{
	for (i = 1; i <= findings; i++) {
		if (table["findings", i, "chart"] == chart(c, "finding"))
			chosen = table["findings", i, "title"]
		title_of[table["findings", i, "chart"]] = table["findings", i, "title"]
	}
	for (k = 1; k <= places[f]; k++) {
		for (m = 1; !(i = cell_at[f, place[f, k], model_of[f, m]]); m++)
			;
		title = title_of[chart(c, "finding") "/" cell(i, "setting")]
		if (title != "")
			best = title
		if (title != "" && title == chosen)
			return title
	}
	return best == "" && is_best && chart(c, "along") == "" ? chosen : best
}

function axis_title(f, c,    words)
{
	words = chart(c, "axis")
	if (metric_of(f, c) != chart(c, "metric"))
		sub(/response time/, "service time", words)
	return words
}

function write_panel(f, c, p, side, is_best,    title)
{
	title = chart(c, "finding") == "" || !has_values ? "" : finding_for(f, c, is_best)
	write_heading(p, title, axis_title(f, c) (has_values ? "" : ": nothing could be measured") \
		(chart(c, "better") ~ /^more/ ? "  ↑ " : "  ↓ ") chart(c, "better"))
	print "values = " (p > 1 ? "values + " : "") has_values > page
	print "scale[" p "] = '" scale "'" > page
	printf "from[%d] = %.10g; to[%d] = %.10g\n", p, from, p, to_end > page
	write_tics("tics" p, side, !has_values ? "" : scale == "log" ? \
		log_ticks(from, to_end, unit) : linear_ticks(to_end, unit, 5))
}

# The title of a panel, if it has one, and the line below it
function write_heading(p, title, below)
{
	title = typeset(title)
	if (p == 1)
		page_title = title == "" ? below : title
	title = balanced(title, 86)
	print "heading[" p "] = " quoted(title) > page
	print "heading_lines[" p "] = " (title == "" ? 0 : wrapped) > page
	print "axis[" p "] = " quoted(below) > page
}

# ----------------------------------------------------------------------- the page

# Begins the chart `called`, with so many panels and models
function begin_page(called, n_panels, n_models,    m, key)
{
	name = called
	folder = work "/" name
	page = folder "/page.gp"
	make_folder(folder)
	fewest = most = n_notes = seen_interval = seen_range = 0
	seen_unsure = seen_cut = seen_bound = 0
	n_missing = longest = 0
	split("", why_missing)
	split("", who_misses)
	split("", where_missing)
	print "# " name ", for gnuplot" > page
	print "panels = " n_panels > page
	print "array heading[panels]; array heading_lines[panels]; array axis[panels]" > page
	print "array scale[panels]; array from[panels]; array to[panels]" > page
	print "models = " n_models > page
	print "array marker[models]; array color[models]" > page
	for (m in style_row)
		if (m ~ /^page/)
			print substr(m, 6) " = '" style(style_row[m], "color") "'" > page
}

function write_look(m, model,    row, dash)
{
	row = look[model]
	dash = style(row, "dash")
	gsub(/ +/, ",", dash)
	printf "set style line %d lc rgb '%s' dt %s\n", m, style(row, "color"), \
		dash ~ /^[0-9.]+(,[0-9.]+)+$/ ? "(" dash ")" : "solid" > page
	printf "marker[%d] = %d; color[%d] = '%s'\n", m, style(mark[model], "marker"), m, \
		style(row, "color") > page
	if (length(short(model)) > longest) {
		longest = length(short(model))
		print "longest = " longest > page
	}
}

# Notes which value is missing: `where` is its place. Reasons that differ only in numbers
# are one.
function add_missing(model, where, why,    key)
{
	key = why
	gsub(/[0-9.,]+/, "#", key)
	if (!(key in why_missing)) {
		missing[++n_missing] = key
		why_missing[key] = why
	} else if (why_missing[key] != why && why_missing[key] !~ /^for example/)
		why_missing[key] = "for example " why_missing[key]
	if (!((key, model) in where_missing))
		who_misses[key] = who_misses[key] " " model
	else if (index("; " where_missing[key, model] "; ", "; " where "; "))
		return
	where_missing[key, model] = where_missing[key, model] \
		(where_missing[key, model] == "" ? "" : "; ") where
}

# "missing – thread (1; 64), select (64): failed: it hung", for each reason
function note_missing(    n, k, key, model, models_of, text)
{
	for (n = 1; n <= n_missing && n <= 8; n++) {
		key = missing[n]
		models_of = split(who_misses[key], model, " ")
		text = ""
		for (k = 1; k <= models_of; k++)
			text = text (k > 1 ? ", " : "") short(model[k]) \
			       " (" where_missing[key, model[k]] ")"
		add_note("missing", text ": " why_missing[key])
	}
	if (n_missing > 8)
		add_note("missing", "and " n_missing - 8 " more reasons: see " name ".tsv")
}

# A line below the chart that says what a sign in it means
function add_note(sign, text)
{
	note[++n_notes] = sign " – " text
}

function write_notes(    k, text, lines)
{
	for (k = 1; k <= n_notes; k++) {
		text = text (k > 1 ? "\n" : "") wrap(note[k], 138, 2)
		lines += wrapped
	}
	print "notes = " quoted(text) > page
	print "notes_lines = " lines + 0 > page
}

# Says what the signs in a chart mean
function explain(c, f,    text, metric)
{
	metric = metric_of(f, c)
	text = is_wait(first_of[f]) ? "" : hollow_words(f, metric)
	if (text != "" && metric == "server_cpu_per_request_ns")
		add_note("○", "hollow: uses its whole core, because it spins or is saturated. Its CPU " \
			"time per request is then 1/rate, and is not ranked: " text)
	else if (text != "")
		add_note("○", "hollow: saturated, it cannot keep up with the offered load" \
			(metric !~ /^(response|service)/ ? "" : ", and its response time would " \
			 "grow with the length of the run") ": " text)
	if (seen_bound)
		add_note("↑↓", "an arrow: the generator was at its limit, so the value is a bound: " \
			"at least so many replies, at most so much time")
	if (seen_cut)
		add_note("→", "this bar is cut; its pieces are in proportion")
	if (seen_unsure)
		add_note("?", "some values are uncertain: fewer than 100 requests are beyond the " \
			"percentile (see " name ".tsv)")
	note_missing()
}

function end_page(c, read, about,    text)
{
	write_notes()
	text = wrap(read, 138, 5)
	print "reading = " quoted(text) > page
	print "reading_lines = " (text == "" ? 0 : wrapped) > page
	text = wrap(about, 138, 4)
	print "caption = " quoted(text) > page
	print "caption_lines = " wrapped > page
	print "mark = " quoted(ENVIRON["INCOMPLETE"] ? \
		"INCOMPLETE: this run is not complete" : "") > page
	close(page)
	write_description(c, text)
}

# Title and description of the SVG, for screen readers
function write_description(c, text,    to)
{
	to = folder "/described"
	print "<title>" as_xml(page_title) "</title>" > to
	print "<desc>" as_xml(chart(c, "axis") ". " text " The numbers are in " numbers_in ".") \
		"</desc>" > to
	close(to)
}

# The caption: setting, number of blocks, spread, machine
function caption(c, f,    text)
{
	text = setting_words(first_of[f], axis_of[f]) ". "
	if (chart(c, "chart") == "calls")
		text = text "Counted once for each cell. "
	else if (most == 1)
		text = text "One repetition each, without spread. "
	else if (most)
		text = text "Medians of " (fewest == most ? "" : fewest " to ") most " " \
		       (is_wait(first_of[f]) ? "repetitions" : "blocks") ". "
	if (seen_interval)
		text = text "Bars: 95 % interval of the median" \
		       (seen_range ? "; below 6 blocks the range. " : ". ")
	else if (seen_range)
		text = text "Bars: range (below 6 blocks there is no interval). "
	if ((seen_interval || seen_range) && fewest == 1)
		text = text "No bar: one block. "
	return text ENVIRON["MACHINE"]
}

function setting_short(i)
{
	return many(cell(i, "connections"), "connection") \
	       (cell(i, "loop") == "open" ? ", " count(cell(i, "rate")) "/s" : "") \
	       (cell(i, "idle") > 0 ? ", " count(cell(i, "idle")) " idle" : "") \
	       (cell(i, "placement") == "shared" ? ", one core" : "")
}

function many(n, what)
{
	return count(n) " " what plural(n)
}

# setting_heading() of harness/verdict/describe.h, without one part
function setting_words(i, without,    text, alone)
{
	if (is_wait(i))
		return "One thread, on one CPU"
	alone = cell(i, "loop") == "none"
	if (alone)
		text = "No requests"
	else if (without != "connections")
		text = many(cell(i, "connections"), "connection") ", "
	if (cell(i, "loop") == "closed")
		text = text "closed loop"
	if (cell(i, "loop") == "open")
		text = text "open loop" (without == "rate" ? "" : \
		       ", " count(cell(i, "rate")) " requests/s offered")
	text = text ", server and clients on " (cell(i, "placement") == "split" ? \
	       "separate cores" : "one core")
	if (without != "idle" && (cell(i, "idle") > 0 || alone))
		text = text ", " many(cell(i, "idle"), "idle client")
	if (without != "message" && !alone)
		text = text ", " tick_text(cell(i, "message"), "bytes")
	if (cell(i, "depth") > 1 && without != "depth")
		text = text ", " cell(i, "depth") " in flight on each"
	if (cell(i, "pattern") ~ /^burst:/)
		text = text ", in bursts of " substr(cell(i, "pattern"), 7)
	if (cell(i, "pattern") == "connect")
		text = text ", a new connection for each request"
	if (cell(i, "pattern") == "storm")
		text = text ", all connect at once"
	if (cell(i, "pattern") ~ /^slow-read:/)
		text = text ", beside " many(substr(cell(i, "pattern"), 11), "slow reader")
	if (cell(i, "work") !~ /^(none)?$/)
		text = text ", work " cell(i, "work")
	if (cell(i, "service") == "http")
		text = text ", HTTP"
	return toupper(substr(text, 1, 1)) substr(text, 2)
}
