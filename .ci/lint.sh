#!/usr/bin/env bash
# Formatting, vet, golangci-lint, secrets. Goes through all of them before it fails.
set -euo pipefail
cd "$(dirname "$0")/.."
failed=0

unformatted=$(git ls-files -co --exclude-standard '*.go' | while read -r f; do [ -e "$f" ] && printf '%s\n' "$f"; done | xargs gofmt -l)
if [ -n "$unformatted" ]; then
	printf 'goldpan: not formatted (run gofmt -w):\n%s\n' "$unformatted" >&2
	failed=1
fi

# Wildcards pass over .ci, so its programs are named.
go vet ./... ./.ci/secrets ./assets/_gen || failed=1
go run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.6.0 run --timeout 20m ./... ./.ci/secrets ./assets/_gen || failed=1
go run ./.ci/secrets || failed=1
exit $failed
