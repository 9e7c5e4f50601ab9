#!/bin/sh
# run_all.sh: install, build, check, measure and draw, on a fresh machine too
#
#   ./run_all.sh                        every model, in less than four minutes
#   ./run_all.sh --plan standard        more settings, narrower intervals: 25 minutes
#   ./run_all.sh --models epoll,mine=./a.out
#   ./run_all.sh --out results/monday   (default: a new folder; never overwrites one)
#   ./run_all.sh --yes                  install without asking
#
# Other options go to bin/matrix run; bin/matrix --help lists them.
# NO_INSTALL=1 forbids installing packages; NO_COLOR=1 switches color off.
set -eu
top=$(cd "$(dirname "$0")" && pwd)

usage() {
	echo "run_all.sh: $1 (run_all.sh --help has examples)" >&2
	exit 2
}

# --plan and --out are parsed here, as they have defaults. Paths are relative to the
# caller's folder, so this script does not change it.
plan=quick
out=none
n=$#
while [ "$n" -gt 0 ]; do
	argument=$1
	shift
	n=$((n - 1))
	case $argument in
	--plan | --out)
		[ "$n" -gt 0 ] || usage "$argument needs a value"
		argument=$argument=$1
		shift
		n=$((n - 1))
		;;
	esac
	case $argument in
	-h | --help)
		sed -n '2,/^set -eu/s/^# \{0,1\}//p' "$0"
		exit 0
		;;
	-y | --yes) YES=1 && export YES ;;
	--plan=*) plan=${argument#*=} ;;
	--out=*) out=${argument#*=} ;;
	*) set -- "$@" "$argument" ;;
	esac
done
[ -n "$plan" ] || usage "--plan needs a value"
[ -n "$out" ] || usage "--out needs a value"
if [ "$out" = none ]; then
	name=${plan##*/}
	out=$top/results/$(date -u +%Y-%m-%dT%H%M%S)-${name%.plan}
fi
if [ -e "$out" ]; then
	echo "run_all.sh: $out exists; choose another --out, or continue that run:" >&2
	echo "    $top/bin/matrix resume $out" >&2
	exit 2
fi
set -- --plan "$plan" --out "$out" "$@"

bold="" plain=""
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ] && [ "${TERM:-dumb}" != dumb ]; then
	bold=$(printf '\033[1m') plain=$(printf '\033[0m')
fi
say() {
	printf '\n%s== %s%s\n' "$bold" "$*" "$plain"
}

say "1/5  install missing packages (harness/packages/packages.txt)"
"$top/harness/packages/install" build check plots && echo "all packages are installed"

say "2/5  build the programs into bin/"
make -C "$top" --no-print-directory -j"$(nproc)" all
# Reports a wrong plan or model before the checks.
"$top/bin/matrix" run "$@" --dry-run >/dev/null

say "3/5  check that every server replies correctly (make smoke)"
make -C "$top" --no-print-directory smoke

say "4/5  measure (bin/matrix run $*)"
"$top/bin/matrix" doctor || echo "(what FAILs cannot be measured here; the rest is)"
echo
status=0
"$top/bin/matrix" run "$@" || status=$?
case $status in
2 | 130) exit "$status" ;;
esac

# The results are complete even if drawing fails.
say "5/5  make tables, charts and report page (bin/matrix report $out)"
"$top/bin/matrix" report "$out" || true
exit "$status"
