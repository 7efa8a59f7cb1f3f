package report

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"sluice.dev/sluice/internal/load/series"
	"sluice.dev/sluice/internal/load/stats"
)

func TestTheLineSaysWhatMattersMostInTheRoomThereIs(t *testing.T) {
	var out strings.Builder
	p := Progress{W: &out, Plain: true, Length: time.Minute, Bands: []Band{{"Warm up", 0, 10 * time.Second}, {"Burn", 10 * time.Second, time.Minute}}}
	for range 12 {
		s := stats.NewSet()
		s.Count(series.VUsersCreated, 10)
		s.Count(series.VUsersCompleted, 9)
		s.Count(series.Requests, 30)
		s.Count(series.Codes+"200", 29)
		s.Count(series.Codes+"503", 1)
		s.Time(series.Duration, 12*time.Millisecond)
		p.Add(s, 250*time.Millisecond)
	}
	var lines []string
	for _, columns := range []int{200, 100, 82, 62, 42, 24, 12, 5, 0} {
		line := p.compose(30*time.Second, columns)
		if n := utf8.RuneCountInString(line); n > max(0, columns-spare) {
			t.Errorf("in %d columns the line has %d: %s", columns, n, line)
		}
		lines = append(lines, line)
	}
	want := []string{
		"30s/1:00  ━━━━━━━━━━━━━━━───────────────  Burn  120 req/s  p50 12.0 ms  p95 12.0 ms  errors 12 (3.33 %)  users 12",
		"30s/1:00  ━━━━━━━───────  Burn  120 req/s  p50 12.0 ms  p95 12.0 ms  errors 12 (3.33 %)  users 12",
		"30s/1:00  ━━━───  Burn  120 req/s  p50 12.0 ms  p95 12.0 ms  errors 12 (3.33 %)",
		"30s/1:00  Burn  120 req/s  p95 12.0 ms  errors 12 (3.33 %)",
		"30s/1:00  120 req/s  errors 12 (3.33 %)",
		"30s/1:00  120 req/s",
		"30s/1:00",
		"",
		"",
	}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestTheLineIsRedrawnInPlaceAndGoesAway(t *testing.T) {
	var out strings.Builder
	p := Progress{W: &out, Width: func() int { return 32 }, Plain: true, Length: 10 * time.Second}
	for _, err := range []error{p.Draw(0), p.Draw(0), p.Draw(2 * time.Second), p.Clear(), p.Clear(), p.Draw(11 * time.Second), p.Clear()} {
		if err != nil {
			t.Fatal(err)
		}
	}
	want := "0s/10s  0 req/s  errors 0" + "\r\x1b[K2s/10s  0 req/s  errors 0" + "\r\x1b[K" +
		"11s/10s  0 req/s  errors 0" + "\r\x1b[K"
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestOnlyErrorsAreRedAndNamesMoveNoCursor(t *testing.T) {
	var out strings.Builder
	p := Progress{W: &out, Length: 10 * time.Second, Bands: []Band{{"a\x1b[2Jb\nc", 0, 10 * time.Second}}}
	s := stats.NewSet()
	s.Count(series.Requests, 1)
	s.Count(series.ErrorClass+"conn_refused", 1)
	p.Add(s, time.Second)
	line := p.compose(time.Second, 120)
	if !strings.Contains(line, "\x1b[31merrors 1 (100 %)\x1b[0m") || strings.Contains(line, "\x1b[2J") || strings.Contains(line, "\n") {
		t.Errorf("%q", line)
	}
	p.Plain = true
	if line := p.compose(time.Second, 120); strings.Contains(line, "\x1b") {
		t.Errorf("%q", line)
	}
}
