#!/usr/bin/env bash
# The page's hash rates in Chromium beside other libraries, and alone in Firefox and WebKit; one JSON line an algorithm
# and peer on stdout: bench-web.sh [chromium|firefox|webkit]. The libraries are pinned in wasm/web/bench/package.json.
set -euo pipefail
cd "$(dirname "$0")/.."
say() { printf 'goldpan: %s\n' "$*" >&2; }

room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
say "fetching what to compare with"
cp wasm/web/bench/package.json "$room/"
(cd "$room" && npm install --no-package-lock --no-audit --no-fund --ignore-scripts --silent >&2)
go run ./wasm/web/build
go run ./wasm/web/bench -peers "$room/node_modules" -browser "${1:-}"
