package command

import (
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"

	"sluice.dev/sluice/internal/load/schedule"
	"sluice.dev/sluice/internal/load/script"
)

// printPlan shows what a run would send.
func printPlan(w io.Writer, s *script.Script) error {
	fmt.Fprintf(w, "Target: %s\nArrivals: %d in %s\n\n", s.Target, s.Plan.Total(), s.Plan.Length())
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "PHASE\tFROM\tTO\tARRIVALS\tPER SECOND")
	for _, p := range s.Plan.Windows() {
		fmt.Fprintf(t, "%s\t%s\t%s\t%d\t%s\n", p.Name, p.Start, p.End(), p.Arrivals, rateOf(p))
	}
	fmt.Fprintln(t, "\nSCENARIO\tWEIGHT\tREQUESTS")
	for _, sc := range s.Scenarios {
		n := 0
		for _, step := range sc.Steps {
			if step.Request != nil {
				n++
			}
		}
		fmt.Fprintf(t, "%s\t%d\t%d\n", sc.Name, sc.Weight, n)
	}
	if len(s.Checks) > 0 {
		fmt.Fprintln(t, "\nCHECK")
	}
	for _, c := range s.Checks {
		fmt.Fprintln(t, c.Text)
	}
	return t.Flush()
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
