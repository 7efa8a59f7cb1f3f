package decide

import (
	"fmt"
	"time"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/evidence"
)

// draft is the plan while a turn composes it.
type draft struct {
	status  api.RolloutStatus
	actions []Action
	events  []Event
	again   time.Time
	// revision is the number of the current revision.
	revision int64
	// completion says how the update ended, in the turn in which it did.
	completion string
	// moved says that somebody has moved the update to another step since the last turn.
	moved bool
	// waiting says what is awaited, when something is.
	waiting Reason
}

func (d *draft) act(actions ...Action) { d.actions = append(d.actions, actions...) }

func (d *draft) tell(reason, format string, args ...any) {
	d.events = append(d.events, Event{Reason: reason, Message: fmt.Sprintf(format, args...)})
}

func (d *draft) warn(reason, format string, args ...any) {
	d.events = append(d.events, Event{Warning: true, Reason: reason, Message: fmt.Sprintf(format, args...)})
}

// wait asks to be called again at t, or earlier if somebody else asked for that.
func (d *draft) wait(t time.Time) {
	if t.IsZero() {
		return
	}
	if d.again.IsZero() || t.Before(d.again) {
		d.again = t
	}
}

// record keeps a decision, with what it rests on, and returns it for what is to be said differently.
func (d *draft) record(f facts, reason, message string, proof ...api.Evidence) *api.Decision {
	weight := d.weight(f)
	d.status.Decisions = evidence.Append(d.status.Decisions, api.Decision{
		At: f.stamp(), Reason: reason, Message: message, Revision: f.hash, RevisionNumber: d.revision,
		Step: d.status.CurrentStepIndex, Weight: &weight, Evidence: proof,
	}, memorable(f.hash))
	return &d.status.Decisions[len(d.status.Decisions)-1]
}

// recordOnce keeps a decision that is stated again until it has been seen to be true; nil when it is kept already.
func (d *draft) recordOnce(f facts, reason, message string) *api.Decision {
	if n := len(d.status.Decisions); n > 0 {
		if last := d.status.Decisions[n-1]; last.Reason == reason && last.Message == message && last.Revision == f.hash {
			return nil
		}
	}
	return d.record(f, reason, message)
}

// memorable says that a decision about this revision should not be forgotten for the many steps that
// follow: people ask for it when the release is over.
func memorable(revision string) func(api.Decision) bool {
	return func(old api.Decision) bool {
		switch old.Reason {
		case DecidedDryRun, DecidedStepSkipped, DecidedSentBack, DecidedStableGone, DecidedRunLost:
			return old.Revision == revision
		}
		return false
	}
}

func (d *draft) plan() Plan[api.RolloutStatus] {
	return Plan[api.RolloutStatus]{
		Status: d.status, Actions: d.actions, Again: d.again, Reason: d.waiting, Events: d.events,
	}
}

// aborted, promoted and held name the states other decisions ask about.
func (d *draft) aborted() bool         { return d.status.Abort }
func (d *draft) promoted(f facts) bool { return d.status.StableRS == f.hash }
func (d *draft) held() bool            { return len(d.status.PauseConditions) > 0 }

// updating says that there is a new revision on its way and nothing has stopped it for good.
func (d *draft) updating(f facts) bool {
	return f.forward && !d.aborted() && !d.promoted(f) && d.status.StableRS != ""
}

// Reasons of decisions, for machines; `sluice why` prints their messages.
const (
	DecidedInitialDeploy = "InitialDeploy"
	DecidedUpdate        = "UpdateStarted"
	DecidedRollback      = "RollbackToStable"
	DecidedFastRollback  = "FastRollback"
	DecidedStepsChanged  = "StepsChanged"
	DecidedStep          = "StepCompleted"
	DecidedSkip          = "StepsSkipped" // there was nothing to measure
	DecidedStepSkipped   = "StepSkipped"  // by hand, from step up to nextStep
	DecidedSentBack      = "SentBack"     // by hand, from step to nextStep
	DecidedPause         = "Paused"
	DecidedResume        = "Resumed"
	DecidedInconclusive  = "Inconclusive"
	DecidedRunLost       = "AnalysisRunLost"
	DecidedStableGone    = "StableGone"
	DecidedAbort         = "Aborted"
	DecidedRetry         = "Retried"
	DecidedFull          = "PromoteFullRequested"
	DecidedPromotion     = "Promoted"
	DecidedRestart       = "RestartStarted"
	DecidedRefused       = "EvictionRefused"
	DecidedRestarted     = "RestartEnded"
	DecidedDryRun        = "DryRun"
	DecidedTakeOver      = "WorkloadTakenOver"
	DecidedRescaled      = "WorkloadRescaled" // by somebody else
	DecidedGiveBack      = "WorkloadRestored"
	DecidedCleared       = "SwitchCleared" // nothing stands before the switch of the active Service any more
	DecidedSwitched      = "Switched"      // the active Service names another revision
)
