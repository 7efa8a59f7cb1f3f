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
	// mostErrors is the share of requests that may go wrong where a script does not say.
	mostErrors = "0.01"
	// leastArrivals is the share of due arrivals that must start where a script does not say.
	leastArrivals = "0.99"
)

// Gates are outcomes as a result shows them.
func Gates(outcomes []gate.Outcome) []result.Gate {
	var out []result.Gate
	for _, o := range outcomes {
		g := result.Gate{Text: result.Clip(o.Text, maxGateText), OK: o.OK, Optional: !o.Strict, Default: o.Default}
		if len(o.Values) > 0 && o.Why == "" {
			v := result.Round(o.Values[0].V, 3)
			g.Value = &v
		}
		out = append(out, g)
	}
	return out
}

// WithDefaults adds the gates for what no strict gate of a script looks at:
// requests that go wrong, and arrivals that never happen.
func WithDefaults(checks []gate.Check, known *series.Catalogue) ([]gate.Check, error) {
	serverErrors, unanswered, arrivals := sees(checks)
	var texts []string
	switch {
	case !serverErrors && !unanswered:
		texts = append(texts, series.ErrorRate+" <= "+mostErrors)
	case !serverErrors:
		texts = append(texts, series.ServerErrorRate+" <= "+mostErrors)
	case !unanswered:
		texts = append(texts, series.UnansweredRate+" <= "+mostErrors)
	}
	if !arrivals {
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

// sees says what strict checks look at: answers of 5xx, requests without an
// answer, arrivals that did not start.
func sees(checks []gate.Check) (serverErrors, unanswered, arrivals bool) {
	for _, c := range checks {
		if !c.Strict {
			continue
		}
		for _, name := range c.Names() {
			a, b := seesErrors(name)
			serverErrors, unanswered = serverErrors || a, unanswered || b
			arrivals = arrivals || name == series.Achieved
		}
	}
	return serverErrors, unanswered, arrivals
}

// seesErrors says what one metric changes with. Counts of good answers change with both.
func seesErrors(name string) (serverErrors, unanswered bool) {
	begins := func(prefix string) bool { return strings.HasPrefix(name, prefix) }
	switch {
	case name == series.ErrorRate, begins(series.Codes + "2"), name == series.ResponseTime+".2xx.count":
		return true, true
	case name == series.ServerErrorRate, begins(series.Codes + "5"), begins(series.ResponseTime + ".5xx"):
		return true, false
	case begins(series.Errors), begins(series.ErrorClass), name == series.Responses, name == series.VUsersFailed, name == series.VUsersCompleted:
		return false, true
	}
	return false, false
}

// SeesServerErrors says whether any strict check looks at 5xx answers.
func SeesServerErrors(checks []gate.Check) bool {
	serverErrors, _, _ := sees(checks)
	return serverErrors
}

// failedByAnswers names the gates that are not met because of what the target
// answered: they look at answers of 5xx, and most of what went wrong is such answers.
func failedByAnswers(f Facts) string {
	serverErrors, unanswered := f.Total.Bad()
	if serverErrors == 0 || serverErrors < unanswered {
		return ""
	}
	var failed []string
	for _, o := range f.Outcomes {
		if o.Strict && !o.OK && o.Why == "" && !slices.ContainsFunc(o.Values, notAnAnswer) {
			failed = append(failed, Explain(o))
		}
	}
	return strings.Join(failed, "; ")
}

func notAnAnswer(v gate.Value) bool {
	switch v.Name {
	case series.ErrorRate, series.ServerErrorRate, series.Requests, series.Responses:
		return false
	}
	return !strings.HasPrefix(v.Name, series.Codes+"5")
}
