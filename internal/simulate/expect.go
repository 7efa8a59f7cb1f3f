package simulate

import (
	"fmt"
	"slices"
	"strings"
)

// Expected is one expectation and whether it holds.
type Expected struct {
	Text string `json:"text"`
	Met  bool   `json:"met"`
	// But says what is the case when it is not met.
	But string `json:"but,omitempty"`
}

// judge compares what came of a scenario with what was expected, and sums it up. Without expectations the
// version must end as promoted.
func (r *Result) judge(expect *Expect) {
	if expect == nil {
		r.Expected = r.compare(Expect{Ends: EndsPromoted})
	} else {
		r.Expected = r.compare(*expect)
		if len(r.Missed) > 0 {
			r.Expected = append(r.Expected, Expected{Text: "every event of the scenario happens", But: strings.Join(r.Missed, "; ")})
		}
	}
	r.As = !slices.ContainsFunc(r.Expected, func(e Expected) bool { return !e.Met })
	r.Verdict = r.verdict()
}

// comparison collects expectations.
type comparison []Expected

func (c *comparison) check(met bool, but, format string, args ...any) {
	e := Expected{Text: fmt.Sprintf(format, args...), Met: met}
	if !met {
		e.But = but
	}
	*c = append(*c, e)
}

func (r *Result) compare(expect Expect) []Expected {
	c := &comparison{}
	r.compareEnd(c, expect)
	if least := expect.MinAvailable; least != nil {
		met, but := r.Fewest >= *least, fmt.Sprintf("%d can serve at %s", r.Fewest, r.FewestAt)
		if *least > 0 && len(r.Unwanted) > 0 {
			met, but = false, "no pods are wanted "+r.Unwanted[0].when()
		}
		c.check(met, but, "at least %s %s available at any time", count(int(*least), "pod"), are(*least))
	}
	if longest := expect.Unserved; longest != nil {
		c.check(r.servedBut(*longest), "requests have nobody for "+total(r.Unserved).String()+r.goesOn(), "requests have nobody for at most %s", *longest)
	}
	if most := expect.MaxWeight; most != nil {
		c.check(r.MaxWeight <= float64(*most), "it gets "+percent(r.MaxWeight), "the new version gets at most %d %% of the requests", *most)
	}
	if expect.SafeWithin > 0 {
		*c = append(*c, r.escaped(expect.SafeWithin))
	}
	return *c
}

// compareEnd looks at how it ends, when, and why.
func (r *Result) compareEnd(c *comparison, expect Expect) {
	ended := fmt.Sprintf("it ends %s after %s", r.Ends, r.EndsAt)
	if r.Ends == EndsUnfinished {
		ended = fmt.Sprintf("it has not ended after %s", r.EndsAt)
	}
	switch {
	case expect.Ends != "" && expect.Within > 0:
		c.check(r.Ends == expect.Ends && r.EndsAt <= expect.Within, ended, "the update ends %s within %s", expect.Ends, expect.Within)
	case expect.Ends != "":
		c.check(r.Ends == expect.Ends, ended, "the update ends %s", expect.Ends)
	case expect.Within > 0:
		c.check(r.Ends != EndsUnfinished && r.EndsAt <= expect.Within, ended, "the update ends within %s", expect.Within)
	}
	if expect.Because != "" {
		c.check(strings.Contains(r.Reason, expect.Because), "the reason is: "+r.Reason, "the reason says %q", expect.Because)
	}
	for _, reason := range expect.Decisions {
		c.check(slices.Contains(r.Decisions, reason), "the decisions are "+strings.Join(r.Decisions, ", "), "there is a decision %s", reason)
	}
}

func are(n int32) string {
	if n == 1 {
		return "is"
	}
	return "are"
}

// escaped compares the slowest abort with how soon one must have ended.
func (r *Result) escaped(within Duration) Expected {
	e := Expected{Text: fmt.Sprintf("an abort at any step ends within %s", within), Met: true}
	for _, a := range r.Aborts {
		for _, took := range []*Duration{a.SafeAfter, a.FullAfter} {
			if e.Met && (took == nil || *took > within) {
				e.Met, e.But = false, fmt.Sprintf("one at %s does not end within an hour", a.At)
				if took != nil {
					e.But = fmt.Sprintf("one at %s takes %s", a.At, *took)
				}
			}
		}
	}
	return e
}

// verdict is the result in a sentence or two.
func (r *Result) verdict() string {
	var text string
	switch r.Ends {
	case EndsPromoted:
		text = fmt.Sprintf("Promoted after %s.", r.EndsAt)
		if r.FullAt != nil && *r.FullAt > r.EndsAt {
			text = fmt.Sprintf("Promoted after %s, with all pods after %s.", r.EndsAt, *r.FullAt)
		}
	case EndsAborted:
		text = fmt.Sprintf("Aborted after %s: the new version got at most %s of the requests.", r.EndsAt, percent(r.MaxWeight))
	case EndsReverted:
		text = fmt.Sprintf("Back to the old version after %s: the new one got at most %s of the requests.", r.EndsAt, percent(r.MaxWeight))
	case EndsPaused:
		text = fmt.Sprintf("Paused since %s, with %s of the requests for the new version at most: somebody has to act.", r.EndsAt, percent(r.MaxWeight))
	case EndsUnfinished:
		text = fmt.Sprintf("Unfinished after %s: the update neither goes on nor goes back by itself.", r.EndsAt)
	}
	text = r.stoppedShort(text)
	if len(r.Unwanted) > 0 {
		text += " No pods were wanted " + r.Unwanted[0].when() + "."
	}
	if len(r.Unserved) == 0 {
		return text + r.served()
	}
	worst := worstGap(r.Unserved)
	if total(r.Unserved) == 0 {
		return text + fmt.Sprintf(" Nobody can serve %s of the requests from %s on, and nothing ends that.", percent(worst.Percent), worst.From)
	}
	return text + fmt.Sprintf(" For %s there were requests that nobody could have served, up to %s of them%s.", total(r.Unserved), percent(worst.Percent), r.goesOn())
}
