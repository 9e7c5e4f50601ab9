# SPDX-License-Identifier: MIT
# csv.awk - reads CSV (RFC 4180) and leaves broken records out

# Reports a problem of the input; the rest is still drawn.
function complain(text)
{
	print "plots/draw: " text > "/dev/stderr"
	complaints++
}

# Splits a record into field[1], ...; returns their number, 0 if a quote is misplaced
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

function is_there(file,    text, any)
{
	any = (getline text < file) > 0
	close(file)
	return any
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

# Reads the next record, which may span lines within quotes. Returns the number of fields;
# -1: the record is broken; 0: end of file. line_of[file] is its first line.
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

# Reads a file into table[name, row, column]; returns the number of rows. `needed` columns
# must exist. A row with another number of fields than the header is left out.
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
			complain(file ": no column '" column[i] "'")
			return -1
		}
	while ((n = next_record(file, field)) != 0) {
		if (n != columns) {
			complain(file ": line " line_of[file] " is " \
				 (n < 0 ? "cut off or broken" : \
				  n " fields instead of " columns) ": left out")
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
