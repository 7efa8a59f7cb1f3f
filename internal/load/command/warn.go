package command

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"sluice.dev/sluice/internal/load/result"
	"sluice.dev/sluice/internal/load/series"
	"sluice.dev/sluice/internal/load/stats"
	"sluice.dev/sluice/internal/load/verdict"
)

// warn says what the exit code does not: what went wrong and why, and what no gate looks at.
func (s *session) warn(res result.Result) {
	for _, text := range append(wrongs(s.sides[0].total, res), s.oddities(res)...) {
		fmt.Fprintf(s.env.Err, "warning: %s\n", text)
	}
}

// wrongs are what requests and users came to grief by, with the first cause of each kind.
func wrongs(total *stats.Set, res result.Result) []string {
	var out []string
	say := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	serverErrors, unanswered := total.Bad()
	lost, other := errorLists(result.Suffixes(total, series.ErrorClass))
	if serverErrors+unanswered > 0 {
		say("%.1f %% of %d requests went wrong: %s", res.ErrorRate*100, res.Requests, wentWrong(serverErrors, unanswered, lost))
	}
	if other != "" {
		say("users failed by what was answered, or by the script: %s", other)
	}
	if n := total.Counter(series.ExpectFailed); n > 0 {
		say("%d expectations were not met", n)
	}
	for _, class := range slices.Sorted(maps.Keys(res.Causes)) {
		say("%s, the first one: %s", class, res.Causes[class])
	}
	if failed := total.Counter(series.VUsersFailed); failed > 0 && failed == total.Counter(series.VUsersCreated) {
		say("not one of the %d virtual users came to the end of its scenario", failed)
	}
	return out
}

// oddities are what people should know of a test whatever its verdict is.
func (s *session) oddities(res result.Result) []string {
	var out []string
	if res.Stable != nil && res.Stable.Why != "" {
		out = append(out, "the stable version could not be measured: "+res.Stable.Why)
	}
	out = append(out, res.Notes...)
	serverErrors, _ := s.sides[0].total.Bad()
	if serverErrors > 0 && res.Verdict == result.Pass && !verdict.LimitsServerErrors(s.plan.scripts[0].Checks) {
		out = append(out, "NO GATE OF THIS SCRIPT LIMITS THE SHARE OF 5xx ANSWERS, so they do not change the exit code; "+
			"add to config.ensure.conditions: expression: \""+series.ErrorRate+" <= 0.01\"")
	}
	return out
}

// wentWrong says how many requests went wrong in which of the two ways.
func wentWrong(serverErrors, unanswered int64, lost string) string {
	var parts []string
	if serverErrors > 0 {
		parts = append(parts, fmt.Sprintf("%d answers 5xx", serverErrors))
	}
	if unanswered > 0 {
		parts = append(parts, fmt.Sprintf("%d without an answer (%s)", unanswered, lost))
	}
	return strings.Join(parts, ", ")
}

// errorLists names the classes of errors with their counts, the most frequent first: those
// of requests without an answer, and the others.
func errorLists(classes map[string]int64) (lost, other string) {
	names := make([]string, 0, len(classes))
	for name := range classes {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		if classes[a] != classes[b] {
			return int(min(1, max(-1, classes[b]-classes[a])))
		}
		return strings.Compare(a, b)
	})
	var without, with []string
	for _, name := range names {
		text := fmt.Sprintf("%d × %s", classes[name], name)
		if series.Unanswered(name) {
			without = append(without, text)
		} else {
			with = append(with, text)
		}
	}
	return strings.Join(without, ", "), strings.Join(with, ", ")
}
