#!/usr/bin/env bash
# Makes the packages in bin/: a tarball of the terminal program, and the window through Fyne's packager.
# The fields come from the Makefile: the packager looks for FyneApp.toml beside the sources only.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD

os=$(go env GOOS) arch=$(go env GOARCH)
name=goldpan-$APP_VERSION-$os-$arch
tar --sort=name --owner=0 --group=0 --numeric-owner --mtime='UTC 2026-01-01' \
	-czf "bin/$name.tar.gz" -C bin goldpan -C .. LICENSE README.md
(
	cd bin
	go run fyne.io/fyne/v2/cmd/fyne@v2.8.1 package --executable goldpan-desktop --src ../app \
		--name "$APP_NAME" --appID "$APP_ID" --appVersion "$APP_VERSION" --appBuild "$APP_BUILD" \
		--icon "$root/$APP_ICON"
)
ls -l bin
