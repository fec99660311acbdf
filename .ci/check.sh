#!/usr/bin/env bash
# Vets every package for every target it is made for, and demands that generate changes nothing.
set -euo pipefail
cd "$(dirname "$0")/.."
failed=0

say() { printf 'goldpan: %s\n' "$*" >&2; }

# vet LABEL TAGS PACKAGES…, with the target in the environment.
vet() {
	local label=$1 tags=$2 start=$SECONDS
	shift 2
	if go vet -tags "$tags" "$@"; then
		say "vet $label${tags:+ $tags}: fine ($((SECONDS - start)) s)"
	else
		say "vet $label${tags:+ $tags}: failed"
		failed=1
	fi
}

# all lists the packages for the target in the environment, without the window's, which
# cannot be listed whole without cgo (-e).
all() {
	go list -e -f '{{if or .GoFiles .TestGoFiles .XTestGoFiles}}{{.ImportPath}}{{end}}' ./... |
		grep -vE '^goldpan/app(/ui(/.*)?)?$'
}

# page lists the program for the browser and what it imports of ours.
page() { go list -deps -f '{{if not .Standard}}{{.ImportPath}}{{end}}' ./wasm | grep '^goldpan/'; }

for tags in '' purego; do
	for target in linux/amd64 linux/arm64 windows/amd64 windows/arm64 darwin/amd64 darwin/arm64; do
		export GOOS=${target%/*} GOARCH=${target#*/} CGO_ENABLED=0
		mapfile -t packages < <(all)
		vet "goldpan $target" "$tags" "${packages[@]}"
	done
	export GOOS=js GOARCH=wasm CGO_ENABLED=0
	mapfile -t packages < <(page)
	vet "page js/wasm" "$tags" "${packages[@]}"
	unset GOOS GOARCH
	export CGO_ENABLED=1
	vet "window linux" "$tags" ./app ./app/ui/...
	# Only vetted, never run: without optimising, the C code takes a fraction of the time.
	CGO_CFLAGS=-O0 GOOS=windows GOARCH=amd64 CC=x86_64-w64-mingw32-gcc vet "window windows/amd64" "$tags" ./app ./app/ui/...
	unset CGO_ENABLED
done

say "generate must change nothing"
sums() { git ls-files -co --exclude-standard -z | xargs -0 sha256sum 2>/dev/null || true; }
before=$(sums)
go generate ./...
after=$(sums)
if [ "$before" != "$after" ]; then
	diff <(printf '%s\n' "$before") <(printf '%s\n' "$after") >&2 || true
	say "generate changed the files above: commit what it writes"
	failed=1
fi
exit $failed
