# SPDX-License-Identifier: MIT
# lines.gp - a metric against connections, offered load or idle clients: a line for each model
#
# Missing values are hatched in a strip below, each with a letter for the reason.

format = ARG1; work = ARG2; output = ARG3
load work.'/page.gp'
panel_height = values > 0 ? 300 : 20
panel_gap = 56
strip_row = 20
below = absent_rows > 0 ? strip_row * absent_rows + 12 : 0
load 'common.gp'

plot_left = 110
plot_right = 736
set style textbox opaque fillcolor rgb paper noborder margins 0.4, 0.2

do for [p = 1:panels] {
	lines = sprintf('%s/lines%d', work, p)
	names = sprintf('%s/names%d', work, p)
	lost = sprintf('%s/lost%d', work, p)

	set lmargin at screen right(plot_left); set rmargin at screen right(plot_right)
	set tmargin at screen down(top[p]); set bmargin at screen down(top[p] + panel_height)
	set logscale x
	if (scale[p] eq 'log') { set logscale y } else { unset logscale y }
	set xrange [first:last]; set yrange [from[p]:to[p]]
	load work.'/places'
	load sprintf('%s/tics%d', work, p)
	set xlabel places_words offset 0, 0.4 font small textcolor rgb ink
	set border 1 lc rgb soft

	# Lines, bars and points: hollow if not sustained in some blocks, at the upper edge
	# if in none; names of lines that end before the edge
	plot for [m = 1:models] lines index m - 1 using 1:2 with lines ls m lw 2, \
	     for [m = 1:models] lines index m - 1 using 1:2:3:4 with yerrorbars \
		lc rgb color[m] lt 1 lw 1 pt 0, \
	     for [m = 1:models] lines index m - 1 using 1:2 with points @solid, \
	     for [m = 1:models] lines index m - 1 using 1:($5 == 1 ? $2 : NaN) with points @hollow, \
	     for [m = 1:models] lost using 1:($2 == m ? to[p] : NaN) with points @solid, \
	     for [m = 1:models] lost using 1:($2 == m ? to[p] : NaN) with points @hollow, \
	     sprintf('%s/right%d', work, p) using 1:2:3 with labels left offset 1, 0 boxed \
		font small textcolor rgb ink, \
	     sprintf('%s/left%d', work, p) using 1:2:3 with labels right offset -1, 0 boxed \
		font small textcolor rgb ink

	# Names of the other lines, each with its marker, at the height of its end
	set lmargin at screen right(plot_right); set rmargin at screen right(width)
	unset logscale; unset xlabel; unset tics; set border 0
	set xrange [0:width - plot_right]; set yrange [0:1]
	plot NaN, for [m = 1:models] names using (24):($2 == m ? $1 : NaN) with points @solid, \
	     names using (34):1:3 with labels left font small textcolor rgb ink
}

if (absent_rows > 0) {
	strip_top = top[panels] + panel_height + panel_gap
	set lmargin at screen right(plot_left); set rmargin at screen right(plot_right)
	set tmargin at screen down(strip_top)
	set bmargin at screen down(strip_top + strip_row * absent_rows)
	set logscale x
	set xrange [first:last]; set yrange [absent_rows + 0.5:0.5]
	set border 0
	set label 1 'missing: reasons below' at screen right(plot_right + 16), down(strip_top + 9) \
		font small textcolor rgb soft
	load work.'/absent_names'
	set style fill pattern 5 border lc rgb soft
	plot work.'/absent' using 1:2:($1 / half_box):($1 * half_box):($2 - 0.4):($2 + 0.4) \
		with boxxyerror lc rgb soft lw 1, \
	     work.'/absent' using 1:2:3 with labels font small textcolor rgb ink
}
unset multiplot
