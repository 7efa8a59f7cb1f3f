package evidence

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/judge"
)

var noon = metav1.Time{Time: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}

// drawText is a text of any length, some of characters that JSON writes with six bytes.
func drawText(t *rapid.T, label string) string {
	unit := rapid.SampledFrom([]string{"a", "<", "😀", "\x01", "\"", "\xff", "é"}).Draw(t, label+" of")
	return strings.Repeat(unit, rapid.SampledFrom([]int{0, 1, 50, 600, 5000}).Draw(t, label+" long"))
}

func drawDecision(t *rapid.T) api.Decision {
	d := api.Decision{
		At: noon, Reason: drawText(t, "reason"), Message: drawText(t, "message"), Revision: drawText(t, "revision"),
		Step: new(rapid.Int32().Draw(t, "step")), Weight: new(rapid.Int32().Draw(t, "weight")),
	}
	for range rapid.IntRange(0, 20).Draw(t, "evidence") {
		d.Evidence = append(d.Evidence, api.Evidence{
			Run: drawText(t, "run"), Metric: drawText(t, "metric"), Phase: api.AnalysisPhaseFailed, Value: drawText(t, "value"),
			Condition: drawText(t, "condition"), Threshold: drawText(t, "threshold"), Limit: drawText(t, "limit"),
			Message: drawText(t, "said"), At: &noon,
		})
	}
	return d
}

func TestLawDecisionsAreBounded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var decisions []api.Decision
		for range rapid.IntRange(1, 15).Draw(t, "decisions") {
			decisions = Append(decisions, drawDecision(t), none)
		}
		if len(decisions) > api.MaxDecisions {
			t.Fatalf("%d decisions", len(decisions))
		}
		for _, d := range decisions {
			text, err := json.Marshal(d)
			if err != nil || len(text) > MaxDecision {
				t.Fatalf("a decision has %d bytes (%v): %s", len(text), err, text)
			}
		}
	})
}

func TestAppendKeepsTheNewestAndDoesNotRepeat(t *testing.T) {
	var decisions []api.Decision
	for i := range 25 {
		d := api.Decision{At: noon, Reason: "Step", Message: fmt.Sprintf("step %d", i/2)}
		decisions = Append(decisions, d, none)
	}
	var got []string
	for _, d := range decisions {
		got = append(got, d.Message)
	}
	want := []string{"step 3", "step 4", "step 5", "step 6", "step 7", "step 8", "step 9", "step 10", "step 11", "step 12"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("decisions (-want +got):\n%s", diff)
	}
}

// none pins nothing.
func none(api.Decision) bool { return false }

func TestAppendKeepsPinnedDecisionsLonger(t *testing.T) {
	pinned := func(d api.Decision) bool { return d.Reason == "Pinned" }
	add := func(decisions []api.Decision, reason string, from, to int) []api.Decision {
		for i := from; i <= to; i++ {
			decisions = Append(decisions, api.Decision{Reason: reason, Message: fmt.Sprint(i)}, pinned)
		}
		return decisions
	}
	told := func(decisions []api.Decision) string {
		text := ""
		for _, d := range decisions {
			text += " " + d.Reason[:1] + d.Message
		}
		return text
	}
	decisions := add(add(nil, "Pinned", 1, 2), "Step", 1, 30)
	if got, want := told(decisions), " P1 P2 S23 S24 S25 S26 S27 S28 S29 S30"; got != want {
		t.Errorf("remembers%s, want%s", got, want)
	}
	decisions = add(decisions, "Pinned", 3, 20)
	decisions = add(decisions, "Step", 31, 36)
	if got, want := told(decisions), " P16 P17 P18 P19 P20 S32 S33 S34 S35 S36"; len(decisions) != api.MaxDecisions || got != want {
		t.Errorf("remembers%s, want%s", got, want)
	}
}

func TestAppendLeavesTheGivenSliceAlone(t *testing.T) {
	before := make([]api.Decision, 3, 20)
	Append(before, api.Decision{Reason: "New"}, none)
	if before[:4][3].Reason != "" {
		t.Error("the slice of the caller was written to")
	}
}

func TestAppendKeepsTheDecidingEvidence(t *testing.T) {
	d := api.Decision{Reason: "Aborted", Message: "the query failed"}
	for i := range 20 {
		d.Evidence = append(d.Evidence, api.Evidence{Metric: fmt.Sprintf("m%d", i), Message: strings.Repeat("x", 200)})
	}
	got := Append(nil, d, none)[0]
	if len(got.Evidence) == 0 || got.Evidence[0].Metric != "m0" || got.Message != d.Message {
		t.Errorf("what decided was dropped: %+v", got)
	}
}

func drawRun(t *rapid.T) *api.AnalysisRun {
	run := &api.AnalysisRun{}
	run.Name = "run"
	run.Status.Message = drawText(t, "message")
	text := drawText(t, "text")
	for i := range rapid.SampledFrom([]int{0, 1, 3, 40}).Draw(t, "metrics") {
		name := fmt.Sprintf("metric-%d", i)
		run.Spec.Metrics = append(run.Spec.Metrics, api.Metric{Name: name, SuccessCondition: "result < 5"})
		result := api.MetricResult{Name: name, Phase: api.AnalysisPhaseRunning, Message: text,
			Metadata: map[string]string{api.MetadataResolvedPrometheusQuery: text}}
		for j := range rapid.SampledFrom([]int{1, 5, 12}).Draw(t, "measurements") {
			result.Measurements = append(result.Measurements, api.Measurement{
				Phase: api.AnalysisPhaseFailed, Message: text, Value: text, StartedAt: &noon, FinishedAt: &noon,
				Metadata: map[string]string{api.MetadataJobName: fmt.Sprintf("job-%d-%d", i, j), api.EvidenceReport: text, "other": text},
			})
		}
		run.Status.MetricResults = append(run.Status.MetricResults, result)
	}
	return run
}

func TestLawARunIsBounded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		run := drawRun(t)
		before := run.DeepCopy()
		keep := map[string]int{"metric-0": rapid.IntRange(-1, 50).Draw(t, "keep")}
		status := Run(run, keep)
		if diff := cmp.Diff(before, run); diff != "" {
			t.Fatalf("the given run was changed:\n%s", diff)
		}
		whole := *run
		whole.Status = status
		if got := size(whole); got > MaxRun {
			t.Fatalf("the run has %d bytes with %d metrics", got, len(run.Spec.Metrics))
		}
		for i, result := range status.MetricResults {
			original := run.Status.MetricResults[i].Measurements
			if len(result.Measurements) == 0 {
				t.Fatalf("metric %d lost its newest measurement", i)
			}
			newest := result.Measurements[len(result.Measurements)-1].Metadata[api.MetadataJobName]
			if want := original[len(original)-1].Metadata[api.MetadataJobName]; newest != want {
				t.Fatalf("the newest measurement is of Job %q, want %q", newest, want)
			}
			for _, m := range result.Measurements {
				if len(m.Value) > MaxText || len(m.Message) > MaxText {
					t.Fatalf("a value has %d bytes, a message %d", len(m.Value), len(m.Message))
				}
			}
		}
		if diff := cmp.Diff(status, Run(&whole, keep)); diff != "" && len(run.Spec.Metrics) < 10 {
			t.Fatalf("bounding twice changes more:\n%s", diff)
		}
	})
}

func TestTheLargestRunIsBounded(t *testing.T) {
	run := &api.AnalysisRun{}
	for i := range 256 {
		result := api.MetricResult{Name: fmt.Sprintf("metric-%d", i)}
		for range 10 {
			result.Measurements = append(result.Measurements, api.Measurement{
				Phase: api.AnalysisPhaseFailed, Message: strings.Repeat("x", 900), Value: strings.Repeat("<", 900), FinishedAt: &noon,
			})
		}
		run.Spec.Metrics = append(run.Spec.Metrics, api.Metric{Name: result.Name})
		run.Status.MetricResults = append(run.Status.MetricResults, result)
	}
	run.Status = Run(run, nil)
	if got := size(run); got > MaxRun {
		t.Errorf("the run has %d bytes", got)
	}
}

func TestRunKeepsTheNewestMeasurements(t *testing.T) {
	run := &api.AnalysisRun{}
	for _, name := range []string{"default", "two"} {
		result := api.MetricResult{Name: name, Count: 30}
		for i := range 30 {
			result.Measurements = append(result.Measurements, api.Measurement{Value: fmt.Sprint(i)})
		}
		run.Status.MetricResults = append(run.Status.MetricResults, result)
	}
	status := Run(run, map[string]int{"two": 2})
	var got []string
	for _, result := range status.MetricResults {
		first := result.Measurements[0].Value
		got = append(got, fmt.Sprintf("%s: %d of %d from %s", result.Name, len(result.Measurements), result.Count, first))
	}
	if diff := cmp.Diff([]string{"default: 10 of 30 from 20", "two: 2 of 30 from 28"}, got); diff != "" {
		t.Errorf("measurements (-want +got):\n%s", diff)
	}
}

func TestThreshold(t *testing.T) {
	for want, e := range map[string]judge.Evidence{
		"0.0091 > 0.004": {Value: "0.0091", Limit: "0.004"},
		"0.001 < 0.004":  {Value: "0.001", Limit: "0.004"},
		"1 == 1":         {Value: "1", Limit: "1"},
		`"a" != "b"`:     {Value: `"a"`, Limit: `"b"`},
	} {
		if got := Threshold(e); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestNoteBecomesTheEvidenceOfADecision(t *testing.T) {
	note := Note(&judge.Evidence{Condition: "result[0] <= 0.004", Value: "0.0091", Limit: "0.004", Series: "1 of 3"})
	got := Of("run-1", "cpu", "failed (1) > failureLimit (0)", api.Measurement{
		Phase: api.AnalysisPhaseFailed, Value: "[0.0091]", Metadata: note, FinishedAt: &noon,
	})
	want := api.Evidence{
		Run: "run-1", Metric: "cpu", Phase: api.AnalysisPhaseFailed, Value: "[0.0091]", Condition: "result[0] <= 0.004",
		Threshold: "0.0091 > 0.004", Limit: "failed (1) > failureLimit (0)", At: &noon,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("evidence (-want +got):\n%s", diff)
	}
	if Note(nil) != nil {
		t.Error("no evidence leaves no note")
	}
}
