#!/usr/bin/env bash
# Installs what a target needs and this machine lacks: setup.sh cli|desktop|test|bench-web|screens|check|package.
# Debian and its children through apt; elsewhere it says in one line what to install.
# Quick and silent when nothing is missing.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf 'goldpan: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }
has() { command -v "$1" >/dev/null 2>&1; }

# have PACKAGE: is what the Debian package gives here, wherever it came from?
have() {
	case $1 in
	gcc | xdotool | pkg-config | npm) has "$1" ;;
	libc6-dev) [ -e /usr/include/stdio.h ] ;;
	libgl1-mesa-dev) has pkg-config && pkg-config --exists gl ;;
	xorg-dev) has pkg-config && pkg-config --exists x11 xcursor xrandr xinerama xi xxf86vm ;;
	libwayland-dev) has pkg-config && pkg-config --exists wayland-client wayland-cursor wayland-egl ;;
	libxkbcommon-dev) has pkg-config && pkg-config --exists xkbcommon ;;
	ca-certificates) [ -e /etc/ssl/certs/ca-certificates.crt ] || [ -e /etc/pki/tls/certs/ca-bundle.crt ] || [ -e /etc/ssl/cert.pem ] ;;
	chromium) has chromium || has chromium-browser || has google-chrome ;;
	firefox-esr) has firefox-esr || has firefox ;;
	webkit2gtk-driver) has WebKitWebDriver ;;
	xvfb) has Xvfb ;;
	litecoind) has litecoind ;;
	imagemagick) has import ;;
	qemu-user-static) has qemu-aarch64-static ;;
	gnome-keyring) has gnome-keyring-daemon ;;
	dbus-x11) has dbus-launch && has dbus-run-session ;;
	libsecret-tools) has secret-tool ;;
	gcc-mingw-w64-x86-64) has x86_64-w64-mingw32-gcc ;;
	golang-go) has go ;;
	*) dpkg-query -W -f '${Status}' "$1" 2>/dev/null | grep -q 'ok installed' ;;
	esac
}

as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	elif ! has sudo; then
		die "run this as root, then try again: $*"
	elif [ -t 0 ]; then
		sudo "$@"
	else
		sudo -n "$@"
	fi
}

apt_get() {
	as_root env DEBIAN_FRONTEND=noninteractive apt-get -y -q -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300 "$@" >&2
}

# need PACKAGE…: installs those that are not here, with one refresh of apt's lists at most.
need() {
	local missing=() p
	for p in "$@"; do have "$p" || missing+=("$p"); done
	[ ${#missing[@]} -gt 0 ] || return 0
	if ! has apt-get; then
		die "install what Debian calls ${missing[*]}, then try again"
	fi
	say "installing ${missing[*]}"
	local fresh=no
	if ! compgen -G '/var/lib/apt/lists/*_Packages*' >/dev/null; then
		apt_get update
		fresh=yes
	fi
	if ! apt_get install --no-install-recommends "${missing[@]}"; then
		[ "$fresh" = no ] || die "apt could not install ${missing[*]}"
		say "refreshing the package lists"
		apt_get update
		apt_get install --no-install-recommends "${missing[@]}" || die "apt could not install ${missing[*]}"
	fi
}

# Go 1.26. From 1.21 on, Go fetches the release that go.mod asks for by itself.
need_go() {
	if ! has go && has apt-get; then
		local offered
		offered=$(apt-cache policy golang-go 2>/dev/null | sed -n 's/.*Candidate: //p')
		if [ -n "$offered" ] && dpkg --compare-versions "${offered#*:}" ge 1.21; then
			need golang-go
		fi
	fi
	has go || die "Go 1.26 or newer is missing: install it from go.dev, then try again"
	local version
	version=$(go env GOVERSION 2>/dev/null) || die "this Go cannot fetch Go 1.26 by itself: install Go 1.26 or newer, then try again"
	version=${version#go}
	local major=${version%%.*} minor=${version#*.}
	minor=${minor%%[!0-9]*}
	if [ "$major" -lt 1 ] || { [ "$major" -eq 1 ] && [ "$minor" -lt 26 ]; }; then
		die "Go $version is too old: install Go 1.26 or newer, then try again"
	fi
}

window=(gcc libc6-dev pkg-config libgl1-mesa-dev xorg-dev libwayland-dev libxkbcommon-dev)
peers=(chromium firefox-esr webkit2gtk-driver xvfb xdotool imagemagick gnome-keyring dbus-x11 libsecret-tools qemu-user-static litecoind)

need_window() {
	case $(uname -s) in
	Linux) need "${window[@]}" ;;
	Darwin) xcode-select -p >/dev/null 2>&1 || die "the window needs Apple's compiler: run xcode-select --install, then try again" ;;
	*) has gcc || die "the window needs a C compiler: install MSYS2's mingw-w64 gcc, then try again" ;;
	esac
}

[ "$(uname -s)" != Linux ] || need ca-certificates
need_go
case ${1:-} in
cli) ;;
desktop) need_window ;;
test) need_window; need "${peers[@]}" npm ;;
bench-web) need chromium firefox-esr webkit2gtk-driver xvfb npm ;;
screens) need chromium npm fonts-noto-cjk ;;
check) need_window; need gcc-mingw-w64-x86-64 ;;
package) need_window; has xz || need xz-utils ;;
*) die "usage: setup.sh cli|desktop|test|bench-web|screens|check|package" ;;
esac
