package providers

import (
	"fmt"
	"slices"
	"strings"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/judge"
	"sluice.dev/sluice/internal/metric"
)

// muster is how far the pods of a test have come on their way to its beginning.
type muster struct {
	running int
	// there: of a test of one pod those that run, of a shared one those that are ready to begin.
	there int
	// absent do not exist.
	absent int
	// untold were not told yet when to begin; told says that one was.
	untold []string
	told   bool
}

func musterLoad(parts []loadPart) muster {
	var m muster
	for _, part := range parts {
		if part.state != nil && part.state.Running != nil {
			m.running++
		}
		if assembled(part, len(parts)) {
			m.there++
		}
		switch {
		case part.pod == nil:
			m.absent++
		case !toldStart(part.pod).IsZero():
			m.told = true
		case !part.done && part.pod.DeletionTimestamp == nil:
			m.untold = append(m.untold, part.pod.Name)
		}
	}
	return m
}

// assembled says that a pod needs nobody any more to begin, but the word when. One that has begun and ended is there.
func assembled(part loadPart, of int) bool {
	switch {
	case part.state == nil:
		return false
	case part.state.Terminated != nil:
		return of == 1 || !toldStart(part.pod).IsZero()
	case part.state.Running == nil:
		return false
	}
	return of == 1 || !slices.ContainsFunc(part.pod.Status.ContainerStatuses, func(c corev1.ContainerStatus) bool { return !c.Ready })
}

// lostBeforeStart says why a shared test can no longer begin: a pod of it has ended before any was told when to.
func lostBeforeStart(job *batchv1.Job, parts []loadPart) string {
	if len(parts) == 1 || musterLoad(parts).told {
		return ""
	}
	for _, part := range parts {
		if !part.done {
			continue
		}
		if part.result != nil {
			part.why = "it ended before it began"
			if part.result.Why != "" {
				part.why = part.result.Why
			}
		}
		return lostPart(part, len(parts))
	}
	if failed := job.Status.FailedIndexes; failed != nil && *failed != "" {
		return "its pods of index " + *failed + " are gone"
	}
	return ""
}

// notBegun is a test that has not sent anything.
func notBegun(job *batchv1.Job, message, reason string) metric.Progress {
	return metric.Progress{Done: true, Sample: about(job, judge.Sample{
		Forced: api.AnalysisPhaseInconclusive, Message: sentence(message), Metadata: map[string]string{api.EvidenceReason: reason},
	})}
}

// placing is a test whose pods are not all there yet.
func placing(seen metric.Seen, p metric.Progress, m muster, of int) metric.Progress {
	until := seen.Job.CreationTimestamp.Add(loadPlacing)
	if !seen.Now.Before(until) {
		return unplaced(seen, p, m, of)
	}
	unmade := loadUnmade(seen, m, of)
	if made := seen.Job.CreationTimestamp.Add(loadPodsMade); m.absent > 0 && seen.Now.Before(made) {
		until = made
	}
	p.Again = sooner(p.Again, until)
	switch {
	case unmade != "" && (p.Waiting == jobRuns || p.Waiting == jobIsEmpty):
		p.Waiting = sentence("The load test waits: " + unmade + fmt.Sprintf("; kubectl describe job %s -n %s says why, for example a quota", seen.Job.Name, seen.Job.Namespace))
	case p.Waiting != jobRuns:
	case of == 1:
		p.Waiting = "The pod of the load test is about to run."
	case m.running == of:
		p.Waiting = fmt.Sprintf("%d of the %d pods of the load test are ready to begin; it begins when all are.", m.there, of)
	default:
		p.Waiting = fmt.Sprintf("%d of the %d pods of the load test run; it begins when all are ready.", m.running, of)
	}
	return p
}

// sooner is the earlier of two times, of which the first may not be set.
func sooner(a, b time.Time) time.Time {
	if a.IsZero() || b.Before(a) {
		return b
	}
	return a
}

// unplaced is a test whose pods were not all there in time.
func unplaced(seen metric.Seen, p metric.Progress, m muster, of int) metric.Progress {
	waited := strings.TrimSuffix(p.Waiting, ".")
	unmade := loadUnmade(seen, m, of)
	switch {
	case unmade != "" && (p.Waiting == jobRuns || p.Waiting == jobIsEmpty): // its Job is about to be deleted, what was told of it is not
		waited = unmade + fmt.Sprintf("; kubectl get events -n %s --field-selector involvedObject.name=%s says why, for example a quota", seen.Job.Namespace, seen.Job.Name)
	case p.Waiting != jobRuns:
	case m.running == of:
		waited = fmt.Sprintf("%d of its %d pods are ready to begin; the others read their script and its files, or are in its before flow", m.there, of)
	default:
		waited = fmt.Sprintf("%d of its %d pods run", m.running, of)
	}
	return notBegun(seen.Job, "The load test could not begin within five minutes: "+lowerFirst(waited), "NotPlaced")
}

// loadUnmade says which pods the Job could not make although it had the time; "" when that is not so. Why it could not
// stands only in its events.
func loadUnmade(seen metric.Seen, m muster, of int) string {
	suspended := seen.Job.Spec.Suspend != nil && *seen.Job.Spec.Suspend
	switch {
	case m.absent == 0 || suspended || seen.Now.Before(seen.Job.CreationTimestamp.Add(loadPodsMade)):
		return ""
	case m.absent == of:
		return "no pod of it exists"
	}
	return fmt.Sprintf("%d of its %d pods do not exist", m.absent, of)
}

func lowerFirst(text string) string {
	if text == "" {
		return text
	}
	return strings.ToLower(text[:1]) + text[1:]
}

// toldStart is when a pod was told to begin; zero when it was not.
func toldStart(pod *corev1.Pod) time.Time {
	at, err := time.Parse(time.RFC3339Nano, pod.Annotations[api.AnnotationLoadStart])
	if err != nil {
		return time.Time{}
	}
	return at
}

// loadFrom is when the load began: by what the pods were told, else by when the container of the only one started.
func loadFrom(parts []loadPart) time.Time {
	for _, p := range parts {
		if p.pod != nil {
			if at := toldStart(p.pod); !at.IsZero() {
				return at
			}
		}
	}
	if len(parts) != 1 || parts[0].state == nil {
		return time.Time{}
	}
	switch state := parts[0].state; {
	case state.Running != nil:
		return state.Running.StartedAt.Time
	case state.Terminated != nil:
		return state.Terminated.StartedAt.Time
	}
	return time.Time{}
}
