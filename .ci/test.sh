#!/usr/bin/env bash
# The whole suite, after make build: test.sh [race]. Nothing is skipped because it is missing.
set -euo pipefail
cd "$(dirname "$0")/.."

# Fyne's packages keep their own goroutines and C code: the race detector is for the rest.
fyne='^goldpan/app(/ui(/.*)?)?$'
all=$(go list ./...)
mapfile -t rest < <(grep -vE "$fyne" <<<"$all")
mapfile -t window < <(grep -E "$fyne" <<<"$all")

failed=0
CGO_ENABLED=1 go test -race -timeout 20m "${rest[@]}" || failed=1
go test -timeout 10m ./.ci/secrets || failed=1
if [ "${1:-}" != race ] && [ ${#window[@]} -gt 0 ]; then
	go test -timeout 20m "${window[@]}" || failed=1
fi
exit $failed
