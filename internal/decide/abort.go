package decide

import (
	"fmt"

	api "sluice.dev/sluice/api/v1alpha1"
)

// An abort is a small machine of its own. Nothing else has a say in it: not the steps, pauses, analysis or
// deadlines, not a full promotion, not a spec that has become invalid, and not the new pods. It looks at the
// stable revision's pods and at what requests reach, and goes through these states, which status and the
// observation tell together:
//
//	asked      status.abort is set, abortedAt is not      → both are, every wait is over, the cause is told
//	returning  the stable revision has fewer than R pods  → it gets them; shares follow as it can carry them
//	safe       nobody is sent to the canary               → its time begins (abortScaleDownDelaySeconds)
//	over       its time is over                           → its pods go; nothing brings them back but a retry
//
// The bound: once the stable revision serves with R − maxUnavailable pods, the pass that sees it tells the
// router to send the canary nothing, and leads the canary's Service back when all of it can be taken there. So
// from the patch that asks for an abort it is three passes at most, whatever else changes meanwhile;
// a router adds the time it takes to do what it was told, and where it never does, the Service leads back.
// internal/simulate holds this as a law (passesToSafety).
//
// A new template ends an abort, because it is another update; a retry starts the same one over.

func (d *draft) obeyAbort(f facts) {
	switch {
	case d.aborted() && (d.promoted(f) || d.status.StableRS == ""):
		// Nothing to abort: the flag is taken back and nothing else happens.
		d.status.Abort, d.status.AbortedAt = false, nil
	case d.aborted() && d.status.AbortedAt == nil:
		d.abort(f, "", "The update was aborted by hand.")
	case !d.aborted() && d.status.AbortedAt != nil:
		d.retry(f)
	}
}

// abort stops the update and sends it back to the stable revision. It needs nothing from the canary
// and ends every wait. The cause is what the event and the condition add to "Rollout aborted …".
func (d *draft) abort(f facts, cause, why string, proof ...api.Evidence) {
	stepThen := d.status.CurrentStepIndex
	at := f.stamp()
	d.status.Abort, d.status.AbortedAt = true, &at
	d.status.PromoteFull = false
	d.unpause()
	d.goTo(f, 0)
	d.forgetSwitch()
	if f.find(d.status.StableRS) == nil {
		nowhere := fmt.Sprintf(NoWayBack+": revision %d goes on serving.", d.revision)
		why += " " + nowhere
		if cause != "" {
			cause += ". "
		}
		cause += nowhere
	}
	d.conditionAborted(f, cause)
	// The record says at which step it happened, not where the index went.
	d.record(f, DecidedAbort, why, proof...).Step = stepThen
}

// retry starts an aborted update over: new runs, first step. Runs of earlier attempts stay as
// history and are never looked at again.
func (d *draft) retry(f facts) {
	d.status.AbortedAt = nil
	d.forgetRuns()
	d.forgetSwitch()
	d.status.Attempt++
	d.goTo(f, 0)
	d.startClock(f)
	d.conditionRetried(f)
	d.record(f, DecidedRetry, "The aborted update was started over by hand.")
}

// abortedSize keeps an aborted canary until its time is over, and never lets it grow. A dynamic one goes
// together with its share, because the pods are needed elsewhere, unless a delay was asked for.
func (d *draft) abortedSize(f facts, rs *ReplicaSet) int32 {
	delay, forever := delayOf(f.canary.AbortScaleDownDelaySeconds, true)
	if f.canary.DynamicStableScale && f.canary.AbortScaleDownDelaySeconds == nil && f.canaryShare() == f.reach(rs.Hash) {
		return min(rs.Wanted, f.needed(f.reach(rs.Hash)))
	}
	stable := f.find(d.status.StableRS)
	switch {
	case forever:
		d.settleDeadline(rs)
		return rs.Wanted
	case stable == nil || stable.Available < f.replicas || f.reach(rs.Hash) > 0:
		return rs.Wanted // its time begins when nobody needs it any more
	}
	return d.sizeUnderDeadline(f, rs, delay)
}

// canaryShare is the share of the canary's entrance, whatever is behind it by now: as long as the router has
// not caught up, requests may still be on their way to the revision that was.
func (f facts) canaryShare() int32 {
	if f.unread() != "" {
		return f.whole()
	}
	return max(f.seen.Routing.Asked.Canary.Weight, f.seen.Routing.Serves.Canary.Weight)
}
