#!/bin/sh
# Generates what is derived from the code: deep copies and CRDs from the API types, roles from markers,
# the reference of the API from its comments, that of the command line from the commands.
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

mkdir -p "$work/docs/reference"
(cd tools && go run ./apidoc ../api/v1alpha1 Rollout AnalysisTemplate ClusterAnalysisTemplate AnalysisRun Experiment) >"$work/docs/reference/api.md"

# The commands are asked themselves, so the code has to compile: after the deep copies are in place.
commands() {
	go run ./cmd/sluice reference
}

case "${1:-}" in
--check)
	status=0
	commands >"$work/docs/reference/cli.md"
	for name in $(cd "$work/docs/reference" && ls); do
		diff -u "docs/reference/$name" "$work/docs/reference/$name" || status=1
	done
	diff -u api/v1alpha1/zz_generated.deepcopy.go "$work/api/v1alpha1/zz_generated.deepcopy.go" || status=1
	for name in $({ ls config/crd "$work/config/crd" | grep '^argoproj.io_'; } | sort -u); do
		diff -uN "config/crd/$name" "$work/config/crd/$name" || status=1
	done
	if [ "$status" -ne 0 ]; then
		echo "generated files differ from what they are made of; run tools/generate.sh" >&2
	fi
	config/rbac/generate.sh --check || status=1
	exit "$status"
	;;
"")
	rm -f config/crd/argoproj.io_*.yaml
	cp "$work"/config/crd/*.yaml config/crd/
	cp "$work/api/v1alpha1/zz_generated.deepcopy.go" api/v1alpha1/
	mkdir -p docs/reference
	commands >"$work/docs/reference/cli.md"
	cp "$work"/docs/reference/*.md docs/reference/
	config/rbac/generate.sh
	;;
*)
	echo "usage: tools/generate.sh [--check]" >&2
	exit 2
	;;
esac
