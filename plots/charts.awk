# SPDX-License-Identifier: MIT
# charts.awk - turns the tables of a run into gnuplot's input
#
# plots/draw runs it with csv.awk, text.awk, run.awk and forms.awk. It makes each chart of
# charts.csv for each family of cells (run.awk) and writes
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

BEGIN {
	CONVFMT = OFMT = "%.9g"
	run = ENVIRON["RUN"]
	out = ENVIRON["OUT"]
	work = ENVIRON["WORK"]
	plots = ENVIRON["PLOTS"]

	read_style()
	charts = read_csv(plots "/charts.csv", "charts", "chart finding metric loops")
	read_cells()
	read_calls()
	findings = read_csv(run "/findings.csv", "findings", "chart title")
	for (c = 1; c <= charts; c += panels)
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
	if (!best)
		print "none", chart(c, "chart")
	for (f = 1; f <= families; f++)
		if (is_of_chart(family[f], c))
			draw_chart(c, family[f], f == best)
}

# Whether a family has a value, or a cell without a result, for this chart
function is_of_chart(f, c,    k, m, i)
{
	if (!index(" " chart(c, "loops") " ", " " cell(first_of[f], "loop") " "))
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
	name = chart(c, "chart") "-" f
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
	name = chart_name(c, f, is_best)
	folder = work "/" name
	page = folder "/page.gp"
	make_folder(folder)
	fewest = most = n_notes = reasons = seen_interval = seen_range = 0
	seen_oversubscribed = seen_unsure = seen_hollow = seen_cut = 0
	write_table(c, f)
	begin_page(f)
	for (p = 1; p <= panels; p++) {
		scan_panel(f, c + p - 1)
		if (form == "lines")
			write_lines(f, c + p - 1, p)
		else if (form == "rows")
			write_rows(f, c + p - 1, p)
		else
			write_calls(f, c + p - 1, p)
		write_panel(f, c + p - 1, p, form == "lines" ? "y" : "x")
	}
	if (form == "lines")
		write_absent(c, f)
	end_page(c, f, form)
	print form, name
}

# Writes the numbers of a chart: all its cells, also those without a result
function write_table(c, f,    p, k, m, i, metric, to)
{
	to = out "/" name ".tsv"
	print "measure\tmodel\t" axis_of(first_of[f]) \
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
	seen_interval += spread == "interval"
	seen_range += spread == "range"
	if (cell(i, "model") == "baseline")
		return
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

# The finding of this chart for a setting of this family: the run's own choice, else the last
# significant one, else the last
function finding_for(f, c, is_best,    chosen, k, m, i, title, best, none)
{
	none = "no .*(claim|difference)|not significant"
	for (i = 1; i <= findings; i++) {
		if (table["findings", i, "chart"] == chart(c, "finding"))
			chosen = table["findings", i, "title"]
		title_of[table["findings", i, "chart"]] = table["findings", i, "title"]
	}
	for (k = 1; k <= places[f]; k++) {
		for (m = 1; !(i = cell_at[f, place[f, k], model_of[f, m]]); m++)
			;
		title = title_of[chart(c, "finding") "/" setting_key(i, "")]
		if (title == "")
			continue
		if (title == chosen)
			return title
		if (best == "" || best ~ none || title !~ none)
			best = title
	}
	return best == "" && is_best ? chosen : best
}

function axis_words(f, c,    words)
{
	words = chart(c, "axis")
	if (metric_of(f, c) != chart(c, "metric"))
		sub(/response time/, "service time", words)
	return words
}

function write_panel(f, c, p, side,    title)
{
	title = chart(c, "finding") == "" || !has_values ? "" : finding_for(f, c, name == chart(c, "chart"))
	# µs as on the axis, and no line break between a number and its unit
	while (match(title, /[0-9] us/))
		title = substr(title, 1, RSTART + 1) "µs" substr(title, RSTART + 4)
	while (match(title, /[0-9] ([nm]?s|µs|[KM]?i?B|%)([ ,)]|$)/))
		title = substr(title, 1, RSTART) "\302\240" substr(title, RSTART + 2)
	if (p == 1)
		page_title = title == "" ? axis_words(f, c) : title
	title = balanced(title, 86)
	print "heading[" p "] = " quoted(title) > page
	print "heading_lines[" p "] = " (title == "" ? 0 : wrapped) > page
	print "axis[" p "] = " quoted(axis_words(f, c) (has_values ? "" : ": nothing could be measured") \
		(chart(c, "better") ~ /^more/ ? "  ↑ " : "  ↓ ") chart(c, "better")) > page
	print "values = " (p > 1 ? "values + " : "") has_values > page
	print "scale[" p "] = '" scale "'" > page
	printf "from[%d] = %.10g; to[%d] = %.10g\n", p, from, p, to_end > page
	write_tics("tics" p, side, !has_values ? "" : scale == "log" ? \
		log_ticks(from, to_end, unit) : linear_ticks(to_end, unit, 5))
}

# ----------------------------------------------------------------------- the page

function begin_page(f,    m, model, dash)
{
	print "# " name ", for gnuplot" > page
	print "panels = " panels > page
	print "array heading[panels]; array heading_lines[panels]; array axis[panels]" > page
	print "array scale[panels]; array from[panels]; array to[panels]" > page
	print "models = " models[f] > page
	print "array marker[models]; array color[models]" > page
	for (m = 1; m <= models[f]; m++) {
		model = look[model_of[f, m]]
		dash = style(model, "dash")
		gsub(/ +/, ",", dash)
		printf "set style line %d lc rgb '%s' dt %s\n", m, style(model, "color"), \
			dash ~ /^[0-9.]+(,[0-9.]+)+$/ ? "(" dash ")" : "solid" > page
		printf "marker[%d] = %d; color[%d] = '%s'\n", m, style(model, "marker"), m, \
			style(model, "color") > page
	}
	for (m in style_row)
		if (m ~ /^page/)
			print substr(m, 6) " = '" style(style_row[m], "color") "'" > page
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

function end_page(c, f, form,    text)
{
	if (seen_cut)
		add_note("→", "this bar is cut; its pieces are in proportion")
	if (seen_hollow)
		add_note("○", "hollow: the offered load was not sustained in some blocks. At the upper " \
			"edge: in none, so there is no response time; it would grow with the " \
			"length of the run")
	if (seen_oversubscribed)
		add_note("*", "oversubscribed: the server busy-polls on the generator's CPU; drawn, " \
			"but not compared")
	if (seen_unsure)
		add_note("?", "some values are uncertain: fewer than 100 requests are beyond the " \
			"percentile (see " name ".tsv)")
	write_notes()
	text = chart(c, "read")
	if (form == "lines" && chart(c, "along") != "")
		text = text " " chart(c, "along")
	text = wrap(text, 138, 4)
	print "reading = " quoted(text) > page
	print "reading_lines = " (text == "" ? 0 : wrapped) > page
	text = wrap(caption(c, f), 138, 4)
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
	print "<desc>" as_xml(chart(c, "axis") ". " text " The numbers are in " name ".tsv.") \
		"</desc>" > to
	close(to)
}

# The caption: setting, number of blocks, spread, machine
function caption(c, f,    text)
{
	text = setting_words(first_of[f]) ". "
	if (chart(c, "chart") == "calls")
		text = text "Counted once for each cell. "
	else if (most == 1)
		text = text "One repetition each, without spread. "
	else if (most)
		text = text "Medians of " (fewest == most ? "" : fewest " to ") most " blocks. "
	if (seen_interval)
		text = text "Bars: 95 % interval of the median" \
		       (seen_range ? "; below 6 blocks the range. " : ". ")
	else if (seen_range)
		text = text "Bars: range (below 6 blocks there is no interval). "
	if ((seen_interval || seen_range) && fewest == 1)
		text = text "No bar: one block. "
	return text ENVIRON["MACHINE"]
}

# setting_heading() of harness/verdict/describe.h
function setting_words(i,    text)
{
	text = cell(i, "loop") == "none" ? "Idle clients" : \
	       cell(i, "loop") == "open" ? "Open loop of " count(cell(i, "connections")) \
	       " connection" plural(cell(i, "connections")) : "Closed loop"
	text = text ", server and clients on " (cell(i, "placement") == "split" ? \
	       "separate cores" : "one core")
	if (cell(i, "loop") == "none")
		return text
	if (cell(i, "idle") > 0)
		text = text ", " count(cell(i, "idle")) " idle client" plural(cell(i, "idle"))
	text = text ", " tick_text(cell(i, "message"), "bytes")
	if (cell(i, "depth") > 1)
		text = text ", " cell(i, "depth") " in flight on each"
	if (cell(i, "pattern") ~ /^burst:/)
		text = text ", in bursts of " substr(cell(i, "pattern"), 7)
	if (cell(i, "pattern") == "connect")
		text = text ", a new connection for each request"
	if (cell(i, "work") !~ /^(none)?$/)
		text = text ", work " cell(i, "work")
	return text
}
