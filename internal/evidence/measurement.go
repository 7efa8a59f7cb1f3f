package evidence

import (
	"strconv"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/judge"
)

// Note is what a measurement keeps of its verdict, under the keys of the API. It is nil when there
// is no single comparison that decided.
func Note(e *judge.Evidence) map[string]string {
	if e == nil {
		return nil
	}
	note := map[string]string{
		api.EvidenceCondition: e.Condition,
		api.EvidenceThreshold: Threshold(*e),
	}
	if e.Series != "" {
		note[api.EvidenceSeries] = e.Series
	}
	return note
}

// Threshold is the value beside its limit: "0.0091 > 0.004", "1 != 0".
func Threshold(e judge.Evidence) string {
	relation := "!="
	value, valueErr := strconv.ParseFloat(e.Value, 64)
	limit, limitErr := strconv.ParseFloat(e.Limit, 64)
	switch numbers := valueErr == nil && limitErr == nil; {
	case e.Value == e.Limit:
		relation = "=="
	case numbers && value > limit:
		relation = ">"
	case numbers && value < limit:
		relation = "<"
	}
	return e.Value + " " + relation + " " + e.Limit
}

// Of is a measurement as the evidence of a decision. limit says which limit the metric broke, for
// example "failed (1) > failureLimit (0)"; it may be empty.
func Of(run, metric, limit string, m api.Measurement) api.Evidence {
	e := api.Evidence{
		Run:       run,
		Metric:    metric,
		Phase:     m.Phase,
		Value:     m.Value,
		Condition: m.Metadata[api.EvidenceCondition],
		Threshold: m.Metadata[api.EvidenceThreshold],
		Limit:     limit,
		Message:   m.Message,
		At:        m.FinishedAt,
	}
	if l := LoadOf(&m); l != nil && l.Says() != "" {
		// An exit code beside the one that was asked for says less than the test itself.
		e.Value = l.Says()
		if l.Verdict != "pass" {
			e.Threshold = ""
		}
	}
	return e
}
