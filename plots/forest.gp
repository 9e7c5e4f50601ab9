# SPDX-License-Identifier: MIT
# forest.gp - ratios to the reference model: a panel for each setting, a row for each model, a
# column for each metric
#
# forest.awk wrote all places on the axes in pixels.

format = ARG1; work = ARG2; output = ARG3
load work.'/page.gp'
axis_font = 'bold_small'
axis_color = ink
tall(p) = 22 * rows[p] + 20
panel_gap = 44
below = 0
names_room = 77
load 'common.gp'

first_column = 100 + wider
column_width = 400
set style textbox opaque fillcolor rgb paper noborder margins 1, 0.3

do for [p = 1:panels] {
	do for [k = 1:2] {
		data = sprintf('%s/rows%d_%d', work, p, k)
		says = sprintf('%s/words%d_%d', work, p, k)
		n = 2 * (p - 1) + k
		at = first_column + (k - 1) * column_width

		if (title[n] eq '') { continue }
		set lmargin at screen right(at); set rmargin at screen right(at + column_width)
		set tmargin at screen down(top[p] + 20); set bmargin at screen down(top[p] + tall(p))
		set xrange [0:column_width]; set yrange [rows[p] + 0.5:0.5]
		load sprintf('%s/tics%d_%d', work, p, k)
		if (k == 1) { load sprintf('%s/models%d', work, p) } else { unset ytics }
		unset grid
		set grid xtics lt 1 lw 1 lc rgb grid
		set label 1 title[n] at screen right(at), down(top[p] + 8) font small textcolor rgb soft
		set object 1 rectangle from near[n], graph 0 to far[n], graph 1 \
			fc rgb absent fs solid noborder behind

		plot data every ::0::0 using (one[n]):(0.5):(0):(rows[p]) with vectors nohead lc rgb ink lw 1, \
		     data using 3:1:($4 - $3):(0) with vectors nohead lc rgb soft lw 2.5, \
		     data using 3:1:($8 < 0 ? $8 : NaN):(0) with vectors head filled size 7, 20 fixed lc rgb soft lw 2.5, \
		     data using 4:1:($9 > 0 ? $9 : NaN):(0) with vectors head filled size 7, 20 fixed lc rgb soft lw 2.5, \
		     data using 3:($5 == 0 ? $1 - 0.2 : NaN):(0):(0.4) with vectors nohead lc rgb soft lw 2.5, \
		     data using 4:($5 == 0 ? $1 - 0.2 : NaN):(0):(0.4) with vectors nohead lc rgb soft lw 2.5, \
		     for [m = 1:models] data using ($5 == m ? $2 : NaN):1 with points @solid, \
		     for [m = 1:models] data using ($5 == m && $6 == 0 ? $2 : NaN):1 with points @hollow, \
		     data using (plot_width + 10):1:7 with labels left font small textcolor rgb ink, \
		     says using (8):1:2 with labels left boxed font small textcolor rgb soft
	}
}
unset multiplot
