// Package report shows a load test's numbers to people and to Artillery's readers.
package report

import (
	"fmt"
	"io"
	"math"
	"sort"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"sluice.dev/sluice/internal/load/gate"
	"sluice.dev/sluice/internal/load/result"
	"sluice.dev/sluice/internal/load/series"
	"sluice.dev/sluice/internal/load/stats"
	"sluice.dev/sluice/internal/load/verdict"
)

// column is where the values of a block begin.
const column = 80

// Console writes blocks of dotted lines, as Artillery does.
type Console struct {
	W io.Writer
	// Hidden is the beginning of names that are not shown; empty shows all.
	Hidden string
}

// Period writes the numbers of one period.
func (c Console) Period(s *stats.Set, to time.Time) error {
	first, last := s.Span()
	title := fmt.Sprintf("Metrics for period to: %s (width: %.3gs)", clock(to), last.Sub(first).Seconds())
	return c.block(title, s)
}

// Summary writes the numbers of the whole test.
func (c Console) Summary(s *stats.Set, at time.Time) error {
	return c.block("Summary report @ "+clock(at), s)
}

func clock(t time.Time) string { return t.Format("15:04:05(-0700)") }

func (c Console) block(title string, s *stats.Set) error {
	var b strings.Builder
	rule := strings.Repeat("-", len(title))
	fmt.Fprintf(&b, "%s\n%s\n%s\n\n", rule, title, rule)
	rows := map[string]string{}
	for name, n := range s.Counters() {
		rows[name] = row(name, strconv.FormatInt(n, 10))
	}
	if rate, ok := s.RequestRate(); ok {
		rows[series.RequestRate] = row(series.RequestRate, strconv.FormatFloat(math.Round(rate), 'f', -1, 64)+"/sec")
	}
	if score, ok := s.Apdex(); ok {
		rows[series.Apdex] = row(series.Apdex, strconv.FormatFloat(math.Round(score*1000)/1000, 'f', -1, 64))
	}
	for name, summary := range s.Summaries() {
		rows[name] = summaryRows(name, summary)
	}
	for _, name := range sorted(rows) {
		if shown(name, c.Hidden) {
			b.WriteString(rows[name])
		}
	}
	b.WriteByte('\n')
	_, err := io.WriteString(c.W, b.String())
	return err
}

// shown leaves the series per phase out of every report.
func shown(name, hidden string) bool {
	return !strings.HasPrefix(name, series.PhasePrefix) && (hidden == "" || !strings.HasPrefix(name, hidden))
}

func row(label, v string) string {
	dots := max(2, column-len(label)-2)
	return label + ": " + strings.Repeat(".", dots) + " " + v + "\n"
}

func summaryRows(name string, s stats.Summary) string {
	var b strings.Builder
	b.WriteString(name + ":\n")
	for _, statistic := range []string{"min", "max", "mean", "median", "p95", "p99"} {
		v, _ := s.Value(statistic)
		b.WriteString(row("  "+statistic, number(v)))
	}
	return b.String()
}

// number shows a value with one decimal, as Artillery does.
func number(v float64) string { return strconv.FormatFloat(oneDecimal(v), 'f', -1, 64) }

func oneDecimal(v float64) float64 { return math.Round(v*10) / 10 }

func sorted[V any](m map[string]V) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

// Checks writes how the gates came out, with the values they looked at.
func (c Console) Checks(outcomes []gate.Outcome) error {
	if len(outcomes) == 0 {
		return nil
	}
	var b strings.Builder
	b.WriteString("Checks:\n")
	for _, o := range outcomes {
		word := "ok"
		if !o.OK {
			word = "fail"
		}
		if o.Unjudged {
			word = "open"
		}
		kind := ""
		switch {
		case !o.Strict:
			kind = " (optional)"
		case o.Default:
			kind = " (default)"
		}
		fmt.Fprintf(&b, "%s: %s%s\n", word, verdict.Explain(o), kind)
	}
	b.WriteByte('\n')
	_, err := io.WriteString(c.W, b.String())
	return err
}

// Comparison writes the canary's numbers beside the stable version's.
func (c Console) Comparison(r result.Result) error {
	var b strings.Builder
	t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "\tcanary\tstable\tratio")
	tree := r.Tree()
	for _, row := range []struct{ label, group, name string }{
		{"requests", "", "requests"}, {"error rate", "errors", "rate"},
		{"latency p50, ms", "latency", "p50"}, {"latency p95, ms", "latency", "p95"}, {"latency p99, ms", "latency", "p99"},
	} {
		fmt.Fprint(t, row.label)
		for _, side := range []string{"canary", "stable", "ratio"} {
			fmt.Fprint(t, "\t"+cell(tree[side], row.group, row.name))
		}
		fmt.Fprintln(t)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if r.Stable != nil && r.Stable.Why != "" {
		fmt.Fprintf(&b, "The stable version could not be measured: %s\n", r.Stable.Why)
	}
	b.WriteByte('\n')
	_, err := io.WriteString(c.W, b.String())
	return err
}

// cell shows one number of a side, "-" where there is none.
func cell(side any, group, name string) string {
	m, _ := side.(map[string]any)
	if group != "" {
		m, _ = m[group].(map[string]any)
	}
	v, ok := m[name].(float64)
	if !ok {
		return "-"
	}
	return strconv.FormatFloat(result.Round(v, 4), 'f', -1, 64)
}
