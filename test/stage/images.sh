#!/usr/bin/env bash
# Writes the demo's images as archives into a directory: images.sh DIRECTORY
set -euo pipefail
out=$1
root=$(cd "$(dirname "$0")/../.." && pwd)
build=${BUILD:-$root/.build}
mkimage=$build/localkube/bin/mkimage

# image NAME ARGUMENTS…: archive NAME.tar holds local/NAME:1
image() {
  local name=$1
  shift
  "$mkimage" -o "$out/$name.tar" -t "local/$name:1" "$@"
}

# at_most NAME MEGABYTES: says what archive NAME.tar takes compressed, as a registry keeps it, and fails when that is more
at_most() {
  local bytes
  bytes=$(gzip -9 <"$out/$1.tar" | wc -c)
  awk -v name="$1" -v bytes="$bytes" -v most="$2" 'BEGIN {
    printf "image %s: %.1f MB compressed, at most %d MB wanted\n", name, bytes / 1e6, most
    exit bytes > most * 1e6
  }'
}

certificates=()
if [ -e /etc/ssl/certs/ca-certificates.crt ]; then
  certificates=(-file /etc/ssl/certs/ca-certificates.crt:/etc/ssl/certs/ca-certificates.crt)
fi

image sluice-controller "${certificates[@]}" "$root/bin/sluice-controller"
image sluice-load "${certificates[@]}" -alias run=sluice-load -alias artillery=sluice-load \
  -file "$root/examples/seed/benchmark.yaml:/scripts/benchmark.yaml" "$root/bin/sluice-load"
at_most sluice-load 15
# The same with a script of seconds, for the end-to-end tests: nothing but the image of a Job must change for it.
image sluice-load-brief "${certificates[@]}" -alias run=sluice-load -alias artillery=sluice-load \
  -file "$root/test/e2e/testdata/benchmark.yaml:/scripts/benchmark.yaml" "$root/bin/sluice-load"
image shop "$build/bin/shop"
image amp "$build/bin/amp"

# Debian's Prometheus is linked to the C library: its loader and libraries go along.
prometheus=$("$build/bin/prom" -build-dir "$build" -find)
libraries=()
while read -r file; do
  libraries+=(-file "$(readlink -f "$file"):$file")
done < <(ldd "$prometheus" | grep -o '/[^ ]*')
image prometheus "${libraries[@]}" "$prometheus"
