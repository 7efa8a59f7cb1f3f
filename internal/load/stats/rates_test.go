package stats

import "testing"

func TestSharesOfRequests(t *testing.T) {
	s := NewSet()
	if _, ok := s.Value("errors.rate"); ok {
		t.Error("a rate of no requests")
	}
	for name, n := range map[string]int64{
		"http.requests": 100, "http.codes.200": 90, "http.codes.503": 5, "sluice.errors.conn_reset": 3, "sluice.errors.capture": 40,
		"vusers.created": 99, "vusers.skipped": 31, "sluice.vusers_overflow": 1,
	} {
		s.Count(name, n)
	}
	for name, want := range map[string]float64{"errors.rate": 0.08, "errors.server": 0.05, "errors.unanswered": 0.03, "arrivals.achieved": 0.99} {
		if got, ok := s.Value(name); !ok || got != want {
			t.Errorf("%s = %v, %t, want %v", name, got, ok, want)
		}
	}
}
