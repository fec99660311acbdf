#!/usr/bin/env bash
# Builds one part: build.sh page|cli|desktop. Says how far it is.
set -euo pipefail
cd "$(dirname "$0")/.."
mkdir -p bin

say() { printf 'goldpan: %s\n' "$*" >&2; }

# progress WHAT: counts the packages that "go build -v" names, and passes on the rest.
progress() {
	local tty=no
	[ -t 2 ] && tty=yes
	awk -v what="$1" -v tty="$tty" '
		/^go: downloading/ { note("fetching " $3); next }
		/^#/ || / / || /:[0-9]+:/ { clear(); print > "/dev/stderr"; next }
		{ n++; note(n " packages compiled") }
		function note(text) {
			if (tty == "yes") { printf "\r\033[Kgoldpan: %s: %s", what, text > "/dev/stderr"; shown = 1 }
			else if (n % 100 == 0 && n != last) { printf "goldpan: %s: %s\n", what, text > "/dev/stderr"; last = n }
			fflush("/dev/stderr")
		}
		function clear() { if (shown) { printf "\r\033[K" > "/dev/stderr"; shown = 0 } }
		END { clear() }'
}

# compile WHAT ARGS…: go build with progress.
compile() {
	local what=$1 start=$SECONDS
	shift
	go build -v "$@" 2>&1 | progress "$what"
	say "$what ready ($((SECONDS - start)) s)"
}

case ${1:-} in
page)
	.ci/setup.sh cli
	say "building the page"
	go run ./wasm/web/build
	;;
cli)
	.ci/setup.sh cli
	CGO_ENABLED=0 compile "bin/goldpan" -ldflags "-s -w" -o bin/goldpan ./app/cli
	;;
desktop)
	.ci/setup.sh desktop
	say "building the window; the first time this takes some minutes"
	CGO_ENABLED=1 compile "bin/goldpan-desktop" -ldflags "-s -w" -o bin/goldpan-desktop ./app
	;;
*)
	say "usage: build.sh page|cli|desktop"
	exit 2
	;;
esac
