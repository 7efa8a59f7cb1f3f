package command

import (
	"fmt"
	"math"
	"strings"
	"time"

	"sluice.dev/sluice/internal/load/gate"
	"sluice.dev/sluice/internal/load/series"
	"sluice.dev/sluice/internal/load/stats"
	"sluice.dev/sluice/internal/load/verdict"
)

// What a run must have behind it before it may be ended for the target's sake.
const (
	leastTime     = time.Second
	leastRequests = 50
	// Where nothing at all has gone well for so long, nothing will.
	hopelessTime     = 2 * time.Second
	hopelessRequests = 100
)

// early decides whether going on can only do harm.
type early struct {
	abortOn []gate.Check
	// errors are the strict gates that only errors and sums decide.
	errors []gate.Check
	// users is how many arrivals the whole plan has, of all shares; each sends at most perUser requests.
	users, perUser int64
}

func newEarly(p plan, f flags) early {
	e := early{abortOn: p.abortOn}
	if f.noEarlyAbort {
		return e
	}
	s := p.scripts[0]
	e.users = s.Plan.Total()
	for _, scenario := range s.Scenarios {
		n, bounded := perUser(scenario.Steps)
		if !bounded {
			e.users = math.MaxInt64
		}
		e.perUser = max(e.perUser, n)
	}
	for _, c := range s.Checks {
		if c.Strict && aboutErrors(c) {
			e.errors = append(e.errors, c)
		}
	}
	return e
}

// aboutErrors says whether a check looks at errors, and at nothing but errors and sums.
func aboutErrors(c gate.Check) bool {
	found := false
	for _, name := range c.Names() {
		switch {
		case isError(name):
			found = true
		case !isSum(name):
			return false
		}
	}
	return found
}

func isError(name string) bool {
	switch name {
	case series.ErrorRate, series.ServerErrorRate, series.UnansweredRate, series.VUsersFailed, series.FailedRate:
		return true
	}
	return strings.HasPrefix(name, series.Codes+"5") || strings.HasPrefix(name, series.ErrorClass) || strings.HasPrefix(name, series.Errors)
}

func isSum(name string) bool {
	switch name {
	case series.Requests, series.Responses, series.VUsersCreated, series.VUsersCompleted:
		return true
	}
	return strings.HasPrefix(name, series.Codes)
}

// look says why the run should end; a word only when it should.
func (e early) look(s *side, elapsed time.Duration) stop {
	requests := s.total.Counter(series.Requests)
	if elapsed < leastTime || requests < leastRequests {
		return stop{}
	}
	if why := e.harm(s); why != "" {
		return stop{word: stoppedAbort, why: verdict.Early + why}
	}
	for _, c := range e.errors {
		o := c.Evaluate(s.total.Value)
		if o.OK || o.Why != "" {
			continue
		}
		if e.certain(c, s.total) {
			return stop{word: stoppedHopeless, why: verdict.Early + verdict.Explain(o) + "; whatever follows, this gate cannot be met any more"}
		}
		if nothingGood(s.total) && elapsed >= hopelessTime && requests >= hopelessRequests {
			return stop{word: stoppedHopeless, why: fmt.Sprintf("%s%s; not one of the first %d requests went well", verdict.Early, verdict.Explain(o), requests)}
		}
	}
	return stop{}
}

// harm is the condition to abort on that holds, or "".
func (e early) harm(s *side) string {
	for _, c := range e.abortOn {
		if o := c.Evaluate(s.total.Value); o.OK {
			return verdict.Explain(o)
		}
	}
	return ""
}

// atEnd is why a test that ran to its end should have been aborted, or "": a
// short test may be over before there was enough to look at.
func (e early) atEnd(s *side) string {
	if why := e.harm(s); why != "" {
		return "a condition to abort on holds at the end: " + why
	}
	return ""
}

// nothingGood says that the target answers, and only with errors.
func nothingGood(total *stats.Set) bool {
	serverErrors, unanswered := total.Bad()
	return serverErrors > 0 && serverErrors+unanswered >= total.Counter(series.Requests)
}

// certain says that a gate that is not met now stays so: if everything that is
// still planned goes well, if half of it does, and if nothing does. In between,
// a gate made of sums does not change its mind.
func (e early) certain(c gate.Check, total *stats.Set) bool {
	if e.users == math.MaxInt64 {
		return false
	}
	requests, users := e.left(total)
	for _, share := range []float64{0.01, 0.5, 1} {
		for _, good := range []bool{true, false} {
			o := outlook{total: total, good: good, requests: math.Ceil(share * requests), users: math.Ceil(share * users)}
			if c.Evaluate(o.value).OK {
				return false
			}
		}
	}
	return true
}

// left is how many requests and users may still come, of all shares: the most
// that the plan has, each as long as the longest so far.
func (e early) left(total *stats.Set) (requests, users float64) {
	created := total.Counter(series.VUsersCreated)
	per := float64(e.perUser)
	if created > 0 {
		// Redirects are requests too.
		per = max(per, float64(total.Counter(series.Requests))/float64(created))
	}
	users = float64(max(0, e.users-created))
	flying := float64(max(0, created-total.Counter(series.VUsersCompleted)-total.Counter(series.VUsersFailed)))
	return per * (users + flying), users
}

// outlook is how the totals would look after so much more of only good, or only bad, answers.
type outlook struct {
	total           *stats.Set
	good            bool
	requests, users float64
}

func (o outlook) value(name string) (float64, bool) {
	v, ok := o.total.Value(name)
	switch name {
	case series.Requests, series.Responses:
		return v + o.requests, true
	case series.VUsersCreated:
		return v + o.users, true
	case series.VUsersCompleted:
		if o.good { // those under way complete too
			return float64(o.total.Counter(series.VUsersCreated)-o.total.Counter(series.VUsersFailed)) + o.users, true
		}
		return v, true
	case series.ErrorRate, series.ServerErrorRate, series.UnansweredRate:
		return o.rate(v), ok
	case series.FailedRate:
		return o.failed(), ok
	case series.Codes + "200", series.Codes + "2xx":
		if o.good {
			return v + o.requests, true
		}
	case series.Codes + "500", series.Codes + "5xx", series.VUsersFailed:
		if !o.good {
			return v + o.requests, true
		}
	}
	return v, ok
}

func (o outlook) rate(now float64) float64 {
	n := float64(o.total.Counter(series.Requests))
	bad := now * n
	if !o.good {
		bad += o.requests
	}
	return bad / (n + o.requests)
}

// failed is the share of users that fail: of those to come and those under way all or none.
func (o outlook) failed() float64 {
	created := float64(o.total.Counter(series.VUsersCreated))
	bad := float64(o.total.Counter(series.VUsersFailed))
	if !o.good {
		bad = created - float64(o.total.Counter(series.VUsersCompleted)) + o.users
	}
	return bad / (created + o.users)
}
