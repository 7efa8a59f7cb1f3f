package decide

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	api "sluice.dev/sluice/api/v1alpha1"
)

// expiry is when a run that has ended is to be deleted; false when nobody asked for that.
func expiry(run *api.AnalysisRun) (time.Time, bool) {
	ttl := run.Spec.TTLStrategy
	if ttl == nil || !run.Status.Phase.Completed() {
		return time.Time{}, false
	}
	seconds := ttl.SecondsAfterCompletion
	switch {
	case run.Status.Phase == api.AnalysisPhaseSuccessful && ttl.SecondsAfterSuccess != nil:
		seconds = ttl.SecondsAfterSuccess
	case run.Status.Phase == api.AnalysisPhaseFailed && ttl.SecondsAfterFailure != nil:
		seconds = ttl.SecondsAfterFailure
	}
	if seconds == nil {
		return time.Time{}, false
	}
	return endedAt(run).Add(time.Duration(max(*seconds, 0)) * time.Second), true
}

// endedAt is when a run ended. Runs of the reference that ended before they began do not say; their
// last sign of life stands in.
func endedAt(run *api.AnalysisRun) time.Time {
	if run.Status.CompletedAt != nil {
		return run.Status.CompletedAt.Time
	}
	last := run.CreationTimestamp.Time
	if run.Status.StartedAt != nil {
		last = run.Status.StartedAt.Time
	}
	for _, r := range run.Status.MetricResults {
		if m := lastMeasurement(&r); m != nil && m.FinishedAt != nil && m.FinishedAt.After(last) {
			last = m.FinishedAt.Time
		}
	}
	return last
}

// expire deletes the run when its time is over. One that a Rollout controls is left to it: the
// Rollout may not have heard yet what the run came to, and would begin another.
func (a *assay) expire() {
	at, ok := expiry(a.in.Run)
	switch {
	case !ok || rolloutControls(a.in.Run):
	case a.in.Now.Before(at):
		a.wait(at)
	default:
		a.actions = append(a.actions, RunGone{Name: a.in.Run.Name})
	}
}

func rolloutControls(run *api.AnalysisRun) bool {
	owner := metav1.GetControllerOfNoCopy(run)
	return owner != nil && owner.Kind == api.KindRollout && owner.APIVersion == api.SchemeGroupVersion.String()
}

// expireRuns deletes runs whose time is over, but for one whose end is still to be heard. It names
// those that go.
func (d *draft) expireRuns(f facts) map[string]bool {
	gone := map[string]bool{}
	for _, run := range f.seen.Runs {
		at, ok := expiry(run)
		switch {
		case !ok || d.unheard(run.Name):
		case f.now.Before(at):
			d.wait(at)
		default:
			gone[run.Name] = true
			d.act(RunGone{Name: run.Name})
		}
	}
	return gone
}

// unheard says that the status waits for what a run comes to.
func (d *draft) unheard(name string) bool {
	for _, h := range d.refs() {
		if ref := *h.ref; ref != nil && ref.Name == name && !ref.Status.Completed() {
			return true
		}
	}
	return false
}
