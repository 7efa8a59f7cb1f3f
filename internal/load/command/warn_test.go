package command

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

const tenUsers = `
config:
  phases: [{duration: 1, arrivalCount: 10}]
scenarios: [{flow: [{get: {url: /}}]}]
`

// A fast service that knows none of the paths meets its gates, and nobody may overlook it.
func TestAnswersThatAreOdd(t *testing.T) {
	missing, good := newTarget(t, http.StatusNotFound), newTarget(t, http.StatusOK)
	got := execute(t, tenUsers, call{args: []string{"sluice-load", "run", "-q", "-t", missing.URL, "--compare-target", good.URL, "FILE"}})
	if got.code != exitInconclusive || !strings.Contains(got.result.Why, "the canary answered 10 of 10 requests with 4xx, the stable version 0 of 10") {
		t.Errorf("exit code %d because %q", got.code, got.result.Why)
	}
	notes := []string{
		"all of the 10 answers were 4xx (10 × 404)",
		"the two versions answered differently: the canary 10 × 404, the stable one 10 × 200",
	}
	for i, want := range notes {
		if !strings.Contains(got.err, "warning: "+want) || len(got.result.Notes) != len(notes) || !strings.HasPrefix(got.result.Notes[i], want) {
			t.Errorf("%q is missing: %q\n%s", want, got.result.Notes, got.err)
		}
	}
}

func TestErrorsAreCountedWithTheirKind(t *testing.T) {
	lost, other := errorLists(map[string]int64{"timeout": 2, "dns": 3, "capture": 10})
	if lost != "3 × dns, 2 × timeout" || other != "10 × capture" {
		t.Errorf("%q and %q", lost, other)
	}
}

func TestAFailedTestNeedsNoWarningThatNoGateLooked(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) }))
	defer s.Close()
	args := []string{"sluice-load", "run", "-q", "--no-default-gates", "-t", s.URL}
	const looks = "NO GATE OF THIS SCRIPT LIMITS"
	if got := execute(t, tenUsers, call{args: append(args, "FILE")}); !strings.Contains(got.err, looks) {
		t.Errorf("it passes without a word:\n%s", got.err)
	}
	aborted := execute(t, steady(100, "3s"), call{args: append(args, "--abort-on", "errors.rate > 0.5", "FILE")})
	if aborted.code != exitFailed || strings.Contains(aborted.err, looks) {
		t.Errorf("exit code %d\n%s", aborted.code, aborted.err)
	}
}
