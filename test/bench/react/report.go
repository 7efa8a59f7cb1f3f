package main

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// The targets, and what the reference implementation takes on a machine with two cores.
const (
	targetMedian, targetWorst       = 50 * time.Millisecond, 150 * time.Millisecond
	referenceMedian, referenceWorst = 69 * time.Millisecond, 107 * time.Millisecond
)

// reaction is how long after the bad answer the API server told of each part.
type reaction struct{ judged, aborted, grown, scaled time.Duration }

const heading = `
from the first bad answer until  the run is  the Rollout  stable is to  the canary is
                                 Failed      is aborted   grow          scaled down
`

func (r reaction) row(name string) string {
	return fmt.Sprintf("%-30s %9s    %9s     %9s      %9s\n", name, ms(r.judged), ms(r.aborted), ms(r.grown), ms(r.scaled))
}

// summary compares the median and the worst with the targets and says whether both are met.
func summary(all []reaction) (text string, met bool) {
	var judged, aborted, grown, scaled []time.Duration
	for _, r := range all {
		judged, aborted = append(judged, r.judged), append(aborted, r.aborted)
		grown, scaled = append(grown, r.grown), append(scaled, r.scaled)
	}
	var b strings.Builder
	b.WriteString(reaction{median(judged), median(aborted), median(grown), median(scaled)}.row("median"))
	b.WriteString(reaction{slices.Max(judged), slices.Max(aborted), slices.Max(grown), slices.Max(scaled)}.row("worst") + "\n")
	middle, worst := median(scaled), slices.Max(scaled)
	fmt.Fprintf(&b, "median of %d  %9s  target %9s  reference %9s  %s\n", len(all), ms(middle), ms(targetMedian), ms(referenceMedian), verdict(middle <= targetMedian))
	fmt.Fprintf(&b, "worst of %d   %9s  target %9s  reference %9s  %s\n", len(all), ms(worst), ms(targetWorst), ms(referenceWorst), verdict(worst <= targetWorst))
	return b.String(), middle <= targetMedian && worst <= targetWorst
}

func verdict(met bool) string {
	if met {
		return "met"
	}
	return "MISSED"
}

// median of an even number is the mean of the two in the middle.
func median(all []time.Duration) time.Duration {
	sorted := slices.Sorted(slices.Values(all))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

func ms(d time.Duration) string { return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000) }
