package result

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTheLongDocumentComesBackAsItWasWritten(t *testing.T) {
	want := full()
	want.Causes = map[string]string{"conn_reset": "read: <reset> & gone"}
	want.Stable = &Side{Why: "it stood still", Requests: 12, Codes: map[string]int64{"200": 1 << 53}, Phases: want.Phases, Part: &Part{Offered: 3}}
	want.Part, want.Share = &Part{Offered: 3}, &[2]int64{1, 3}
	text, err := want.Long()
	if err != nil {
		t.Fatal(err)
	}
	var document map[string]any
	if err := json.Unmarshal(text, &document); err != nil {
		t.Fatal(err)
	}
	latency, _ := document["latency"].(map[string]any)
	phases, _ := document["phases"].([]any)
	if document["version"] != 1.0 || latency["p99"] != 45.67 || len(phases) != 5 || document["part"] != nil || document["lat"] != nil {
		t.Errorf("its keys are not the long ones: %s", text)
	}
	got, err := ParseLong(text)
	if err != nil {
		t.Fatal(err)
	}
	want.Part, want.Stable.Part = nil, nil
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-written +read:\n%s", diff)
	}
}

func TestNoLongDocumentIsRefused(t *testing.T) {
	for text, foreign := range map[string]bool{
		"": true, "[]": true, "null": true, "{}": true, `{"v":1,"verdict":"pass"}`: true, `{"version":2,"verdict":"pass"}`: false,
		`{"version":1,"verdict":"pass","phases":{"a":1}}`: false, `{"version":1,"verdict":"pass","latency":[]}`: false,
	} {
		if _, err := ParseLong([]byte(text)); err == nil || errors.Is(err, ErrNotAResult) != foreign {
			t.Errorf("%s: %v, want that it is none: %t", text, err, foreign)
		}
	}
}

// No number is left out for a text.
func TestCausesGoBeforeAllElse(t *testing.T) {
	r := full()
	whole, err := r.Fit(MaxBudget)
	if err != nil {
		t.Fatal(err)
	}
	r.Causes, r.Stable = map[string]string{"conn_reset": "read: connection reset by peer"}, &Side{}
	beside, err := r.Fit(MaxBudget)
	if err != nil {
		t.Fatal(err)
	}
	r.Stable.Causes = map[string]string{"dns": "lookup shop: no such host"}
	text, err := r.Fit(len(beside))
	if err != nil {
		t.Fatal(err)
	}
	got, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"cause"}, got.Truncated); diff != "" || got.Histogram == "" || len(got.Stable.Causes)+len(got.Causes) > 0 || len(whole) > len(text) {
		t.Errorf("dropped (-want +got):\n%s\n%s", diff, text)
	}
	if r.Stable.Causes == nil || r.Causes == nil {
		t.Error("fitting changed the result it was given")
	}
}

func TestCausesAreHidden(t *testing.T) {
	r := Result{Causes: map[string]string{"dns": "lookup hunter2"}, Stable: &Side{Causes: map[string]string{"dns": "lookup hunter2"}}}
	got := r.Hide(func(s string) string { return strings.TrimSuffix(s, "hunter2") })
	if got.Causes["dns"] != "lookup " || got.Stable.Causes["dns"] != "lookup " || r.Causes["dns"] != "lookup hunter2" {
		t.Errorf("%v and %v of %v", got.Causes, got.Stable.Causes, r.Causes)
	}
}
