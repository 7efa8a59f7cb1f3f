#!/bin/sh
# Fuzzes every parser of this module, one after the other.
#
#   tools/fuzz.sh [TIME]   TIME for each, 30s unless given
set -eu
cd "$(dirname "$0")/.."
each=${1:-30s}

targets=$(git ls-files -- '*_test.go' ':!:testdata' ':!:test/localkube' ':!:tools' |
	xargs grep -Ho '^func Fuzz[A-Za-z0-9_]*' | sed 's#^\(.*\)/[^/]*_test\.go:func #\1 #' | sort -u)
if [ -z "$targets" ]; then
	echo "there is nothing to fuzz" >&2
	exit 1
fi
echo "$targets" | while read -r dir name; do
	echo "== ./$dir $name"
	go test "./$dir" -run '^$' -fuzz "^$name\$" -fuzztime "$each"
done
