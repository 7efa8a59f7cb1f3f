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
	switch {
	case d.aborted():
		clock.CompletionStatus = api.CompletionAborted
	case !d.promoted(f) || d.status.StableRS == "" || d.status.AvailableReplicas < f.replicas:
		return
	case clock.CompletionStatus == "" && full:
		clock.CompletionStatus = api.CompletionFastPromoted
	case clock.CompletionStatus == "":
		clock.CompletionStatus = api.CompletionPromoted
	}
	clock.FinishedAt = &at
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
