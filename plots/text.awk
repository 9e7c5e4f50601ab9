# SPDX-License-Identifier: MIT
# text.awk - numbers, axes and sentences

function floor(x)
{
	return x >= 0 || x == int(x) ? int(x) : int(x) - 1
}

function log10(x)
{
	return log(x) / log(10)
}

# Three significant digits: 0.071, 2.02, 12.3, 152
function digits(x,    a)
{
	a = x < 0 ? -x : x
	if (a < 1e-6)
		return "0"
	if (a < 0.001)
		return x > 0 ? "<0.001" : "0"
	if (a < 0.0995)
		return sprintf("%.2g", x)
	return sprintf("%.*f", a < 9.995 ? 2 : a < 99.95 ? 1 : 0, x)
}

# The unit for x; its size in unit_size
function unit_for(x, unit,    a)
{
	a = x < 0 ? -x : x
	a *= 1.0005
	if (unit == "ns") {
		unit_size = a >= 1e9 ? 1e9 : a >= 1e6 ? 1e6 : a >= 1e3 ? 1e3 : 1
		return a >= 1e9 ? " s" : a >= 1e6 ? " ms" : a >= 1e3 ? " µs" : " ns"
	}
	if (unit == "bytes") {
		unit_size = a >= 1048576 ? 1048576 : a >= 1024 ? 1024 : 1
		return a >= 1048576 ? " MiB" : a >= 1024 ? " KiB" : " B"
	}
	unit_size = unit == "share" ? 0.01 : a >= 1e6 ? 1e6 : a >= 1e4 ? 1e3 : 1
	return unit == "share" ? " %" : a >= 1e6 ? " M" : a >= 1e4 ? " k" : ""
}

# "12.3 µs"
function number(x, unit,    name)
{
	name = unit_for(x, unit)
	return digits(x / unit_size) name
}

# "20 µs", "0.5": a tick of an axis
function tick_text(x, unit,    name)
{
	name = unit_for(x, unit)
	return sprintf("%.10g", x / unit_size) name
}

# "4,000"
function count(n,    text)
{
	text = sprintf("%.10g", n)
	if (text !~ /^[0-9]+$/)
		return text
	n = ""
	while (length(text) > 3) {
		n = "," substr(text, length(text) - 2) n
		text = substr(text, 1, length(text) - 3)
	}
	return text n
}

function plural(n)
{
	return n == 1 ? "" : "s"
}

# ---------------------------------------------------------------------- axes

# gnuplot's ticks of a logarithmic axis
function log_ticks(low, high, unit,    text, decade, step, steps, i, x, wide, octave)
{
	wide = log10(high / low)
	if (unit == "bytes") {
		for (x = 1; x < high * 1.0001; x *= 2)
			if (x > low * 0.9999 && octave++ % (wide < 1.2 ? 1 : wide < 3.5 ? 2 : 4) == 0)
				text = add_tick(text, tick_text(x, unit), x)
		return text
	}
	steps = split(wide < 0.7 ? "1 1.5 2 3 4 5 7" : wide < 2.7 ? "1 2 5" : "1", step, " ")
	for (decade = floor(log10(low)); decade <= log10(high); decade++)
		for (i = 1; i <= steps; i++) {
			x = step[i] * 10 ^ decade
			if (x > low * 0.9999 && x < high * 1.0001)
				text = add_tick(text, tick_text(x, unit), x)
		}
	return text
}

# A round step that divides 0..high into about n parts
function step_for(high, n,    size, part)
{
	size = 10 ^ floor(log10(high / n))
	part = high / n / size
	return size * (part <= 1 ? 1 : part <= 2 ? 2 : part <= 5 ? 5 : 10)
}

function linear_ticks(high, unit, n,    text, step, i, scale)
{
	scale = unit == "share" ? 100 : 1
	step = step_for(high * scale, n) / scale
	for (i = 0; i * step <= high * 1.0001; i++)
		text = add_tick(text, tick_text(i * step, unit), i * step)
	return text
}

# ----------------------------------------------------------------- sentences

# Wraps text into lines of at most `width` characters, at most `most` lines; sets wrapped to
# their number
function wrap(text, width, most,    word, n, i, line, lines)
{
	n = split(text, word, " ")
	lines = ""
	wrapped = n > 0
	for (i = 1; i <= n; i++) {
		if (line != "" && length(line) + 1 + length(word[i]) > width) {
			if (wrapped == most)
				return lines cut(line " " word[i], width)
			lines = lines line "\n"
			line = ""
			wrapped++
		}
		line = line (line == "" ? "" : " ") cut(word[i], width)
	}
	return lines line
}

# wrap() with lines of about the same length
function balanced(text, width,    lines, shorter)
{
	lines = wrap(text, width, 4)
	for (shorter = wrapped; wrapped == shorter && width > 20; width--)
		wrap(text, width - 1, 99)
	return wrap(text, width + 1, 4)
}

# A sentence of bin/matrix: µs as on the axes, and no line break before a unit
function typeset(text)
{
	while (match(text, /[0-9] us/))
		text = substr(text, 1, RSTART + 1) "µs" substr(text, RSTART + 4)
	while (match(text, /[0-9] ([nm]?s|µs|[KM]?i?B|%)([ ,)]|$)/))
		text = substr(text, 1, RSTART) "\302\240" substr(text, RSTART + 2)
	return text
}

# Shortens a text to `width` characters
function cut(text, width)
{
	if (length(text) <= width)
		return text
	text = substr(text, 1, width - 1)
	# not within a UTF-8 character
	sub(/[\300-\377][\200-\277]*$/, "", text)
	sub(/[ ,:;]+$/, "", text)
	return text "…"
}

# A gnuplot string without special characters
function quoted(text)
{
	gsub(/'/, "’", text)
	gsub(/\n/, "'.\"\\n\".'", text)
	return "'" text "'"
}

# A quoted field of a gnuplot data file
function word(text)
{
	gsub(/"/, "”", text)
	gsub(/\\/, "&&", text) # doubles each
	return "\"" text "\""
}

# Appends a tick to the list of an axis
function add_tick(list, text, at)
{
	gsub(/%/, "%%", text)
	return list (list == "" ? "" : ", ") quoted(text) sprintf(" %.10g", at)
}

function as_xml(text)
{
	gsub(/&/, "\\&amp;", text)
	gsub(/</, "\\&lt;", text)
	gsub(/>/, "\\&gt;", text)
	gsub(/\n/, " ", text)
	return text
}
