#!/bin/sh
# Generates what is derived from the API types: deep copies and CRDs.
#
#   tools/generate.sh           writes them
#   tools/generate.sh --check   fails, showing the difference, when they are not up to date
set -eu
cd "$(dirname "$0")/.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/api/v1alpha1" "$work/config/crd"

go tool -modfile=tools/go.mod controller-gen \
	object paths=./api/v1alpha1 output:object:dir="$work/api/v1alpha1" \
	crd:generateEmbeddedObjectMeta=true output:crd:dir="$work/config/crd"
(cd tools && go run ./trimcrd "$work"/config/crd/*.yaml)

case "${1:-}" in
--check)
	status=0
	diff -u api/v1alpha1/zz_generated.deepcopy.go "$work/api/v1alpha1/zz_generated.deepcopy.go" || status=1
	for file in config/crd/*.yaml "$work"/config/crd/*.yaml; do
		name=$(basename "$file")
		diff -uN "config/crd/$name" "$work/config/crd/$name" || status=1
	done
	if [ "$status" -ne 0 ]; then
		echo "generated files differ from the API types; run tools/generate.sh" >&2
	fi
	exit "$status"
	;;
"")
	mkdir -p config/crd
	rm -f config/crd/*.yaml
	cp "$work"/config/crd/*.yaml config/crd/
	cp "$work/api/v1alpha1/zz_generated.deepcopy.go" api/v1alpha1/
	;;
*)
	echo "usage: tools/generate.sh [--check]" >&2
	exit 2
	;;
esac
