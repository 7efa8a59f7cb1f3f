package verdict

import (
	"slices"
	"strings"

	"sluice.dev/sluice/internal/load/gate"
	"sluice.dev/sluice/internal/load/result"
	"sluice.dev/sluice/internal/load/series"
)

// Bounds on what a result says of a gate.
const (
	maxGateText = 200
	// mostErrors is the share of requests that may go wrong, and of users that may fail, where a script does not say.
	mostErrors = "0.01"
	// leastArrivals is the share of due arrivals that must start where a script does not say.
	leastArrivals = "0.99"
)

// Gates are outcomes as a result shows them.
func Gates(outcomes []gate.Outcome) []result.Gate {
	var out []result.Gate
	for _, o := range outcomes {
		g := result.Gate{Text: result.Clip(o.Text, maxGateText), OK: o.OK, Optional: !o.Strict, Default: o.Default}
		switch {
		case o.Why != "":
		case o.Computed != nil:
			v := result.Round(*o.Computed, 3)
			g.Value = &v
		case len(o.Values) > 0:
			v := result.Round(o.Values[0].V, 3)
			g.Value = &v
		}
		out = append(out, g)
	}
	return out
}

// WithDefaults adds the gates for what no strict gate of a script limits:
// requests that go wrong, users that fail, and arrivals that never happen.
func WithDefaults(checks []gate.Check, known *series.Catalogue) ([]gate.Check, error) {
	limited := limitsOf(checks)
	var texts []string
	switch {
	case !limited.serverErrors && !limited.unanswered:
		texts = append(texts, series.ErrorRate+" <= "+mostErrors)
	case !limited.serverErrors:
		texts = append(texts, series.ServerErrorRate+" <= "+mostErrors)
	case !limited.unanswered:
		texts = append(texts, series.UnansweredRate+" <= "+mostErrors)
	}
	if !limited.users {
		texts = append(texts, series.FailedRate+" <= "+mostErrors)
	}
	if !limited.arrivals {
		texts = append(texts, series.Achieved+" >= "+leastArrivals)
	}
	out := append([]gate.Check(nil), checks...)
	for _, text := range texts {
		check, err := gate.Condition(text, known)
		if err != nil {
			return nil, err
		}
		check.Default = true
		out = append(out, check)
	}
	return out, nil
}

// limits are what the strict gates of a script keep within bounds.
type limits struct{ serverErrors, unanswered, users, arrivals bool }

// limitsOf looks for gates that bound all of something. One status code, one
// class of errors or enough good answers leave room for any number of others.
func limitsOf(checks []gate.Check) (l limits) {
	for _, c := range checks {
		if !c.Strict {
			continue
		}
		errors, users := c.Limits(series.ErrorRate), failedUsers(c)
		l.serverErrors = l.serverErrors || errors || c.Limits(series.ServerErrorRate) || c.Limits(series.Codes+"5xx")
		// A request without an answer fails its user.
		l.unanswered = l.unanswered || errors || users || c.Limits(series.UnansweredRate)
		l.users = l.users || users
		l.arrivals = l.arrivals || c.Requires(series.Achieved)
	}
	return l
}

// failedUsers says whether a gate limits the users that fail, or those that do
// not complete of all that started, as maxErrorRate does.
func failedUsers(c gate.Check) bool {
	return c.Limits(series.VUsersFailed) || c.Limits(series.FailedRate) ||
		c.Requires(series.VUsersCompleted) && slices.Contains(c.Names(), series.VUsersCreated)
}

// LimitsServerErrors says whether any strict check limits the answers of 5xx.
func LimitsServerErrors(checks []gate.Check) bool { return limitsOf(checks).serverErrors }

// failedByAnswers names the gates that the answers of 5xx alone would fail, and that
// would be met without them: requests without an answer, and requests that were never
// sent, may be the generator's own.
func failedByAnswers(f Facts) string {
	answers := func(name string) (float64, bool) {
		if name == series.ErrorRate {
			name = series.ServerErrorRate
		}
		return f.Total.Value(name)
	}
	faultless := func(name string) (float64, bool) {
		if name == series.Requests {
			return f.Total.Value(name)
		}
		return 0, true
	}
	var failed []string
	for _, c := range f.Checks {
		if !c.Strict || slices.ContainsFunc(c.Names(), notAnAnswer) {
			continue
		}
		if o := c.Evaluate(answers); !o.OK && o.Why == "" && c.Evaluate(faultless).OK {
			failed = append(failed, Explain(o))
		}
	}
	return strings.Join(failed, "; ")
}

func notAnAnswer(name string) bool {
	switch name {
	case series.ErrorRate, series.ServerErrorRate, series.Requests:
		return false
	}
	return !strings.HasPrefix(name, series.Codes+"5")
}
