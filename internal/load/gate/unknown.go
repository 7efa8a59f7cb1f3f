package gate

import (
	"fmt"
	"slices"
	"strings"

	"sluice.dev/sluice/internal/load/series"
	"sluice.dev/sluice/internal/load/suggest"
)

// UnknownMetricError says that no run of the script can have a metric.
type UnknownMetricError struct {
	Name string
	// Column counts from 1 within an expression; 0 when the name stands alone.
	Column int
	// Near is the metric that may have been meant, or empty.
	Near string
	// Has is what can be asked of a time instead, empty of what is none.
	Has string
}

func unknownMetric(name string, column int, known *series.Catalogue) UnknownMetricError {
	e := UnknownMetricError{Name: name, Column: column, Near: nearest(name, known)}
	base, _, _ := cutLast(name)
	if kind, timed := known.Kind(base + "." + series.Statistics()[0]); e.Near == "" && timed && kind == series.Histogram {
		e.Has = strings.Join(series.Statistics(), ", ")
	}
	return e
}

// nearest is the known name that was meant, or "". A class of errors by itself means that class.
func nearest(name string, known *series.Catalogue) string {
	if class, ok := strings.CutPrefix(name, series.Errors); ok && slices.Contains(series.Classes(), class) {
		return series.ErrorClass + class
	}
	base, statistic, _ := cutLast(name)
	_, timed := known.Kind(base + "." + series.Statistics()[0])
	switch {
	case timed:
		return ""
	case slices.Contains(series.Statistics(), statistic) && (base == "" || slices.Contains(times, base)):
		return series.ResponseTime + "." + statistic
	}
	return suggest.Nearest(name, known.Names())
}

// times are what people call the time of an answer elsewhere, also in conditions of an analysis.
var times = []string{"latency", "report.latency", "report.firstByte", "response_time", "responseTime", "http.latency", "duration"}

// cutLast cuts a name at its last dot. Without one all of it is behind.
func cutLast(name string) (before, behind string, found bool) {
	i := strings.LastIndexByte(name, '.')
	return name[:max(i, 0)], name[i+1:], i >= 0
}

// Text says what is wrong.
func (e UnknownMetricError) Text() string {
	if e.Column > 0 {
		return fmt.Sprintf("column %d: unknown metric %q", e.Column, e.Name)
	}
	return fmt.Sprintf("unknown metric %q", e.Name)
}

// Instead says what to write, or "".
func (e UnknownMetricError) Instead() string {
	switch {
	case series.NotACode(e.Name):
		return "a status code has three digits, as " + series.Codes + "503; all of a class are counted by " + series.Codes + "5xx"
	case e.Near != "":
	case e.Has != "":
		return "it has " + e.Has
	case strings.HasPrefix(e.Name, series.Errors) || strings.HasPrefix(e.Name, series.ErrorClass):
		return "write " + series.ErrorRate + " for the share of requests that went wrong, or one class: " +
			series.ErrorClass + strings.Join(series.Classes(), ", "+series.ErrorClass)
	default:
		return ""
	}
	return "did you mean " + e.Near + "?"
}

func (e UnknownMetricError) Error() string {
	return strings.TrimSuffix(e.Text()+"; "+e.Instead(), "; ")
}

// Custom lists the metrics that only a script's processor can make, each once.
func (c Check) Custom() []string {
	var names []string
	for _, name := range c.Names() {
		if c.known.IsCustom(name) {
			names = append(names, name)
		}
	}
	return names
}
