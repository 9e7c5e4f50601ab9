#!/bin/sh
# Everything, from a fresh machine to a table: install, build, check, measure.
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

# The plan is quick unless another is given; the rest is passed on as it is.
plan=quick
for argument; do
	case $argument in
	-h | --help) help ;;
	--plan | --plan=*) plan= ;;
	-y | --yes) YES=1 && export YES ;;
	esac
done
n=$#
while [ "$n" -gt 0 ]; do
	case $1 in
	-y | --yes) ;;
	*) set -- "$@" "$1" ;;
	esac
	shift
	n=$((n - 1))
done
[ -z "$plan" ] || set -- --plan "$plan" "$@"

say "1/4  what is missing is installed (harness/setup/packages.txt)"
harness/setup/install build check && echo "nothing else is missing"

say "2/4  the programs are built, into bin/"
make -j"$(nproc)" all
# A mistyped plan or model is better known now than after the checks.
bin/matrix run "$@" --dry-run >/dev/null

say "3/4  every server is checked: does it answer right? (make smoke)"
make smoke

say "4/4  what is to be measured, and what came of it (bin/matrix run $*)"
bin/matrix doctor || echo "(what FAILs cannot be measured here; the rest can)"
echo
exec bin/matrix run "$@"
