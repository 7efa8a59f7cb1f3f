package parity

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// shape lists the keys of a JSON report with the kinds of their values. The
// periods count as one, because how many there are is a matter of the clock.
func shape(report []byte) ([]string, error) {
	var v any
	if err := json.Unmarshal(report, &v); err != nil {
		return nil, fmt.Errorf("reading a report: %w", err)
	}
	found := map[string]bool{}
	outline(v, "", found)
	return slices.Sorted(maps.Keys(found)), nil
}

func outline(v any, path string, found map[string]bool) {
	switch v := v.(type) {
	case map[string]any:
		for key, item := range v {
			outline(item, path+"/"+strings.ReplaceAll(key, "/", "~"), found)
		}
	case []any:
		for _, item := range v {
			outline(item, path+"[]", found)
		}
	case float64:
		found[path+" number"] = true
	default:
		found[fmt.Sprintf("%s %T", path, v)] = true
	}
}

// meantShape are differences of the reports that are meant: the part of a line
// that shows them, and why. Of what only sluice-load has, the file says where it comes from.
var meantShape = []struct{ part, why string }{
	{"/request.duration", "times with connecting and waiting, beside the compatible ones"},
	{"/sluice.", "how late the generator was, and errors by class"},
	{"/sluice/", "the verdict and what it is based on, under a key that Artillery's readers do not look at"},
	{"/rates/apdex ", "the score that gates see"},
	{"[]/http.request_rate <nil>", "a leftover of Artillery's: rates has the number"},
	{"/http.tls/", "without TLS Artillery writes null"},
}

// shapesDiffer compares two reports' shapes.
func shapesDiffer(theirs, ours []string) []string {
	var found []string
	for _, side := range []struct {
		who     string
		has, of []string
	}{{"Artillery", theirs, ours}, {"sluice-load", ours, theirs}} {
		for _, line := range side.has {
			if slices.Contains(side.of, line) {
				continue
			}
			if !slices.ContainsFunc(meantShape, func(m struct{ part, why string }) bool { return strings.Contains(line, m.part) }) {
				found = append(found, "only in the report of "+side.who+": "+line)
			}
		}
	}
	return found
}
