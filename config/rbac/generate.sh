#!/bin/sh
# Generates the controller's roles from the +kubebuilder:rbac markers beside the code that needs them.
#
#   config/rbac/generate.sh           writes config/rbac/role.yaml
#   config/rbac/generate.sh --check   fails, showing the difference, when it is not up to date
set -eu
cd "$(dirname "$0")/../.."

role=$(mktemp)
trap 'rm -f "$role"' EXIT
go tool -modfile=tools/go.mod controller-gen rbac:roleName=sluice-controller \
	paths=./internal/cluster paths=./internal/controller output:rbac:stdout >"$role"

case "${1:-}" in
--check)
	if ! diff -u config/rbac/role.yaml "$role"; then
		echo "config/rbac/role.yaml differs from the markers; run config/rbac/generate.sh" >&2
		exit 1
	fi
	;;
"")
	cp "$role" config/rbac/role.yaml
	chmod 644 config/rbac/role.yaml
	;;
*)
	echo "usage: config/rbac/generate.sh [--check]" >&2
	exit 2
	;;
esac
