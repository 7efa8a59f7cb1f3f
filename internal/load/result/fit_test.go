package result

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"sluice.dev/sluice/internal/load/series"
)

func texts(most int) *rapid.Generator[string] { return rapid.StringN(0, most, most) }

// packed stands for a histogram's text.
func packed(most int) *rapid.Generator[string] {
	return rapid.Map(rapid.IntRange(0, most), func(n int) string { return strings.Repeat("A", n) })
}

func maybe[T any](g *rapid.Generator[T]) *rapid.Generator[*T] { return rapid.Ptr(g, true) }

func quantiles() *rapid.Generator[Quantiles] {
	return rapid.Custom(func(t *rapid.T) Quantiles {
		v := rapid.Float64Range(0, 3.6e6)
		return Quantiles{v.Draw(t, "p50"), v.Draw(t, "p90"), v.Draw(t, "p95"), v.Draw(t, "p99"), v.Draw(t, "p999"), v.Draw(t, "max")}
	})
}

func counts(most int) *rapid.Generator[map[string]int64] {
	return rapid.MapOfN(texts(40), rapid.Int64Range(0, 1<<50), 0, most)
}

func phases() *rapid.Generator[[]Phase] {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Phase {
		return Phase{Name: texts(64).Draw(t, "name"), To: 5, Requests: rapid.Int64Range(0, 1<<40).Draw(t, "requests"), Latency: maybe(quantiles()).Draw(t, "latency")}
	}), 0, 200)
}

func parts() *rapid.Generator[Part] {
	histograms := rapid.MapOfN(rapid.SampledFrom([]string{
		series.ResponseTime, series.Duration, series.Lag, series.DurationFromIntended, series.PhaseDuration(0), series.PhaseDuration(1), "mine",
	}), packed(2500), 0, 7)
	return rapid.Custom(func(t *rapid.T) Part {
		return Part{
			Offered: 7, Limited: texts(300).Draw(t, "limited"), Counts: counts(60).Draw(t, "counts"),
			Needed: histograms.Draw(t, "needed"), Others: histograms.Draw(t, "others"),
		}
	})
}

func sides() *rapid.Generator[Side] {
	return rapid.Custom(func(t *rapid.T) Side {
		return Side{
			Why: texts(512).Draw(t, "why"), Codes: counts(50).Draw(t, "codes"), Errors: counts(20).Draw(t, "errors"),
			Latency: maybe(quantiles()).Draw(t, "latency"), FirstByte: maybe(quantiles()).Draw(t, "first byte"),
			Phases: phases().Draw(t, "phases"), Part: maybe(parts()).Draw(t, "part"),
		}
	})
}

func results() *rapid.Generator[Result] {
	return rapid.Custom(func(t *rapid.T) Result {
		r := Result{
			Version: Version, Verdict: rapid.SampledFrom([]Verdict{Pass, Fail, Inconclusive}).Draw(t, "verdict"),
			Why: rapid.StringN(0, 600, -1).Draw(t, "why"), Stopped: rapid.SampledFrom([]string{"", "SIGTERM", "killed"}).Draw(t, "stopped"),
			Codes: counts(400).Draw(t, "codes"), Errors: counts(40).Draw(t, "errors"),
			Latency: maybe(quantiles()).Draw(t, "latency"), FirstByte: maybe(quantiles()).Draw(t, "first byte"),
			Intended: maybe(quantiles()).Draw(t, "intended"), Lag: maybe(quantiles()).Draw(t, "lag"),
			Phases: phases().Draw(t, "phases"), Script: "9f86d081884c", Histogram: packed(3000).Draw(t, "histogram"),
			Stable: maybe(sides()).Draw(t, "stable"),
			Gates: rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Gate {
				return Gate{Text: texts(500).Draw(t, "text"), OK: rapid.Bool().Draw(t, "ok")}
			}), 0, 60).Draw(t, "gates"),
			Endpoints: rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Endpoint {
				return Endpoint{Name: texts(64).Draw(t, "name"), FirstByte: maybe(quantiles()).Draw(t, "first byte")}
			}), 0, 20).Draw(t, "endpoints"),
		}
		if rapid.Bool().Draw(t, "a share") {
			of := rapid.Int64Range(1, 64).Draw(t, "of")
			r.Share = &[2]int64{rapid.Int64Range(0, of-1).Draw(t, "index"), of}
			r.Part = maybe(parts()).Draw(t, "part")
		}
		return r
	})
}

// Whatever a test measured, its result fits, can be read, says what it says,
// and says what it left out.
func TestAnyResultFitsAnyBudget(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := results().Draw(t, "result")
		budget := rapid.IntRange(MinBudget, MaxBudget).Draw(t, "budget")
		before, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		text, err := r.Fit(budget)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Parse(text)
		if err != nil {
			t.Fatalf("%v: %s", err, text)
		}
		if len(text) > budget || got.Verdict != r.Verdict {
			t.Fatalf("%d bytes for %d, verdict %s for %s", len(text), budget, got.Verdict, r.Verdict)
		}
		if diff := cmp.Diff(r.Share, got.Share); diff != "" {
			t.Fatalf("the share (-given +written):\n%s", diff)
		}
		if after, _ := json.Marshal(r); string(before) != string(after) {
			t.Fatal("fitting changed the result it was given")
		}
		if len(got.Truncated) == 0 && len(text) < len(before)/2 {
			t.Fatalf("%d of %d bytes are left, and nothing says so", len(text), len(before))
		}
		got.Tree()
	})
}

// What the gates of the whole test are judged by goes last.
func TestAShareKeepsWhatItsGatesNeed(t *testing.T) {
	r := full()
	r.Share = &[2]int64{1, 3}
	r.Part = &Part{
		Counts: map[string]int64{series.VUsersCompleted: 7},
		Needed: map[string]string{series.ResponseTime: strings.Repeat("n", 2400)},
		Others: map[string]string{series.Duration: strings.Repeat("d", 2400), series.Lag: strings.Repeat("l", 400), series.PhaseDuration(0): strings.Repeat("p", 900)},
	}
	r.Stable = &Side{Requests: 9, Phases: r.Phases, Part: r.Part}
	for budget, want := range map[int]string{
		20_000: "h hx:3 cmp gates phases", 16_000: "h hx:3 cmp gates phases", 12_500: "h hx:1 cmp gates phases",
		MaxBudget: "h hx:0 gates phases", 3300: "h hx:0 gates",
	} {
		t.Run(fmt.Sprint(budget), func(t *testing.T) {
			text, err := r.Fit(budget)
			if err != nil {
				t.Fatal(err)
			}
			got, err := Parse(text)
			if err != nil {
				t.Fatal(err)
			}
			var kept []string
			if got.Part != nil {
				kept = append(kept, strings.Repeat("h", len(got.Part.Needed)), fmt.Sprintf("hx:%d", len(got.Part.Others)))
			}
			if got.Stable != nil {
				kept = append(kept, "cmp")
			}
			if slices.ContainsFunc(got.Gates, func(g Gate) bool { return g.Text != "" }) {
				kept = append(kept, "gates")
			}
			if len(got.Phases) > 0 {
				kept = append(kept, "phases")
			}
			if have := strings.Join(kept, " "); have != want {
				t.Errorf("%q is left of it, want %q; dropped %v", have, want, got.Truncated)
			}
		})
	}
}

func TestTreeOfAComparison(t *testing.T) {
	q := func(v float64) *Quantiles { return &Quantiles{P50: v, P90: v, P95: v, P99: v, P999: v, Max: v} }
	r := Result{
		Version: 1, Verdict: Pass, Requests: 100, ErrorRate: 0.02, Codes: map[string]int64{"200": 98, "503": 2}, Latency: q(30), FirstByte: q(5),
		Phases: []Phase{{Name: "Burn", Requests: 50, Latency: q(40)}, {Name: "New", Requests: 1}},
		Stable: &Side{Requests: 50, Codes: map[string]int64{"200": 50}, Latency: q(10), Phases: []Phase{{Name: "Burn", Requests: 25, Latency: q(0)}}},
	}
	tree := r.Tree()
	ratio, _ := tree["ratio"].(map[string]any)
	want := map[string]any{
		"requests": 2.0, "codes": map[string]any{"2xx": 1.96, "200": 1.96}, "errors": map[string]any{},
		"latency": map[string]any{"p50": 3.0, "p90": 3.0, "p95": 3.0, "p99": 3.0, "p999": 3.0, "max": 3.0},
		"phases":  map[string]any{"Burn": map[string]any{"requests": 2.0, "latency": map[string]any{}}},
	}
	if diff := cmp.Diff(want, ratio); diff != "" {
		t.Errorf("ratios are there where both sides have numbers and the stable one's is not 0 (-want +got):\n%s", diff)
	}
	for side, requests := range map[string]float64{"canary": 100, "stable": 50} {
		if m, _ := tree[side].(map[string]any); m["requests"] != requests {
			t.Errorf("%s: %v", side, m)
		}
	}
	r.Stable.Why = "the target never answered"
	if diff := cmp.Diff(map[string]any{}, r.Tree()["ratio"]); diff != "" {
		t.Errorf("a stable version that could not be measured has no ratios:\n%s", diff)
	}
	r.Stable = nil
	for _, absent := range []string{"canary", "stable", "ratio"} {
		if _, there := r.Tree()[absent]; there {
			t.Errorf("%s is there without a comparison", absent)
		}
	}
}
