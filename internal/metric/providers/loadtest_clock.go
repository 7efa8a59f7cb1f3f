package providers

import (
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"

	"sluice.dev/sluice/internal/judge"
	"sluice.dev/sluice/internal/load/result"
	"sluice.dev/sluice/internal/metric"
)

// clockSlack is how far the clock of a node may be off before the times of a load on it mean nothing: more than the
// end of a container takes to be reported.
const clockSlack = 5 * time.Second

// clockWrong is from when on it is the clock for sure: no server hears of an end so late.
const clockWrong = 30 * time.Second

// clockOff says which pod of a test ran on a node whose clock is off, "" when none is known to have, and by how much
// later its times are by ours. Ahead is a clock by which a container ended at a time that is still to come; behind is
// one by which it had ended long before the server heard of it, which the server notes by its own clock.
func clockOff(parts []loadPart, now time.Time) (why string, later time.Duration) {
	for _, p := range parts {
		if p.state == nil || p.state.Terminated == nil || p.state.Terminated.FinishedAt.IsZero() {
			continue
		}
		ended, heard := p.state.Terminated.FinishedAt.Time, statusWritten(p.pod)
		off, way := ended.Sub(now), "ahead of"
		later = -off
		if behind := heard.Sub(ended); !heard.IsZero() && !heard.After(now.Add(clockSlack)) && behind > off {
			off, way, later = behind, "behind", behind
		}
		if off <= clockSlack {
			continue
		}
		who := "its pod"
		if len(parts) > 1 {
			who = fmt.Sprintf("pod %d of %d", p.index+1, len(parts))
		}
		if p.pod.Spec.NodeName != "" {
			who += " on node " + p.pod.Spec.NodeName
		}
		if off <= clockWrong {
			later = 0
		}
		return fmt.Sprintf("the clock of %s is %s %s the controller's", who, off.Round(time.Second), way), later
	}
	return "", 0
}

// statusWritten is when the server last took a status of a pod, zero when that is not known.
func statusWritten(pod *corev1.Pod) (last time.Time) {
	for _, e := range pod.ManagedFields {
		if e.Subresource == "status" && e.Time != nil && e.Time.After(last) {
			last = e.Time.Time
		}
	}
	return last
}

// doubted is a sample of a test some of whose times are off. Pods that begin at different moments send less at a time
// than was meant: passing that says nothing, failing it all the more.
func doubted(s judge.Sample, r result.Result, why string, of int) judge.Sample {
	switch {
	case why == "":
		return s
	case of > 1 && s.Result == loadPassed:
		r.Verdict, r.Why = result.Inconclusive, why+", so its pods did not begin together"
		return loadSample(r, "")
	case s.Message == "":
		s.Message = sentence("The times of the load are not exact: " + why)
	}
	return s
}

// timed is a test that has ended, with its times by our clock where a node's is wrong.
func timed(seen metric.Seen, parts []loadPart, sample judge.Sample, merged *result.Result) metric.Progress {
	if merged == nil {
		return loadDone(seen, parts, sample, nil)
	}
	why, later := clockOff(parts, seen.Now)
	p := loadDone(seen, parts, doubted(sample, *merged, why, len(parts)), merged)
	if len(parts) == 1 && !p.LoadFrom.IsZero() {
		// What else is measured during the load is asked for by our clock.
		p.LoadFrom, p.LoadTo = p.LoadFrom.Add(later), p.LoadTo.Add(later)
	}
	return p
}
