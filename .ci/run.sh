#!/usr/bin/env bash
# The main job: with a display the window, without one practice in the terminal.
set -euo pipefail
cd "$(dirname "$0")/.."

case $(uname -s) in
Linux | *BSD) display=${WAYLAND_DISPLAY:-}${DISPLAY:-} ;;
*) display=yes ;;
esac

if [ -n "$display" ]; then
	.ci/build.sh page
	.ci/build.sh desktop
	exec bin/goldpan-desktop
fi
# No display: the window is not built. The page is, if it was before.
.ci/build.sh cli
printf 'goldpan: mining practice coins, worth nothing; Ctrl-C ends it\n' >&2
exec bin/goldpan practice
