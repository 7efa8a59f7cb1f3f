package validate

import (
	"crypto/sha256"
	"encoding/json"
	"sync"
	"time"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/load/script"
	"sluice.dev/sluice/internal/load/series"
)

// Bounds on the readings that are kept.
const (
	maxReadings = 64
	maxSaid     = 64 << 10 // bytes that one may say
)

// reading is what is known of a load test's script.
type reading struct {
	warnings, problems script.Problems
	length             time.Duration
	phases             []string // their names
	// catalogue is nil when the script cannot be read.
	catalogue *series.Catalogue
}

// readings keeps what was read: a template is validated again and again, for each of its runs too.
type readings struct {
	mu   sync.Mutex
	kept map[[sha256.Size]byte]reading
}

var loadReadings = &readings{kept: map[[sha256.Size]byte]reading{}}

// of reads a load test's script, or has read the same one before. The result is shared and not to be changed.
func (r *readings) of(test *api.LoadTestMetric) reading {
	text, err := json.Marshal(test)
	if err != nil {
		return readLoad(test)
	}
	key := sha256.Sum256(text)
	r.mu.Lock()
	found, known := r.kept[key]
	r.mu.Unlock()
	if known {
		return found
	}
	read := readLoad(test)
	if read.said() > maxSaid {
		return read
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.kept) >= maxReadings {
		clear(r.kept) // rare; reading all again costs less than keeping an order
	}
	r.kept[key] = read
	return read
}

// said is the size of all messages.
func (r reading) said() int {
	n := 0
	for _, all := range []script.Problems{r.warnings, r.problems} {
		for _, p := range all {
			n += len(p.Path) + len(p.Text) + len(p.Instead)
		}
	}
	return n
}
