package command

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"text/tabwriter"

	"sluice.dev/sluice/internal/load/gate"
	"sluice.dev/sluice/internal/load/schedule"
	"sluice.dev/sluice/internal/load/script"
)

// plan is what a run will do.
type plan struct {
	// scripts has one element, or two where versions are compared: the second is the stable one's.
	scripts []*script.Script
	share   *schedule.Share
	abortOn []gate.Check
	tags    map[string]string
}

// part is the share of the arrivals that this generator sends.
func (p plan) part() schedule.Share {
	if p.share == nil {
		return schedule.Whole
	}
	return *p.share
}

// print shows what a run would send.
func (p plan) print(w io.Writer) error {
	s := p.scripts[0]
	fmt.Fprintf(w, "Target: %s\n", s.Target)
	if len(p.scripts) > 1 {
		fmt.Fprintf(w, "Compared with: %s, the same load at the same time\n", p.scripts[1].Target)
	}
	for _, name := range slices.Sorted(maps.Keys(p.tags)) {
		fmt.Fprintf(w, "Every request is tagged %s=%s\n", name, p.tags[name])
	}
	fmt.Fprintf(w, "Arrivals: %d in %s\n", s.Plan.Total(), s.Plan.Length())
	if p.share != nil {
		fmt.Fprintf(w, "Of these, share %d of %d: %d\n", p.share.Index, p.share.Of, p.share.Total(s.Plan))
	}
	fmt.Fprintln(w)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "PHASE\tFROM\tTO\tARRIVALS\tPER SECOND")
	for _, p := range s.Plan.Windows() {
		fmt.Fprintf(t, "%s\t%s\t%s\t%d\t%s\n", p.Name, p.Start, p.End(), p.Arrivals, rateOf(p))
	}
	fmt.Fprintln(t, "\nSCENARIO\tWEIGHT\tREQUESTS")
	for _, sc := range s.Scenarios {
		fmt.Fprintf(t, "%s\t%d\t%s\n", sc.Name, sc.Weight, requestsOf(sc.Steps))
	}
	if len(s.Checks)+len(p.abortOn) > 0 {
		fmt.Fprintln(t, "\nCHECK")
	}
	for _, c := range s.Checks {
		fmt.Fprintln(t, c.Text+kindOf(c))
	}
	for _, c := range p.abortOn {
		fmt.Fprintln(t, c.Text+" (stops the test)")
	}
	return t.Flush()
}

func kindOf(c gate.Check) string {
	switch {
	case c.Default:
		return " (default)"
	case !c.Strict:
		return " (optional)"
	}
	return ""
}

// requestsOf says how many requests one user sends.
func requestsOf(steps []script.Step) string {
	n, bounded := perUser(steps)
	if !bounded {
		return "at least " + strconv.FormatInt(n, 10)
	}
	return strconv.FormatInt(n, 10)
}

// perUser is how many requests steps send, at most, and whether that is known.
// Where it is not, it is what one turn of each loop sends.
func perUser(steps []script.Step) (n int64, bounded bool) {
	bounded = true
	for _, step := range steps {
		switch {
		case step.Request != nil:
			n++
		case step.Parallel != nil:
			inner, known := perUser(step.Parallel.Steps)
			n, bounded = n+inner, bounded && known
		case step.Loop != nil:
			inner, known := perUser(step.Loop.Steps)
			turns, counted := turnsOf(step.Loop)
			if inner > 0 {
				n, bounded = n+inner*turns, bounded && known && counted
			}
		}
	}
	return n, bounded
}

// turnsOf is how often a loop goes round, when the script alone says so.
func turnsOf(l *script.Loop) (int64, bool) {
	switch {
	case l.While != "" || l.Times != nil || l.Over != nil && l.Over.Values == nil:
		return 1, false
	case l.Over != nil:
		return int64(len(l.Over.Values)), true
	case l.To == 0:
		return 1, false
	}
	return max(0, l.To-l.From), true
}

func rateOf(p schedule.Window) string {
	number := func(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }
	switch p.Kind {
	case schedule.Constant:
		return number(p.Rate)
	case schedule.Poisson:
		return number(p.Rate) + " on average"
	case schedule.Ramp:
		return number(p.Rate) + " to " + number(p.RampTo)
	case schedule.Count, schedule.Pause:
	}
	return "-"
}
