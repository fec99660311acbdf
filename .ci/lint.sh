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
lint=github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.6.0
go run "$lint" run ./... ./.ci/secrets ./assets/_gen || failed=1
# The page's files are seen only as the browser's. The linter itself runs here.
mapfile -t page < <(GOOS=js GOARCH=wasm go list -deps -f '{{if not .Standard}}{{.Dir}}{{end}}' ./wasm | sed -n "s|^$PWD/|./|p")
CGO_ENABLED=0 go run -exec 'env GOOS=js GOARCH=wasm' "$lint" run "${page[@]}" || failed=1
go run ./.ci/secrets || failed=1
exit $failed
