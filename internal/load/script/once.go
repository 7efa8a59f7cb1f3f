package script

import (
	"crypto/sha256"
	"encoding/json"
	"sync"
	"time"

	"sluice.dev/sluice/internal/load/series"
)

// Reading is what is known of a script before it runs.
type Reading struct {
	// Said is all there is to say about it, as Lint has it.
	Said Problems
	// Runs says that nothing keeps it from running. What follows is empty where something does.
	Runs   bool
	Length time.Duration
	Phases []string // their names
	// Catalogue has the metrics that a run can have.
	Catalogue *series.Catalogue
}

// Once reads a script, or has read the same one with the same options before: a load test is looked at again and
// again, by whoever validates it and by whoever runs it. What it returns is shared and not to be changed.
func Once(data []byte, o Options) Reading { return readings.of(data, o) }

// Bounds on the readings that are kept.
const (
	maxReadings = 64
	maxSaid     = 64 << 10 // bytes that one may say
)

type cache struct {
	mu   sync.Mutex
	kept map[[sha256.Size]byte]Reading
}

var readings = &cache{kept: map[[sha256.Size]byte]Reading{}}

func (c *cache) of(data []byte, o Options) Reading {
	key, ok := keyOfReading(data, o)
	if !ok {
		return newReading(data, o)
	}
	c.mu.Lock()
	found, known := c.kept[key]
	c.mu.Unlock()
	if known {
		return found
	}
	r := newReading(data, o)
	if r.said() > maxSaid {
		return r
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.kept) >= maxReadings {
		clear(c.kept) // rare; reading all again costs less than keeping an order
	}
	c.kept[key] = r
	return r
}

// keyOfReading is the same for the same script with the same options; there is none where files stand beside it,
// which may change.
func keyOfReading(data []byte, o Options) (key [sha256.Size]byte, ok bool) {
	if o.Read != nil {
		return key, false
	}
	options, err := json.Marshal(o)
	if err != nil {
		return key, false
	}
	of := sha256.Sum256(data)
	return sha256.Sum256(append(options, of[:]...)), true
}

func newReading(data []byte, o Options) Reading {
	s, said := Read(data, o)
	r := Reading{Said: said, Runs: s != nil}
	if s == nil {
		return r
	}
	r.Length, r.Catalogue = s.Plan.Length(), s.Catalogue
	for _, w := range s.Plan.Windows() {
		r.Phases = append(r.Phases, w.Name)
	}
	return r
}

// said is the size of all messages.
func (r Reading) said() int {
	n := 0
	for _, p := range r.Said {
		n += len(p.Path) + len(p.Text) + len(p.Instead)
	}
	return n
}
