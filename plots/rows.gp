# SPDX-License-Identifier: MIT
# rows.gp - a metric at a single place: a row for each model, its number beside it
#
# A missing value is a row with the reason in words.

format = ARG1; work = ARG2; output = ARG3
load work.'/page.gp'
tall(p) = 26 * rows
panel_gap = 40
below = 0
names_room = 91
load 'common.gp'

plot_left = 116 + wider
plot_right = 780 + wider

set style textbox opaque fillcolor rgb paper noborder margins 1, 0.4

do for [p = 1:panels] {
	data = sprintf('%s/rows%d', work, p)
	says = sprintf('%s/words%d', work, p)

	set lmargin at screen right(plot_left); set rmargin at screen right(plot_right)
	set tmargin at screen down(top[p]); set bmargin at screen down(top[p] + tall(p))
	if (scale[p] eq 'log') { set logscale x } else { unset logscale x }
	set xrange [from[p]:to[p]]; set yrange [rows + 0.5:0.5]
	load sprintf('%s/tics%d', work, p)
	load work.'/models'
	# The baseline server
	plot data using ($8 == 1 ? $2 : NaN):(0.5):(0):(rows) with vectors nohead \
		lc rgb soft lw 1 dt (3, 4), \
	     data using 2:1:3:4 with xerrorbars lc rgb soft lt 1 lw 1 pt 0, \
	     for [m = 1:models] data using ($5 == m ? $2 : NaN):1 with points @solid, \
	     for [m = 1:models] data using ($5 == m && $7 == 1 ? $2 : NaN):1 with points @hollow, \
	     data using ($10 != 0 ? $9 : NaN):1:10:(0) with vectors head filled size 7, 20 fixed lc rgb soft lw 2, \
	     says using (from[p]):1:2 with labels left offset 1, 0 boxed font small textcolor rgb soft

	# Numbers at the right
	set lmargin at screen right(plot_right); set rmargin at screen right(width)
	unset logscale; unset tics; set xrange [0:1]
	plot data using (0.1):1:6 with labels left font small textcolor rgb ink
}
unset multiplot
