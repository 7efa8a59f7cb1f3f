package evidence

import (
	"maps"
	"slices"
	"strings"

	api "sluice.dev/sluice/api/v1alpha1"
)

// Bounds of an AnalysisRun.
const (
	// MaxRun is the size of a whole AnalysisRun as JSON, in bytes.
	MaxRun = 128 << 10
	// MaxText is the length of a measured value or a message, in bytes.
	MaxText = 1 << 10
	// MaxQuery is the length of a query, in bytes.
	MaxQuery = 2 << 10
	// MaxLog is the length of what is kept of a log, in bytes.
	MaxLog = 2 << 10
	// MaxReport is the length of a Job's report, in bytes: what a container can leave behind.
	MaxReport = 4 << 10
	// Kept is how many measurements of a metric are kept when no rule says otherwise.
	Kept = api.DefaultRetention
	// MaxKept is how many measurements a rule can ask for.
	MaxKept = api.MaxRetention

	leastStatus = 32 << 10 // what a status may take when the spec has used up everything
	maxNotes    = 24       // entries of one metadata
)

// Run cuts the status of a run so that the whole object keeps within MaxRun: the newest measurements
// stay, keep says how many of each metric (absent = Kept), and the longest texts go first. The
// newest measurement of each metric is never dropped. The given run is not changed.
func Run(run *api.AnalysisRun, keep map[string]int) api.AnalysisRunStatus {
	rest := *run
	rest.Status = api.AnalysisRunStatus{}
	budget := max(MaxRun-size(rest), leastStatus)

	status := *run.Status.DeepCopy()
	for i := range status.MetricResults {
		result := &status.MetricResults[i]
		n, ok := keep[result.Name]
		if !ok || n <= 0 {
			n = Kept
		}
		retain(result, min(n, MaxKept))
	}
	for text := MaxText; ; text /= 2 {
		shorten(&status, text)
		if size(status) <= budget || text < 16 {
			return status
		}
		// Texts of a quarter of their length still say why; before they say less, the oldest
		// measurements go.
		if text <= MaxText/4 && dropOldest(&status, budget) {
			return status
		}
	}
}

func retain(result *api.MetricResult, n int) {
	if extra := len(result.Measurements) - n; extra > 0 {
		result.Measurements = slices.Clone(result.Measurements[extra:])
	}
}

// dropOldest halves the longest lists of measurements until the status fits; it says whether it does.
func dropOldest(status *api.AnalysisRunStatus, budget int) bool {
	longest := 0
	for _, result := range status.MetricResults {
		longest = max(longest, len(result.Measurements))
	}
	for longest > 1 {
		longest = longest / 2
		for i := range status.MetricResults {
			retain(&status.MetricResults[i], longest)
		}
		if size(*status) <= budget {
			return true
		}
	}
	return false
}

func shorten(status *api.AnalysisRunStatus, text int) {
	status.Message = Trim(status.Message, text)
	for i := range status.MetricResults {
		result := &status.MetricResults[i]
		result.Message = Trim(result.Message, text)
		result.Metadata = notes(result.Metadata, text)
		for j := range result.Measurements {
			m := &result.Measurements[j]
			m.Message = Trim(m.Message, text)
			m.Value = Trim(m.Value, text)
			m.Metadata = notes(m.Metadata, text)
		}
	}
}

// identity are the entries by which the controller knows its own measurements again: never cut.
var identity = map[string]bool{
	api.MetadataJobName:      true,
	api.MetadataJobNamespace: true,
	api.EvidenceScheduledAt:  true,

	api.EvidenceLoadStartedAt: true,
	api.EvidenceLoadEndedAt:   true,
	api.EvidenceLoadPhases:    true,
}

// notes shortens metadata. Longer texts than others are allowed to a query and a report as long as
// there is room for them.
func notes(metadata map[string]string, text int) map[string]string {
	for n, key := range slices.SortedFunc(maps.Keys(metadata), byWorth) {
		switch {
		case identity[key]:
		case n >= maxNotes || len(key) > MaxText || text < 64:
			delete(metadata, key)
		case key == api.MetadataResolvedPrometheusQuery:
			metadata[key] = Trim(metadata[key], text*(MaxQuery/MaxText))
		case key == api.EvidenceReport:
			metadata[key] = Trim(metadata[key], text*(MaxReport/MaxText))
		case key == api.EvidenceLog:
			metadata[key] = last(metadata[key], text*(MaxLog/MaxText))
		default:
			metadata[key] = Trim(metadata[key], text)
		}
	}
	return metadata
}

// last keeps the end of a text, which is what a log is read for.
func last(text string, n int) string {
	const cut = "…"
	if len(text) <= n {
		return text
	}
	return cut + strings.ToValidUTF8(text[len(text)-n+len(cut):], "")
}

// byWorth orders keys: identity first, then by name.
func byWorth(a, b string) int {
	switch {
	case identity[a] && !identity[b]:
		return -1
	case identity[b] && !identity[a]:
		return 1
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}
