package decide

import (
	api "sluice.dev/sluice/api/v1alpha1"
)

// startClock begins the record of a new update. A rollback to stable goes on with the record of the
// update it ends; any other new revision replaces it.
func (d *draft) startClock(f facts) {
	running := d.status.Duration != nil && d.status.Duration.FinishedAt == nil && d.status.Duration.RolloutStartedAt != nil
	if running && d.promoted(f) {
		d.status.Duration.CompletionStatus = api.CompletionRolledBack
		return
	}
	at := f.stamp()
	d.status.Duration = &api.RolloutDuration{RolloutStartedAt: &at}
}

// keepClock counts how long the update waits for people, and stops the clock when it has ended.
// full says that a full promotion was asked for.
func (d *draft) keepClock(f facts, full bool) {
	clock := d.status.Duration
	if clock == nil || clock.RolloutStartedAt == nil || clock.FinishedAt != nil {
		return
	}
	at := f.stamp()
	switch manual := d.waitsForPeople(f); {
	case manual && clock.ManualPauseStartedAt == nil:
		clock.ManualPauseStartedAt = &at
	case !manual && clock.ManualPauseStartedAt != nil:
		clock.TotalManualPauseDurationSeconds += int64(at.Sub(clock.ManualPauseStartedAt.Time).Seconds())
		clock.ManualPauseStartedAt = nil
	}
	if end := d.ending(f, full); end != "" {
		clock.FinishedAt = &at
		if clock.CompletionStatus == "" || end == api.CompletionAborted {
			clock.CompletionStatus = end
		}
	}
}

// ending is how the update ended, "" while it goes on.
func (d *draft) ending(f facts, full bool) api.CompletionStatus {
	switch {
	case d.aborted():
		return api.CompletionAborted
	case !d.promoted(f) || d.status.StableRS == "" || d.status.AvailableReplicas < f.replicas:
		return ""
	case full:
		return api.CompletionFastPromoted
	}
	return api.CompletionPromoted
}

// waitsForPeople says that only a person can end the present wait.
func (d *draft) waitsForPeople(f facts) bool {
	if d.aborted() || d.promoted(f) {
		return false
	}
	if f.ro.Spec.Paused || d.inconclusive() {
		return true
	}
	step, ok := f.stepAt(d.step(f))
	return ok && d.held() && step.Pause != nil && step.Pause.IsIndefinite()
}
