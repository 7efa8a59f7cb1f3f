package evidence

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	api "sluice.dev/sluice/api/v1alpha1"
)

// tree is a report as conditions see it.
func tree(t *testing.T, text string) map[string]any {
	t.Helper()
	var report map[string]any
	if err := json.Unmarshal([]byte(text), &report); err != nil {
		t.Fatal(err)
	}
	return report
}

func TestALoadTestIsToldInAFewWords(t *testing.T) {
	const numbers = `"duration":12.3,"requests":1204,"errorRate":0,"codes":{"2xx":1204,"200":1204},"latency":{"p50":20,"p90":30,"p95":41.04,"p99":60,"max":99}`
	for _, c := range []struct{ name, report, says, figures string }{
		{"passed", `{"verdict":"pass",` + numbers + `}`, "passed", "1,204 requests at 97.9/s, no errors, p95 41 ms"},
		{"the gate that failed, and its value",
			`{"verdict":"fail","why":"errors.rate <= 0.01: errors.rate = 0.37","duration":10,"requests":1000,"errorRate":0.37,
			  "gates":[{"text":"apdex > 1","value":0.5,"ok":false,"optional":true},{"text":"p95 < 500","ok":true},{"text":"errors.rate <= 0.01","value":0.37,"ok":false}]}`,
			"failed: errors.rate <= 0.01 is 0.37", "1,000 requests at 100/s, 37 % errors"},
		{"several gates", `{"verdict":"fail","requests":1,"gates":[{"text":"a","ok":false},{"text":"b","ok":false},{"text":"c","ok":false}]}`,
			"failed: a, and 2 more", "1 request"},
		{"stopped early", `{"verdict":"fail","stopped":"abort","why":"stopped early: errors.rate > 0.5: errors.rate = 1","duration":3.1,"requests":30,"errorRate":1,
			"gates":[{"text":"errors.rate <= 0.01","value":1,"ok":false}]}`,
			"failed, stopped after 3.1 s: errors.rate > 0.5: errors.rate = 1", "30 requests at 9.68/s, 100 % errors"},
		{"inconclusive", `{"verdict":"inconclusive","why":"the load generator was the bottleneck: no CPU",` + numbers + `,"gates":[{"text":"a","ok":false}]}`,
			"inconclusive: the load generator was the bottleneck: no CPU", "1,204 requests at 97.9/s, no errors, p95 41 ms"},
		{"both versions", `{"verdict":"pass",` + numbers + `,"canary":{` + numbers + `},"stable":{"requests":1204,"errorRate":0.00001,"latency":{"p95":20}}}`,
			"passed", "1,204 requests at 97.9/s, no errors (stable: < 0.01 % errors), p95 41 ms, stable 20 ms (×2.05)"},
		{"a version that took no time has no ratio", `{"verdict":"pass","requests":2,"latency":{"p95":3},"stable":{"latency":{"p95":0}}}`,
			"passed", "2 requests, p95 3 ms, stable 0 ms"},
		{"a program that does not judge", `{"requests":1234567,"latency":{"p95":1500}}`, "", "1,234,567 requests, p95 1,500 ms"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := ReadLoad(tree(t, c.report))
			if diff := cmp.Diff(c.says+"\n"+c.figures, l.Says()+"\n"+l.Figures()); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			again := LoadOf(&api.Measurement{Metadata: map[string]string{api.EvidenceReport: l.Note()}})
			if diff := cmp.Diff(l, again); diff != "" {
				t.Errorf("what was kept (-read +kept):\n%s", diff)
			}
		})
	}
}

func TestWhatIsNoLoadTestIsLeftAlone(t *testing.T) {
	for _, report := range []string{`{}`, `{"requests":5}`, `{"requests":"many","verdict":"pass"}`, `{"latency":{"p95":3}}`} {
		if l := ReadLoad(tree(t, report)); l != nil {
			t.Errorf("%s is taken for a load test: %+v", report, l)
		}
		if l := LoadOf(&api.Measurement{Metadata: map[string]string{api.EvidenceReport: report}}); l != nil {
			t.Errorf("%s of a measurement is taken for a load test: %+v", report, l)
		}
	}
}

func TestFiguresStandBehindAMessage(t *testing.T) {
	l := ReadLoad(tree(t, `{"verdict":"fail","requests":3}`))
	for message, want := range map[string]string{
		"The load test failed: a.": "The load test failed: a (3 requests).",
		"a is false":               "a is false (3 requests)",
		"":                         "",
	} {
		if got := l.With(message); got != want {
			t.Errorf("%q becomes %q, want %q", message, got, want)
		}
	}
	if got := l.With(strings.Repeat("x", 5000)); len(got) > MaxText || !strings.HasSuffix(got, " (3 requests)") {
		t.Errorf("a long message has %d bytes: …%s", len(got), got[max(0, len(got)-40):])
	}
}

func TestLawWhatIsKeptOfALoadTestIsBounded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		number := rapid.Float64()
		report := map[string]any{
			"verdict": rapid.SampledFrom([]string{"pass", "fail", "inconclusive", "<"}).Draw(t, "verdict"), "why": drawText(t, "why"), "stopped": drawText(t, "stopped"),
			"requests": number.Draw(t, "requests"), "duration": number.Draw(t, "duration"), "errorRate": number.Draw(t, "errorRate"),
		}
		latency := map[string]any{}
		for _, q := range []string{"p50", "p90", "p95", "p99", "p999", "max"} {
			latency[q] = number.Draw(t, q)
		}
		side := map[string]any{"requests": number.Draw(t, "side"), "errorRate": number.Draw(t, "side"), "latency": latency}
		report["latency"], report["canary"], report["stable"] = latency, side, side
		var gates []any
		for range rapid.IntRange(0, 5).Draw(t, "gates") {
			gates = append(gates, map[string]any{"text": drawText(t, "gate"), "value": number.Draw(t, "value"), "ok": rapid.Bool().Draw(t, "ok")})
		}
		report["gates"] = gates
		l := ReadLoad(report)
		if l == nil {
			return
		}
		if note := l.Note(); len(note) > MaxLoad || !json.Valid([]byte(note)) {
			t.Fatalf("%d bytes are kept: %s", len(note), note)
		}
		if said := l.Says() + l.Figures(); len(said) > MaxText {
			t.Fatalf("%d bytes are said: %s", len(said), said)
		}
		if got := l.With("a."); len(got) > MaxText {
			t.Fatalf("a message has %d bytes", len(got))
		}
	})
}
