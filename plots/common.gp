# SPDX-License-Identifier: MIT
# common.gp - the page around every chart; loaded by each form
#
# plots/draw calls   gnuplot -c FORM.gp svg WORK OUTPUT   in this folder. plots/charts.awk
# wrote WORK/page.gp, with texts, axes and styles. Lengths are pixels from the upper left
# corner; right(x) and down(y) convert them to gnuplot's screen coordinates.

# Names of models that are longer than the form has room for make the page wider.
wider = 7 * longest > names_room ? 7 * longest - names_room : 0
width = 900 + wider
left = 20 # of all texts
line_height = format eq 'svg' ? 18 : 15 # gnuplot's own
heading_line = format eq 'svg' ? 24 : 20

right(x) = x / (width * 1.0)
down(y) = 1 - y / (height * 1.0)

# A panel has a heading of some lines, the axis title, the plot.
heading_height(p) = heading_line * heading_lines[p] + 26
texts_height = 14 + line_height * (notes_lines + reading_lines + caption_lines) \
	+ 8 * (notes_lines > 0) + 8 * (reading_lines > 0)
mark_height = mark eq '' ? 0 : 30

height = 14 + mark_height + texts_height + below
do for [p = 1:panels] { height = height + heading_height(p) + tall(p) + panel_gap }

set encoding utf8
if (format eq 'svg') {
	set terminal svg size width, height dynamic dashlength 1.6 font 'sans-serif,12' background paper
} else {
	set terminal pngcairo size width, height dashlength 3.2 font 'sans-serif,9' background paper
}
small = format eq 'svg' ? 'sans-serif,12' : 'sans-serif,9'
bold = format eq 'svg' ? 'sans-serif:Bold,16' : 'sans-serif:Bold,12'
set output output
if (!exists('axis_font')) { axis_font = 'small'; axis_color = soft }
bold_small = format eq 'svg' ? 'sans-serif:Bold,12' : 'sans-serif:Bold,9'

set termoption noenhanced
set border 0
set tics nomirror scale 0 textcolor rgb ink font small
set grid lt 1 lw 1 lc rgb grid
set key off

# The marker of model m
size = format eq 'svg' ? 0.85 : 1.1
solid = 'lc rgb color[m] lt 1 lw 2 pt marker[m] ps size'
hollow = 'lc rgb paper lt 1 lw 1 pt marker[m] ps size * 0.5'

set multiplot

# Texts outside the panels are labels of an empty plot.
set lmargin at screen 0; set rmargin at screen 1
set tmargin at screen 1; set bmargin at screen 0
y = 14
if (mark ne '') {
	set object 1 rectangle from screen right(left), down(y) to screen right(width - left), down(y + 22) \
		fc rgb absent fs solid border lc rgb ink
	set label mark at screen right(left + 8), down(y + 11) font small textcolor rgb ink
	y = y + mark_height
}
array top[panels]
do for [p = 1:panels] {
	set label heading[p] at screen right(left), down(y + 9) font bold textcolor rgb ink
	set label axis[p] at screen right(left), down(y + heading_line * heading_lines[p] + 8) font @axis_font textcolor rgb axis_color
	top[p] = y + heading_height(p)
	y = top[p] + tall(p) + panel_gap
}
y = y + below + line_height / 2
if (notes_lines > 0) {
	set label notes at screen right(left), down(y) font small textcolor rgb ink
	y = y + line_height * notes_lines + 8
}
if (reading_lines > 0) {
	set label reading at screen right(left), down(y) font small textcolor rgb ink
	y = y + line_height * reading_lines + 8
}
set label caption at screen right(left), down(y) font small textcolor rgb soft
unset tics
plot [0:1] [0:1] NaN
unset label
unset object
