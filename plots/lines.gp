# SPDX-License-Identifier: MIT
# lines.gp - a metric against connections, offered load or idle clients: a line for each model

format = ARG1; work = ARG2; output = ARG3
load work.'/page.gp'
# Room for the names of all lines
tall(p) = values == 0 ? 20 : 17 * (models + 1) > 300 ? 17 * (models + 1) : 300
panel_gap = 56
below = 0
names_room = 125
load 'common.gp'

plot_left = 110
plot_right = 736
set style textbox opaque fillcolor rgb paper noborder margins 0.4, 0.2

do for [p = 1:panels] {
	lines = sprintf('%s/lines%d', work, p)
	names = sprintf('%s/names%d', work, p)
	bounds = sprintf('%s/bounds%d', work, p)

	set lmargin at screen right(plot_left); set rmargin at screen right(plot_right)
	set tmargin at screen down(top[p]); set bmargin at screen down(top[p] + tall(p))
	set logscale x
	if (scale[p] eq 'log') { set logscale y } else { unset logscale y }
	set xrange [first:last]; set yrange [from[p]:to[p]]
	load work.'/places'
	load sprintf('%s/tics%d', work, p)
	set xlabel places_words offset 0, 0.4 font small textcolor rgb ink
	set border 1 lc rgb soft

	# Lines, bars and points, with an arrow if they are bounds; names of lines that end
	# before the edge
	plot for [m = 1:models] lines index m - 1 using 1:2 with lines ls m lw 2, \
	     for [m = 1:models] lines index m - 1 using 1:2:3:4 with yerrorbars \
		lc rgb color[m] lt 1 lw 1 pt 0, \
	     for [m = 1:models] lines index m - 1 using 1:2 with points @solid, \
	     for [m = 1:models] lines index m - 1 using 1:($5 == 1 ? $2 : NaN) with points @hollow, \
	     bounds using 1:2:(0):3 with vectors head filled size 7, 20 fixed lc rgb soft lw 2, \
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

unset multiplot
