#!/usr/bin/env bash
# The page's hash rates in Chromium. The comparison with other libraries comes with the SIMD kernel.
set -euo pipefail
cd "$(dirname "$0")/.."
echo 'goldpan: the page still runs the generic kernel, so there is nothing to compare yet' >&2
exit 1
