package stats

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func text(s string) func() string { return func() string { return s } }

func TestTheFirstCauseStays(t *testing.T) {
	r := NewRecorder(2)
	r.Record(0, func(s *Set) { s.Explain("dns", text("lookup a: no such host")) })
	total := r.Drain()
	r.Record(1, func(s *Set) {
		s.Explain("dns", text("lookup b: no such host"))
		s.Explain("dns", func() string { t.Error("a text that nobody keeps is made"); return "" })
		s.Explain("tls", text("x509"))
	})
	total.Merge(r.Drain())
	total.EditCauses(strings.ToUpper)
	if diff := cmp.Diff(map[string]string{"dns": "LOOKUP A: NO SUCH HOST", "tls": "X509"}, total.Causes()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if left := r.Drain().Causes(); len(left) != 0 {
		t.Errorf("what was drained comes again: %v", left)
	}
}

func TestCausesAreBounded(t *testing.T) {
	s := NewSet()
	for i := range 10 * maxCauses {
		s.Explain(fmt.Sprint(i), text(strings.Repeat("ä", maxCause)))
	}
	if len(s.Causes()) != maxCauses || len(s.Causes()["0"]) > maxCause {
		t.Errorf("%d causes, one of %d bytes", len(s.Causes()), len(s.Causes()["0"]))
	}
}
