package verdict

import (
	"testing"

	"sluice.dev/sluice/internal/load/gate"
	"sluice.dev/sluice/internal/load/result"
	"sluice.dev/sluice/internal/load/series"
	"sluice.dev/sluice/internal/load/stats"
)

func TestWhatTheStableVersionAnsweredCountsToo(t *testing.T) {
	type codes = map[string]int64
	checks := func(texts ...string) (out []gate.Check) {
		for _, text := range texts {
			out = append(out, check(t, text))
		}
		return out
	}
	usual, err := WithDefaults(nil, series.NewCatalogue())
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name           string
		checks         []gate.Check
		canary, stable codes
		refused        bool
	}{
		{"all of it", usual, codes{"404": 100}, codes{"200": 100}, true},
		{"more than a little", usual, codes{"200": 94, "401": 6}, codes{"200": 100}, true},
		{"codes that were folded", usual, codes{"4xx": 50, "2xx": 50}, codes{"2xx": 100}, true},
		{"a little", usual, codes{"200": 95, "401": 5}, codes{"200": 100}, false},
		{"two of few", usual, codes{"200": 2, "401": 2}, codes{"200": 4}, false},
		{"as the stable one does", usual, codes{"404": 50, "200": 50}, codes{"404": 30, "200": 30}, false},
		{"less than the stable one does", usual, codes{"200": 50}, codes{"404": 50}, false},
		{"beside a stable one without an answer", usual, codes{"200": 50}, nil, true},
		{"nothing", usual, nil, codes{"200": 10}, false},
		{"elsewhere", usual, codes{"302": 50}, codes{"200": 50}, false},
		{"as a gate has it", append(checks("http.codes.4xx < 1000"), usual...), codes{"404": 100}, codes{"200": 100}, false},
		{"beside a gate on something else", append(checks("http.codes.404 < 1"), usual...), codes{"401": 100}, codes{"200": 100}, true},
		{"and nobody wants to know", checks("http.requests > 1"), codes{"404": 100}, codes{"200": 100}, false},
	}
	for _, tt := range tests {
		v, why := Answered(result.Pass, "", Facts{Total: stats.NewSet(), Checks: tt.checks}, result.Result{Codes: tt.canary, Stable: &result.Side{Codes: tt.stable}})
		if (v == result.Inconclusive) != tt.refused || (why != "") != tt.refused {
			t.Errorf("%s: %s: %q", tt.name, v, why)
		}
	}
}

func TestATestThatIsOnlyRefused(t *testing.T) {
	usual, err := WithDefaults(nil, series.NewCatalogue())
	if err != nil {
		t.Fatal(err)
	}
	with := func(text string) []gate.Check { return append([]gate.Check{check(t, text)}, usual...) }
	tests := []struct {
		name   string
		checks []gate.Check
		codes  map[string]int64
		met    int64
		want   result.Verdict
	}{
		{"by everything", usual, map[string]int64{"404": 200, "401": 16}, 0, result.Inconclusive},
		{"by nearly everything", usual, map[string]int64{"404": 200, "200": 1}, 0, result.Pass},
		{"twice", usual, map[string]int64{"404": 2}, 0, result.Pass},
		{"as expected", usual, map[string]int64{"404": 200}, 200, result.Pass},
		{"as a gate has it", with("http.codes.404 > 100"), map[string]int64{"404": 200}, 0, result.Pass},
		{"as a gate has it of all", with("http.codes.4xx < 1000"), map[string]int64{"404": 200}, 0, result.Pass},
		{"beside a gate on something else", with("http.codes.503 < 1"), map[string]int64{"404": 200}, 0, result.Inconclusive},
		{"and nobody wants to know", []gate.Check{check(t, "http.requests > 1")}, map[string]int64{"404": 200}, 0, result.Pass},
	}
	for _, tt := range tests {
		total := stats.NewSet()
		for code, n := range tt.codes {
			total.Count(series.Codes+code, n)
		}
		total.Count(series.ExpectOK, tt.met)
		f := Facts{Total: total, Checks: tt.checks, Expects: tt.met > 0}
		if v, why := Answered(result.Pass, "", f, result.Result{Codes: tt.codes}); v != tt.want || (why == "") != (v == result.Pass) {
			t.Errorf("%s: %s: %q", tt.name, v, why)
		}
	}
}
