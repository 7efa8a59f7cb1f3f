package result

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func number(v float64) *float64 { return &v }

// full is a result with everything in it.
func full() Result {
	q := func() *Quantiles {
		return &Quantiles{P50: 12.34, P90: 23.45, P95: 34.56, P99: 45.67, P999: 56.78, Max: 67.89}
	}
	r := Result{
		Version: 1, Verdict: Fail, Why: "http.response_time.p99 < 40: http.response_time.p99 = 45.67", StartedAt: 1722963891.123, Duration: 25.1,
		Arrivals: 1578, Skipped: 2, Requests: 4734, ErrorRate: 0.0076,
		Codes: map[string]int64{"200": 4700, "500": 30, "503": 4}, Errors: map[string]int64{"conn_reset": 2}, Apdex: number(0.98),
		Latency: q(), FirstByte: q(), Intended: q(), Lag: q(), CPU: &CPU{Used: 1.5, Throttled: number(0)},
		Rate: Rate{Offered: 63.1, Achieved: 63.1}, Script: "9f86d081884c", Histogram: strings.Repeat("HISTFAAA", 200),
		Gates: []Gate{
			{Text: "http.response_time.p95 < 6000", Value: number(34.56), OK: true},
			{Text: "http.response_time.p99 < 40", Value: number(45.67)},
			{Text: "apdex > 0.99", OK: false, Optional: true},
		},
	}
	for _, name := range []string{"Warm up", "Ramp up", "Burn", "Cool down", "Rest"} {
		r.Phases = append(r.Phases, Phase{Name: name, To: 5, Arrivals: 10, Requests: int64(len(name)), Latency: q()})
	}
	for _, name := range []string{"/collection/FRONT_PAGE", "/products/"} {
		r.Endpoints = append(r.Endpoints, Endpoint{Name: name, Requests: 20, Bad: 1, FirstByte: q()})
	}
	return r
}

func TestAResultComesBackAsItWasWritten(t *testing.T) {
	want := full()
	text, err := want.Fit(MaxBudget)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-written +read:\n%s", diff)
	}
	if len(got.Truncated) != 0 {
		t.Errorf("%d bytes fit, yet %v was dropped", len(text), got.Truncated)
	}
}

func TestTreeHasTheLongNames(t *testing.T) {
	tree := full().Tree()
	at := func(path ...string) any {
		var v any = tree
		for _, name := range path {
			m, ok := v.(map[string]any)
			if !ok {
				t.Fatalf("%v: %s is not in a map", path, name)
			}
			v = m[name]
		}
		return v
	}
	tests := []struct {
		name string
		path []string
		want any
	}{
		{"a quantile", []string{"latency", "p99"}, 45.67},
		{"a code", []string{"codes", "503"}, 4.0},
		{"a class of codes", []string{"codes", "5xx"}, 34.0},
		{"a class nothing was in", []string{"codes", "4xx"}, 0.0},
		{"a phase by its name", []string{"phases", "Burn", "latency", "p95"}, 34.56},
		{"an endpoint by its name", []string{"endpoints", "/products/", "bad"}, 1.0},
		{"the verdict is a text", []string{"verdict"}, "fail"},
		{"a class of errors", []string{"errors", "conn_reset"}, 2.0},
		{"the error rate", []string{"errorRate"}, 0.0076},
		{"the same among the errors", []string{"errors", "rate"}, 0.0076},
		{"how many requests went wrong, by their answer or without one", []string{"errors", "total"}, 36.0},
		{"the generator's processor", []string{"cpu", "throttled"}, 0.0},
		{"the rate", []string{"rate", "achieved"}, 63.1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, at(tt.path...)); diff != "" {
				t.Errorf("%v (-want +got):\n%s", tt.path, diff)
			}
		})
	}
	gates, ok := tree["gates"].([]any)
	if !ok || len(gates) != 3 {
		t.Fatalf("gates = %v, want a list of three", tree["gates"])
	}
	if diff := cmp.Diff(map[string]any{"text": "apdex > 0.99", "ok": false, "optional": true, "default": false}, gates[2]); diff != "" {
		t.Errorf("a gate that nothing was measured for has no value (-want +got):\n%s", diff)
	}
}

func TestTreeOfAnEmptyResult(t *testing.T) {
	tree := Result{Version: 1, Verdict: Inconclusive}.Tree()
	for _, absent := range []string{"latency", "phases", "apdex", "cpu"} {
		if v, there := tree[absent]; there {
			t.Errorf("%s = %v was never measured", absent, v)
		}
	}
	if diff := cmp.Diff(map[string]any{"rate": 0.0, "total": 0.0}, tree["errors"]); diff != "" {
		t.Errorf("no errors have no classes (-want +got):\n%s", diff)
	}
}

// What had no room in the document is not known, and nobody may take it for 0.
func TestWhatDidNotFitIsNotInTheTree(t *testing.T) {
	r := Result{Version: 1, Verdict: Pass, Requests: 100, ErrorRate: 0.01, Codes: map[string]int64{"200": 99, "503": 1}, Share: &[2]int64{0, 1}}
	for budget := MinBudget; budget <= MaxBudget; budget++ {
		text, err := r.Fit(budget)
		if err != nil {
			t.Fatal(err)
		}
		short, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		tree := short.Tree()
		if codes, there := tree["codes"].(map[string]any); there && codes["5xx"] != 1.0 {
			t.Fatalf("in %d bytes %s the 5xx are %v", budget, text, codes["5xx"])
		}
		if rate, there := tree["errorRate"]; there && rate != 0.01 {
			t.Fatalf("in %d bytes %s the error rate is %v", budget, text, rate)
		}
		if tree["verdict"] != "pass" {
			t.Fatalf("in %d bytes the verdict is %v", budget, tree["verdict"])
		}
	}
}

// The struct tags are the one table between short and long names: every field
// has both, and no name stands for two things in one place.
func TestEveryFieldHasOneShortAndOneLongName(t *testing.T) {
	for _, typ := range []reflect.Type{
		reflect.TypeFor[Result](), reflect.TypeFor[Quantiles](), reflect.TypeFor[CPU](), reflect.TypeFor[Rate](),
		reflect.TypeFor[Gate](), reflect.TypeFor[Phase](), reflect.TypeFor[Endpoint](), reflect.TypeFor[Side](),
	} {
		short, long := map[string]bool{}, map[string]bool{}
		for i := range typ.NumField() {
			f := typ.Field(i)
			s, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			l := f.Tag.Get("long")
			if l == "-" && f.Type == reflect.TypeFor[*Part]() {
				continue // what only merging reads is not in the tree
			}
			if s == "" || l == "" || short[s] || long[l] || len(s) > len(l) {
				t.Errorf("%s.%s is %q on the wire and %q in the tree", typ.Name(), f.Name, s, l)
			}
			short[s], long[l] = true, true
		}
	}
}

func TestFitDropsInOrder(t *testing.T) {
	tests := []struct {
		name   string
		budget int
		want   []string
	}{
		{"everything fits", 4096, nil},
		{"the histogram goes first", 2600, []string{"h"}},
		{"then the endpoints and the times to the first byte", 1450, []string{"h", "ep", "ttfb"}},
		{"then the phases beyond three", 1250, []string{"h", "ep", "ttfb", "phases"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			text, err := full().Fit(tt.budget)
			if err != nil {
				t.Fatal(err)
			}
			got, err := Parse(text)
			if err != nil {
				t.Fatal(err)
			}
			if len(text) > tt.budget {
				t.Errorf("%d bytes are more than %d", len(text), tt.budget)
			}
			if diff := cmp.Diff(tt.want, got.Truncated); diff != "" {
				t.Errorf("dropped (-want +got):\n%s", diff)
			}
		})
	}
	three, err := full().Fit(1250)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Parse(three)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, p := range got.Phases {
		names = append(names, p.Name)
	}
	if diff := cmp.Diff([]string{"Warm up", "Ramp up", "Cool down"}, names); diff != "" {
		t.Errorf("the three busiest phases stay, in their order (-want +got):\n%s", diff)
	}
}

func TestParseRefuses(t *testing.T) {
	tests := []struct {
		name, text string
		foreign    bool
	}{
		{"nothing", "", true},
		{"a text", "Error: boom", true},
		{"another program's report", `{"p99": 3}`, true},
		{"a list", "[]", true},
		{"a version to come", `{"v":2,"verdict":"pass"}`, false},
		{"an unknown verdict", `{"v":1,"verdict":"maybe"}`, false},
		{"a number where a text belongs", `{"v":1,"verdict":"pass","why":1}`, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Parse([]byte(tt.text))
			if err == nil || errors.Is(err, ErrNotAResult) != tt.foreign {
				t.Errorf("error = %v; it is another program's report: %t", err, tt.foreign)
			}
		})
	}
}

func TestReadBudget(t *testing.T) {
	for text, want := range map[string]int{"": 4096, "2048": 2048, "100000": 4096} {
		if got, err := ReadBudget(text); err != nil || got != want {
			t.Errorf("ReadBudget(%q) = %d, %v, want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"x", "-1", "10"} {
		if _, err := ReadBudget(text); err == nil {
			t.Errorf("ReadBudget(%q) was taken", text)
		}
	}
}

func FuzzParse(f *testing.F) {
	text, err := full().Fit(MaxBudget)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte(`{"v":1,"verdict":"pass","codes":{"5xx":1,"x":2},"phases":[{"n":"a"},{"n":"a"}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := Parse(text)
		if err != nil {
			return
		}
		r.Tree()
		again, err := r.Fit(1 << 30)
		if err != nil {
			t.Fatal(err)
		}
		back, err := Parse(again)
		if err != nil {
			t.Fatal(err)
		}
		// A second writing is the same as the first: nothing is lost or invented.
		third, err := back.Fit(1 << 30)
		if err != nil || string(third) != string(again) {
			t.Errorf("written twice: %s and %s (%v)", again, third, err)
		}
	})
}
