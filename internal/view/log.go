package view

import (
	"strings"

	api "sluice.dev/sluice/api/v1alpha1"
)

// log is the end of a container's log, line by line as it was written.
func (p *Page) log(text, indent string) {
	if text == "" {
		return
	}
	p.add(Span{indent, Plain}, Span{"the end of its log:", Faint})
	for line := range strings.Lines(text) {
		line = strings.ReplaceAll(strings.TrimRight(line, "\n"), "\t", "    ")
		p.add(Span{indent + "│ ", Faint}, Span{line, Plain})
	}
}

// newestLog is the log that is kept with a metric's newest measurement that has one.
func newestLog(result *api.MetricResult) (measurement int, text string) {
	for i := len(result.Measurements) - 1; i >= 0; i-- {
		if text := result.Measurements[i].Metadata[api.EvidenceLog]; text != "" {
			return i, text
		}
	}
	return -1, ""
}

// logOf is what the Job behind a piece of evidence wrote last, "" when that is not known.
func (s Scene) logOf(e *api.Evidence) string {
	run := s.run(e.Run)
	if run == nil || e.Phase == api.AnalysisPhaseSuccessful {
		return ""
	}
	result := resultOf(run, e.Metric)
	_, text := newestLog(&result)
	return text
}
