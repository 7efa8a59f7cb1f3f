// Package core should decide from its arguments alone.
package core

import (
	"net/http"
	"os"

	"broken.example/shell"
)

var _ = []any{http.MethodGet, os.Args, shell.Name}
