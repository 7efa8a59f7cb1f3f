package view

import (
	"strings"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/evidence"
)

// loadReading is what a load test says of itself. One that passed and is not good all the same did not come up to the
// condition.
func loadReading(metric *api.Metric, m *api.Measurement, load *evidence.Load) string {
	says, threshold := load.Says(), m.Metadata[api.EvidenceThreshold]
	switch {
	case says == "" && metric != nil && isExitCode(metric, m.Value):
		return "exit code " + m.Value
	case load.Verdict == "pass" && m.Phase != api.AnalysisPhaseSuccessful && threshold != "":
		return comparison(threshold, m.Metadata[api.EvidenceCondition], m.Phase)
	}
	return says
}

// loadFigures are the numbers of a load test, one by one; none for other measurements.
func loadFigures(m *api.Measurement, tone Tone) []Span {
	load := evidence.LoadOf(m)
	if load == nil {
		return nil
	}
	var parts []Span
	for _, text := range load.Parts() {
		parts = append(parts, Span{text, tone})
	}
	return parts
}

// loadAwaits is what a load test waits for that is under way and has not begun: a place, its script, its pods. It is ""
// once it sends.
func loadAwaits(metric *api.Metric, m *api.Measurement) string {
	if metric.Provider.LoadTest == nil || m.Message == "" || m.FinishedAt != nil || m.Metadata[api.EvidenceLoadStartedAt] != "" {
		return ""
	}
	return strings.ToLower(m.Message[:1]) + strings.TrimSuffix(m.Message[1:], ".")
}
