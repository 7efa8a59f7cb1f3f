package vu

import (
	"testing"

	"sluice.dev/sluice/internal/load/httpx"
	"sluice.dev/sluice/internal/load/series"
)

// Whatever is counted can be named by a gate, and no gate names a class that is never counted.
func TestGatesKnowTheClassesOfErrorsAndNoOthers(t *testing.T) {
	known := series.NewCatalogue()
	counted := map[string]bool{}
	for _, class := range httpx.Classes() {
		counted[string(class)] = true
		for _, name := range []string{series.ErrorClass + string(class), series.Errors + class.Node()} {
			if kind, ok := known.Kind(name); !ok || kind != series.Counter {
				t.Errorf("%s is counted and no gate knows it", name)
			}
		}
	}
	for _, class := range series.Classes() {
		if !counted[class] {
			t.Errorf("gates know %s%s, which nothing counts", series.ErrorClass, class)
		}
	}
}
