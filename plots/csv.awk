# SPDX-License-Identifier: MIT
# csv.awk - reads CSV as RFC 4180 has it, and keeps what is wrong with it apart

# Says what is wrong with the input; all else is still drawn.
function complain(text)
{
	print "plots/draw: " text > "/dev/stderr"
	complaints++
}

# The fields of a record, in field[1] and on; 0: a quote is out of place
function split_record(text, field,    n, at, value, more)
{
	do {
		n++
		value = ""
		if (substr(text, 1, 1) == "\"") {
			text = substr(text, 2)
			while ((at = index(text, "\"")) && substr(text, at + 1, 1) == "\"") {
				value = value substr(text, 1, at)
				text = substr(text, at + 2)
			}
			if (!at)
				return 0
			value = value substr(text, 1, at - 1)
			text = substr(text, at + 1)
			more = text != ""
			if (more && substr(text, 1, 1) != ",")
				return 0
			text = substr(text, 2)
		} else {
			at = index(text, ",")
			more = at > 0
			value = more ? substr(text, 1, at - 1) : text
			text = more ? substr(text, at + 1) : ""
		}
		gsub(/[\n\r\t]+/, " ", value)
		gsub(/[^ -~]/, "?", value)
		field[n] = value
	} while (more)
	return n
}

# All lines of a file
function read_lines(file,    text)
{
	while ((getline text < file) > 0) {
		sub(/\r$/, "", text)
		lines[file, ++lines_of[file]] = text
	}
	close(file)
}

# The next record, which a quoted line break does not end: how many fields; -1: it is
# broken, and what follows it is not; 0: there is none. It began at line_of[file].
function next_record(file, field,    text, at, n)
{
	do {
		if (++next_line[file] > lines_of[file])
			return 0
		text = lines[file, next_line[file]]
	} while (text == "" || text ~ /^#/)
	at = line_of[file] = next_line[file]
	while (gsub(/"/, "\"", text) % 2 && at < lines_of[file])
		text = text "\n" lines[file, ++at]
	n = split_record(text, field)
	if (n)
		next_line[file] = at
	return n ? n : -1
}

# A whole file: table[name, row, column], and how many rows. `needed`: the columns
# without which nothing can be done; a row that is not like the header is left out.
function read_csv(file, name, needed,    head, field, column, columns, n, i, rows)
{
	read_lines(file)
	columns = next_record(file, head)
	if (columns <= 0)
		return columns
	for (i = 1; i <= columns; i++)
		has_column[name, head[i]] = 1
	n = split(needed, column, " ")
	for (i = 1; i <= n; i++)
		if (!((name, column[i]) in has_column)) {
			complain(file ": it has no column '" column[i] "'")
			return -1
		}
	while ((n = next_record(file, field)) != 0) {
		if (n != columns) {
			complain(file ": line " line_of[file] " is " \
				 (n < 0 ? "cut off or broken" : n " fields and not " columns) \
				 ": left out")
			continue
		}
		rows++
		for (i = 1; i <= columns; i++)
			table[name, rows, head[i]] = field[i]
		table[name, rows, "line"] = line_of[file]
	}
	return rows + 0
}

function is_number(text)
{
	return text ~ /^-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?$/ && text + 0 < 1e300
}
