#!/bin/sh
# Makes the pictures of docs/screenshots anew: the real pages on a filled store, in Chromium, in both themes and at the
# width of a phone. It changes nothing else.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
found=
for browser in chromium chromium-browser google-chrome google-chrome-stable; do
	command -v $browser >/dev/null && found=$browser && break
done
[ -n "$found" ] || { echo "screenshots: no Chromium found. On Debian: apt-get install chromium" >&2; exit 1; }
cd "$root"
EXHIBIT_SCREENSHOTS="$root/docs/screenshots" go test ./internal/web -count=1 -run '^TestScreenshots$'
ls -l docs/screenshots
