package validate

import (
	"time"

	"sluice.dev/sluice/internal/load/script"
	"sluice.dev/sluice/internal/load/series"
)

// reading is what is known of a load test's script, whatever stands for what is not known yet.
type reading struct {
	warnings, problems script.Problems
	length             time.Duration
	phases             []string // their names
	// catalogue is nil when the script cannot be read.
	catalogue *series.Catalogue
}
