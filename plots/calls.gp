# SPDX-License-Identifier: MIT
# calls.gp - system calls per request: a row for each model, a piece for each call

format = ARG1; work = ARG2; output = ARG3
load work.'/page.gp'
tall(p) = 22 * rows
panel_gap = 36
legend_height = roles > 0 ? 24 : 0
below = legend_height
names_room = 91
load 'common.gp'

plot_left = 116 + wider
plot_right = 880 + wider

set lmargin at screen right(plot_left); set rmargin at screen right(plot_right)
set tmargin at screen down(top[1]); set bmargin at screen down(top[1] + tall(1))
set xrange [0:to[1]]; set yrange [rows + 0.5:0.5]
load work.'/tics1'
load work.'/models'
unset grid
set grid xtics lt 1 lw 1 lc rgb grid
set style textbox opaque fillcolor rgb paper noborder margins 1, 0.4

# The legend, below
do for [i = 1:roles] {
	x = plot_left + role_at[i]
	y = top[1] + tall(1) + panel_gap
	set object i rectangle from screen right(x), down(y) to screen right(x + 14), down(y + 12) \
		fc rgb role_color[i] fs solid noborder
	set label i role[i] at screen right(x + 20), down(y + 6) font small textcolor rgb ink
}

plot work.'/pieces' using 2:1:2:3:($1 - 0.38):($1 + 0.38):4 with boxxyerror \
	fs solid border lc rgb paper lc rgb variable, \
     work.'/pieces' using (($2 + $3) / 2):1:5 with labels font small textcolor rgb ink, \
     work.'/totals' using 2:1:3 with labels left offset 0.6, 0 font small textcolor rgb ink, \
     work.'/words' using (to[1] * 0.01):1:2 with labels left boxed font small textcolor rgb soft, \
     work.'/groups' using (0):1:2 with labels left font bold_small textcolor rgb ink
unset multiplot
