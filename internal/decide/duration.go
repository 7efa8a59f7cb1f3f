package decide

import (
	api "sluice.dev/sluice/api/v1alpha1"
)

// startClock begins the record of a new update. Going back without steps goes on with the record of the
// update it ends. Any other new revision supersedes it: its record begins when the other one's ends.
func (d *draft) startClock(f facts) {
	at := f.stamp()
	next := api.RolloutDuration{RolloutStartedAt: &at}
	if d.clockRuns() && (d.promoted(f) || d.fastRollback(f) != "") {
		next = *d.status.Duration
	}
	next.CompletionStatus = ""
	switch {
	case d.status.StableRS == "":
	case d.promoted(f):
		next.CompletionStatus = api.CompletionRolledBack
	case d.fastRollback(f) != "":
		next.CompletionStatus = api.CompletionFastRolledBack
	}
	d.status.Duration = &next
}

// clockRuns says that the record is of an update that has not ended.
func (d *draft) clockRuns() bool {
	clock := d.status.Duration
	return clock != nil && clock.FinishedAt == nil && clock.RolloutStartedAt != nil
}

// superseded says, for people, which update a new one replaces; "" when none was under way.
func (f facts) superseded() string {
	before := f.ro.Status
	if clock := before.Duration; before.CurrentPodHash == before.StableRS || clock == nil || clock.FinishedAt != nil || clock.RolloutStartedAt == nil {
		return ""
	}
	took := f.stamp().Sub(before.Duration.RolloutStartedAt.Time)
	return " The update that was under way is superseded after " + took.String() + "."
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
	if f.blueGreen != nil {
		_, forever := switchPause(f.blueGreen)
		return forever && d.held()
	}
	step, ok := f.stepAt(d.step(f))
	return ok && d.held() && step.Pause != nil && step.Pause.IsIndefinite()
}
