// Package loadreport reads what load generators report into one tree of names.
package loadreport

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/load/result"
)

// MaxSize is how long a report may be, in bytes.
const MaxSize = 1 << 20

// raw is where the document itself stands in the tree.
const raw = "raw"

// Parse reads a report. The tree has the names that sluice-load's own result has, whoever the report is from: a condition
// goes on meaning the same when the generator is replaced. What the document does not say is not there, never 0. The
// document itself stands under "raw", unless its names are those of the tree.
func Parse(format api.ReportFormat, text []byte) (map[string]any, error) {
	if len(text) > MaxSize {
		return nil, fmt.Errorf("it has %d bytes, and %d are the most", len(text), MaxSize)
	}
	text = bytes.TrimSpace(text)
	if len(text) == 0 {
		return nil, errors.New("there is none")
	}
	var document map[string]any
	if err := json.Unmarshal(text, &document); err != nil || document == nil {
		return nil, fmt.Errorf("it is no JSON object: %w", orNull(err))
	}
	if format == api.ReportJSON {
		return document, nil
	}
	if format == api.ReportResult {
		test, err := result.Parse(text)
		if err != nil {
			return nil, err
		}
		return test.Tree(), nil
	}
	read, known := generators[format]
	if !known {
		return nil, fmt.Errorf("its format %q is not known", format)
	}
	t := tree{}
	if err := read(text, t); err != nil {
		return nil, err
	}
	t[raw] = document
	return t, nil
}

func orNull(err error) error {
	if err == nil {
		return errors.New("it is null")
	}
	return err
}

// generators read the reports of other people's programs.
var generators = map[api.ReportFormat]func(text []byte, t tree) error{
	api.ReportK6:        k6,
	api.ReportVegeta:    vegeta,
	api.ReportFortio:    fortio,
	api.ReportGhz:       ghz,
	api.ReportArtillery: artillery,
}

// Shown is a report without the document it was made from, which may be long.
func Shown(report map[string]any) map[string]any {
	if report == nil {
		return nil
	}
	shown := make(map[string]any, len(report))
	for name, value := range report {
		if name != raw {
			shown[name] = value
		}
	}
	return shown
}

// Bounds of the search for a report in a log.
const (
	maxTries = 256
	maxRead  = 8 * MaxSize // of all tries together
)

// Last finds the last report in a log. One begins with a brace at the beginning of a line, and may span many.
func Last(format api.ReportFormat, log []byte) (map[string]any, error) {
	if len(log) > MaxSize {
		log = log[len(log)-MaxSize:]
	}
	var first error
	budget := maxRead
	end := len(log)
	for range maxTries {
		begin := lastBrace(log[:end])
		if begin < 0 || budget <= 0 {
			break
		}
		decoder := json.NewDecoder(bytes.NewReader(log[begin:]))
		var object json.RawMessage
		err := decoder.Decode(&object)
		budget -= max(int(decoder.InputOffset()), len(object), len(log[begin:end]))
		if err == nil {
			var report map[string]any
			if report, err = Parse(format, object); err == nil {
				return report, nil
			}
		}
		if first == nil {
			first = err
		}
		end = begin
	}
	if first != nil {
		return nil, fmt.Errorf("the last JSON object in the log is none: %w", first)
	}
	return nil, errors.New("the log holds no JSON object")
}

// lastBrace is where the last line begins that begins with a brace, -1 when there is none.
func lastBrace(log []byte) int {
	if at := bytes.LastIndex(log, []byte("\n{")); at >= 0 {
		return at + 1
	}
	if bytes.HasPrefix(log, []byte("{")) {
		return 0
	}
	return -1
}
