package docs_test

import (
	"os"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/judge"
)

// signs are the measurements in the table of limits.
var signs = map[string]api.AnalysisPhase{
	"✔": api.AnalysisPhaseSuccessful, "✖": api.AnalysisPhaseFailed, "?": api.AnalysisPhaseInconclusive, "!": api.AnalysisPhaseError,
}

// The table of what a metric comes to is played row by row: it must come to that with the last
// measurement, and not before.
func TestTheTableOfLimitsIsTrue(t *testing.T) {
	raw, err := os.ReadFile("analysis.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, found := strings.Cut(string(raw), "| metric | measurements | comes to | because |\n|---|---|---|---|\n")
	if !found {
		t.Fatal("analysis.md has no table of limits")
	}
	rows := 0
	for _, line := range strings.Split(table, "\n") {
		cells := strings.Split(line, "|")
		if len(cells) != 6 {
			break
		}
		rows++
		metric, measurements, want := strings.Trim(cells[1], " `"), strings.Fields(cells[2]), strings.TrimSpace(cells[3])
		for n := range measurements {
			got := comesTo(t, metric, measurements[:n+1])
			if last := n == len(measurements)-1; last != (got == api.AnalysisPhase(want)) || !last && got.Completed() {
				t.Errorf("%s after %s is %s; the table says %s after %s", metric, measurements[:n+1], got, want, measurements)
			}
		}
	}
	if rows < 15 {
		t.Errorf("only %d rows were found", rows)
	}
}

func comesTo(t *testing.T, metric string, measurements []string) api.AnalysisPhase {
	t.Helper()
	var m api.Metric
	if err := yaml.UnmarshalStrict([]byte(metric), &m); err != nil {
		t.Fatalf("%s: %v", metric, err)
	}
	ends := map[string]judge.Stop{"stopped": judge.Stopped, "terminated": judge.StoppedByHand}
	result, stop := api.MetricResult{}, judge.GoesOn
	for _, sign := range measurements {
		if stop = ends[sign]; stop != judge.GoesOn {
			break
		}
		phase, known := signs[sign]
		if !known {
			t.Fatalf("%q is no measurement", sign)
		}
		result = judge.Count(result, phase)
		result.Measurements = append(result.Measurements, api.Measurement{Phase: phase, FinishedAt: &metav1.Time{}})
	}
	phase, _ := judge.MetricPhase(m, result, stop)
	return phase
}
