#!/bin/sh
# Everything, from a fresh machine to a report: install, build, check, measure, draw.
#
#   ./run_all.sh                        every model, in about two minutes
#   ./run_all.sh --plan standard        what a report is made of, about 20 minutes
#   ./run_all.sh --models epoll,mine=./a.out
#   ./run_all.sh --out results/monday   (default: a new folder; none is overwritten)
#   ./run_all.sh --yes                  install without asking
#
# Whatever else is given goes to bin/matrix run: bin/matrix --help has it.
# NO_INSTALL=1 forbids to install; NO_COLOR=1 switches colour off.
set -eu
cd "$(dirname "$0")"

# Each step is said before it runs.
bold="" plain=""
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ] && [ "${TERM:-dumb}" != dumb ]; then
	bold=$(printf '\033[1m') plain=$(printf '\033[0m')
fi
say() {
	printf '\n%s== %s%s\n' "$bold" "$*" "$plain"
}

help() {
	sed -n '2,/^set -eu/s/^# \{0,1\}//p' "$0"
	exit 0
}

# The plan is quick unless another is given, the folder a new one; the rest is passed
# on as it is.
plan=quick out="" before=""
for argument; do
	case $before in
	--plan) plan=$argument ;;
	--out) out=$argument ;;
	esac
	before=$argument
	case $argument in
	-h | --help) help ;;
	--plan=*) plan=${argument#*=} ;;
	--out=*) out=${argument#*=} ;;
	-y | --yes) YES=1 && export YES ;;
	esac
done
case " $* " in
*" --plan"*) ;;
*) set -- --plan "$plan" "$@" ;;
esac
if [ -z "$out" ]; then
	name=${plan##*/}
	out=results/$(date -u +%Y-%m-%dT%H%M%S)-${name%.plan}
	set -- "$@" --out "$out"
fi
n=$#
while [ "$n" -gt 0 ]; do
	case $1 in
	-y | --yes) ;;
	*) set -- "$@" "$1" ;;
	esac
	shift
	n=$((n - 1))
done

say "1/5  what is missing is installed (harness/setup/packages.txt)"
harness/setup/install build check plots && echo "nothing else is missing"

say "2/5  the programs are built, into bin/"
make -j"$(nproc)" all
# A mistyped plan or model is better known now than after the checks.
bin/matrix run "$@" --dry-run >/dev/null
if [ -e "$out" ]; then
	echo "$0: $out is there already; choose another --out, or go on with it:" >&2
	echo "    bin/matrix resume $out" >&2
	exit 2
fi

say "3/5  every server is checked: does it answer right? (make smoke)"
make smoke

say "4/5  what is to be measured, and what came of it (bin/matrix run $*)"
bin/matrix doctor || echo "(what FAILs cannot be measured here; the rest can)"
echo
status=0
bin/matrix run "$@" || status=$?
case $status in
2 | 130) exit "$status" ;;
esac

# A drawing that fails takes nothing away from the results.
say "5/5  charts and report are drawn (plots/draw, plots/report.py)"
plots/draw "$out" || echo "the charts could not be drawn; later: plots/draw $out" >&2
plots/report.py "$out" ||
	echo "the report could not be made; later: plots/report.py $out" >&2
if [ -e "$out/report.html" ]; then
	printf '\nReport: %s/%s/report.html\n' "$PWD" "$out"
fi
exit "$status"
