package simulate

import (
	"fmt"
	"strings"
)

// when is the time of a gap.
func (g Gap) when() string {
	if g.Open {
		return "from " + g.From.String() + " on"
	}
	return fmt.Sprintf("from %s to %s", g.From, g.To)
}

// lasting says that there are requests that have nobody when watching ends.
func (r *Result) lasting() bool {
	n := len(r.Unserved)
	return n > 0 && r.Unserved[n-1].Open
}

// goesOn is what is to be added to the length of an outage that has not ended.
func (r *Result) goesOn() string {
	if r.lasting() {
		return ", and that has not ended"
	}
	return ""
}

// servedBut says that requests had nobody for no longer than this. An outage that nothing more ends is longer
// than any; where no outage at all is allowed, one of no length is too long.
func (r *Result) servedBut(longest Duration) bool {
	switch {
	case len(r.Unserved) == 0:
		return true
	case longest == 0, r.lasting() && r.Stopped == "":
		return false
	}
	return total(r.Unserved) <= longest
}

// served is what there is to say when every request had a pod.
func (r *Result) served() string {
	if len(r.Unwanted) > 0 && r.FewestOf == 0 {
		return ""
	}
	while := ""
	if len(r.Unwanted) > 0 {
		while = " while pods were wanted"
	}
	return fmt.Sprintf(" Every request had a pod that could serve it%s; at least %d of %s could serve.", while, r.Fewest, count(int(r.FewestOf), "pod"))
}

// held says that the router keeps an update from going on.
func (r RouterPlan) held() bool { return r.Never || r.Refuses }

// missed are the events that never happened.
func (p *player) missed() []string {
	all := []string{}
	for i, e := range p.plot.Events {
		if p.fired[i] {
			continue
		}
		because := "the new version did not get so far"
		switch {
		case e.At.timed() && p.stopped == "":
			because = "nothing more happened after " + Duration(p.elapsed()).String()
		case e.At.timed():
			because = fmt.Sprintf("watching ended after %s", Duration(p.elapsed()))
		}
		all = append(all, fmt.Sprintf("%s at %s never happened: %s", e.what(), e.At, because))
	}
	return all
}

// what an event is, in a word or two.
func (e Happening) what() string {
	switch {
	case e.Do != "":
		return e.Do
	case e.Apply != "":
		return "apply " + e.Apply
	case e.Scale != nil:
		return fmt.Sprintf("scale to %d", *e.Scale)
	}
	return strings.Join(e.says(), ", ")
}

// String is the moment as it is written.
func (m Moment) String() string {
	switch {
	case m.Step > 0:
		return fmt.Sprintf("step %d", m.Step)
	case m.Weight > 0:
		return fmt.Sprintf("%d%%", m.Weight)
	}
	return m.After.String()
}

// stoppedShort is how it ended, and that watching did before more happened.
func (r *Result) stoppedShort(text string) string {
	if r.Stopped == "" {
		return text
	}
	switch r.Ends {
	case EndsPaused:
		text = strings.TrimSuffix(text, ": somebody has to act.") + "."
	case EndsUnfinished:
		text = fmt.Sprintf("Unfinished when watching ended after %s.", r.EndsAt)
	}
	text += fmt.Sprintf(" Watching ended as %s; more would have happened.", r.Stopped)
	return text
}
