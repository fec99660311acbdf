#!/usr/bin/env bash
# The whole suite, after make build: test.sh [race]. Nothing is skipped because it is missing.
set -euo pipefail
cd "$(dirname "$0")/.."

# Fyne's packages keep their own goroutines and C code: the race detector is for the rest.
fyne='^goldpan/app(/ui(/.*)?)?$'
all=$(go list ./...)
# Those that wait longest begin first, so that nothing else waits for them at the end.
long='^goldpan/(wasm/web|app/cli|wallet)$'
mapfile -t rest < <(grep -E "$long" <<<"$all"; grep -vE "$fyne|$long" <<<"$all")
mapfile -t window < <(grep -E "$fyne" <<<"$all")

failed=0
CGO_ENABLED=1 go test -race -timeout 30m "${rest[@]}" || failed=1
go test -timeout 10m ./.ci/secrets || failed=1
if [ "${1:-}" != race ] && [ ${#window[@]} -gt 0 ]; then
	go test -timeout 20m "${window[@]}" || failed=1
fi

# Without assembly the same tests hold.
go test -tags purego ./core/hasher/... ./core/engine || failed=1

# The kernels for ARM are tested on an emulated one; what they log is how many cases ran.
if [ "${1:-}" != race ]; then
	for tags in '' purego; do
		GOARCH=arm64 CGO_ENABLED=0 go test -v -count=1 -timeout 15m -tags "$tags" -exec qemu-aarch64-static ./core/hasher |
			{ grep -vE '^ *(=== |--- PASS|PASS$)' || true; } || failed=1
	done
fi
exit $failed
