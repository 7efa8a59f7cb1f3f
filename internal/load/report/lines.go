package report

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"sluice.dev/sluice/internal/load/result"
	"sluice.dev/sluice/internal/load/series"
	"sluice.dev/sluice/internal/load/stats"
)

// Second is what was recorded in about a second.
type Second struct {
	At      time.Time
	Elapsed time.Duration
	// Stable says that the numbers are the stable version's.
	Stable bool
	// Active is how many users are under way.
	Active int64
	Set    *stats.Set
}

// Line writes a second as one line of JSON.
func Line(w io.Writer, s Second) error {
	line := struct {
		At       float64          `json:"t"`
		Elapsed  float64          `json:"s"`
		Side     string           `json:"side,omitempty"`
		Arrivals int64            `json:"arr"`
		Active   int64            `json:"active"`
		Requests int64            `json:"req"`
		Codes    map[string]int64 `json:"codes,omitempty"`
		Errors   map[string]int64 `json:"err,omitempty"`
		P50      *float64         `json:"p50,omitempty"`
		P95      *float64         `json:"p95,omitempty"`
		P99      *float64         `json:"p99,omitempty"`
	}{
		At: result.Round(float64(s.At.UnixMilli())/1000, 3), Elapsed: result.Round(s.Elapsed.Seconds(), 3),
		Arrivals: s.Set.Counter(series.VUsersCreated), Active: s.Active, Requests: s.Set.Counter(series.Requests),
		Codes: result.Suffixes(s.Set, series.Codes), Errors: result.Suffixes(s.Set, series.ErrorClass),
	}
	if s.Stable {
		line.Side = "stable"
	}
	if q := result.QuantilesOf(s.Set, series.Duration); q != nil {
		line.P50, line.P95, line.P99 = &q.P50, &q.P95, &q.P99
	}
	return writeLine(w, line)
}

// LastLine writes the result as the last of the lines.
func LastLine(w io.Writer, r result.Result) error {
	return writeLine(w, struct {
		Result result.Result `json:"result"`
	}{r})
}

func writeLine(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return fmt.Errorf("writing a line: %w", err)
	}
	return nil
}
