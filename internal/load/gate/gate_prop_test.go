package gate

import (
	"strconv"
	"testing"

	"pgregory.net/rapid"

	"sluice.dev/sluice/internal/load/series"
)

// Every threshold says exactly what Go's own "<" says, and its condition's text says the same.
func TestThresholdAgreesWithItsText(t *testing.T) {
	known := series.NewCatalogue()
	names := known.Names()
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.SampledFrom(names).Draw(t, "metric")
		limit := float64(rapid.Int64Range(0, 1_000_000).Draw(t, "limit")) / 8
		v := float64(rapid.Int64Range(0, 1_000_000).Draw(t, "value")) / 8
		values := lookup(map[string]float64{name: v})
		threshold, err := Threshold(name, limit, known)
		if err != nil {
			t.Fatal(err)
		}
		condition, err := Condition(threshold.Text, known)
		if err != nil {
			t.Fatal(err)
		}
		a, b := threshold.Evaluate(values).OK, condition.Evaluate(values).OK
		if a != (v < limit) || a != b {
			t.Fatalf("%s with %v: threshold %t, condition %t", threshold.Text, v, a, b)
		}
	})
}

// Arithmetic agrees with a direct computation, whatever the brackets.
func TestSumsOfMetrics(t *testing.T) {
	known := series.NewCatalogue()
	rapid.Check(t, func(t *rapid.T) {
		values, text, sum := map[string]float64{}, "0", 0.0
		for _, code := range rapid.SliceOfN(rapid.IntRange(100, 599), 0, 8).Draw(t, "codes") {
			name := series.Codes + strconv.Itoa(code)
			n := float64(rapid.IntRange(0, 1000).Draw(t, "count"))
			if _, twice := values[name]; twice {
				continue
			}
			values[name] = n
			if rapid.Bool().Draw(t, "minus") {
				text, sum = "("+text+") - "+name, sum-n
			} else {
				text, sum = name+"+"+text, sum+n
			}
		}
		check, err := Condition(text+" == "+strconv.FormatFloat(sum, 'f', -1, 64), known)
		if err != nil {
			t.Fatal(err)
		}
		if got := check.Evaluate(lookup(values)); !got.OK {
			t.Fatalf("%s is not met: %v", check.Text, got)
		}
	})
}

func FuzzCondition(f *testing.F) {
	for _, seed := range []string{
		"http.response_time.p99 < 250 and apdex > 0.9", "not (http.codes.500 / http.requests > 0.01)",
		"1 < 2 ? 3 < 4 : max(1, 2) == 2", "'http.requests' == 2 ^ -1", "vusers.created_by_name.Browse and buy > 1",
	} {
		f.Add(seed)
	}
	known := catalogue()
	f.Fuzz(func(t *testing.T, text string) {
		check, err := Condition(text, known)
		if err != nil {
			return
		}
		none := check.Evaluate(lookup(nil))
		if none.OK && none.Why != "" {
			t.Errorf("%q is met although it could not be computed: %s", text, none.Why)
		}
		for _, name := range check.Names() {
			if _, ok := known.Kind(name); !ok {
				t.Errorf("%q names %q, which no run has", text, name)
			}
		}
	})
}
