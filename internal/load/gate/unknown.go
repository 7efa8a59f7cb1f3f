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
}

func unknownMetric(name string, column int, known *series.Catalogue) UnknownMetricError {
	return UnknownMetricError{Name: name, Column: column, Near: nearest(name, known)}
}

// nearest is the known name that was meant, or "". A class of errors by itself means that class.
func nearest(name string, known *series.Catalogue) string {
	if class, ok := strings.CutPrefix(name, series.Errors); ok && slices.Contains(series.Classes(), class) {
		return series.ErrorClass + class
	}
	return suggest.Nearest(name, known.Names())
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
