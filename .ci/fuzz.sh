#!/usr/bin/env bash
# Runs every fuzz target for a short time: fuzz.sh TIME.
set -euo pipefail
cd "$(dirname "$0")/.."
time=${1:-10s}

found=0
while IFS=: read -r file target; do
	found=$((found + 1))
	printf 'goldpan: %s in %s\n' "$target" "${file%/*}" >&2
	# Left alone, shortening one new input may take longer than the whole run.
	go test -run '^$' -fuzz "^$target\$" -fuzztime "$time" -fuzzminimizetime 10x "./${file%/*}"
done < <(git ls-files -co --exclude-standard '*_test.go' | xargs grep -oE '^func Fuzz[A-Za-z0-9_]*' | sed 's/func //' | sort)
[ $found -gt 0 ] || { echo 'goldpan: no fuzz target was found' >&2; exit 1; }
printf 'goldpan: %d fuzz targets, %s each\n' "$found" "$time" >&2
