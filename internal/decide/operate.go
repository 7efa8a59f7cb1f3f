package decide

import api "sluice.dev/sluice/api/v1alpha1"

// obey carries out what people asked for by patching the status: abort, retry, resume, full
// promotion. Any client can send these patches, so nothing here assumes which one did.
func (d *draft) obey(f facts) {
	d.obeyAbort(f)
	if d.aborted() {
		d.status.PromoteFull = false // or a retry, days later, would skip everything
		return
	}
	d.obeyFull(f)
	if d.status.ControllerPause && !d.held() && !f.ro.Spec.Paused && (f.forward || d.doubts(f)) {
		d.resume(f) // what it ends is not known while the spec is refused: then it is heard later
	}
}

// obeyFull skips what is left of the update on request.
func (d *draft) obeyFull(f facts) {
	switch {
	case !d.status.PromoteFull:
	case d.promoted(f):
		d.status.PromoteFull = false
	case d.held() || d.status.ControllerPause || !d.recorded(DecidedFull, f.hash):
		d.unpause()
		if !d.recorded(DecidedFull, f.hash) {
			d.record(f, DecidedFull, "Full promotion was requested by hand: remaining steps, pauses and analysis are skipped.")
		}
	}
}

// resume follows somebody who cleared the pause: a pause step is over, an inconclusive analysis is
// measured again.
func (d *draft) resume(f facts) {
	d.status.ControllerPause = false
	if d.promoted(f) {
		return
	}
	if f.blueGreen != nil {
		d.resumeSwitch(f)
		return
	}
	again, over := d.measureAgain(f), f.forward && d.pausedHere(f)
	switch {
	case again != "":
		d.record(f, DecidedResume, "Resumed by hand: "+again+" again.")
	case !over && !d.moved:
		d.record(f, DecidedResume, "Resumed by hand.")
	}
	if over {
		d.completeStep(f, "resumed by hand")
	}
}

// pausedHere says that the pause somebody ended is that of the current step. Clients that skip a step
// while it pauses move the index and end the pause in one patch: the step they went to has not begun.
func (d *draft) pausedHere(f facts) bool {
	index := d.step(f)
	if step, ok := f.stepAt(index); !ok || step.Pause == nil {
		return false
	}
	for i := len(d.status.Decisions) - 1; i >= 0; i-- {
		switch was := d.status.Decisions[i]; was.Reason {
		case DecidedPause:
			return was.Step != nil && *was.Step == index
		case DecidedStep, DecidedUpdate, DecidedStepsChanged, DecidedRetry, DecidedResume, DecidedStepSkipped, DecidedSentBack:
			return false // it came here after that, and has not paused since
		}
	}
	return true // another controller began the pause
}

// unpause forgets every pause of the controller's own.
func (d *draft) unpause() {
	d.status.PauseConditions = nil
	d.status.ControllerPause = false
}

// pause adds a reason to wait for a person or for time to pass.
func (d *draft) pause(f facts, reason api.PauseReason) {
	for _, c := range d.status.PauseConditions {
		if c.Reason == reason {
			return
		}
	}
	d.status.PauseConditions = append(d.status.PauseConditions, api.PauseCondition{Reason: reason, StartTime: f.stampUp()})
	d.status.ControllerPause = true
	d.tell(api.EventRolloutPaused, "Rollout is paused (%s)", reason)
}
