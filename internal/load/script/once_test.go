package script

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"
)

func newCache() *cache { return &cache{kept: map[[sha256.Size]byte]Reading{}} }

func TestTheSameScriptIsReadOnce(t *testing.T) {
	c := newCache()
	o := Options{File: "s.yaml"}
	first := c.of([]byte(small), o)
	if !first.Runs || first.Length.Seconds() != 1 || len(first.Phases) != 1 || first.Phases[0] != "Phase 1" {
		t.Fatalf("%+v", first)
	}
	if again := c.of([]byte(small), o); again.Catalogue != first.Catalogue {
		t.Error("it was read a second time")
	}
	for name, other := range map[string]Options{
		"another target": {File: "s.yaml", Target: "http://b"}, "another environment": {File: "s.yaml", Environ: []string{"A=1"}},
		"gates that count": {File: "s.yaml", Enforce: true}, "files beside it": {File: "s.yaml", Read: readBeside},
	} {
		if read := c.of([]byte(small), other); read.Catalogue == first.Catalogue {
			t.Errorf("with %s it was not read again", name)
		}
	}
	if read := c.of([]byte("config: 5"), o); read.Runs || len(read.Said) == 0 {
		t.Errorf("%+v", read)
	}
}

func TestNoMoreReadingsAreKeptThanBounded(t *testing.T) {
	c := newCache()
	for i := range 3*maxReadings + 1 {
		c.of(fmt.Appendf(nil, "%s# %d\n", small, i), Options{})
		if len(c.kept) > maxReadings {
			t.Fatalf("%d readings are kept", len(c.kept))
		}
	}
	large := newCache()
	large.of([]byte("config: {phases: [{duration: 60, arrivalRate: 1}]}\nscenarios: [{flow: ["+
		strings.Repeat("{get: {url: '/{{ "+strings.Repeat("a", 1900)+" }}'}},", 40)+"]}]\n"), Options{})
	if n := len(large.kept); n != 0 {
		t.Errorf("%d readings with long messages are kept", n)
	}
}
