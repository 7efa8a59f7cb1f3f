package decide

import (
	"fmt"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/judge"
)

// hearSkip notices that somebody moved the index of the current step: that is how clients skip steps,
// and nothing else tells of it. Where the update stood is known from what was decided last.
func (d *draft) hearSkip(f facts) {
	last, known := d.stoodAt(f)
	to := d.step(f)
	if !known || last == to {
		return
	}
	reason, message := DecidedStepSkipped, d.skipText(f, last, to)
	if to < last {
		reason, message = DecidedSentBack, fmt.Sprintf("The update was sent back from step %s to step %s by hand.", f.ordinal(last), f.ordinal(to))
		if last >= d.lastStep(f) {
			message = fmt.Sprintf("The update was sent back to step %s by hand.", f.ordinal(to))
		}
	}
	d.tell(api.EventSkipSteps, "%s", message)
	made := d.record(f, reason, message)
	made.Step, made.NextStep = &last, &to
	d.moved = true
	d.progress(f, api.ReasonReplicaSetUpdated, "ReplicaSet %q is progressing.", f.ro.Name+"-"+f.hash)
}

// stoodAt is the index at which the decisions left this update; false when they do not tell, as after
// another controller, or when there is no update to move.
func (d *draft) stoodAt(f facts) (index int32, known bool) {
	if !d.updating(f) || d.status.AbortedAt != nil || d.status.PromoteFull || len(f.canary.Steps) == 0 {
		return 0, false
	}
	for i := len(d.status.Decisions) - 1; i >= 0; i-- {
		made := d.status.Decisions[i]
		if besideUpdate(made.Reason) {
			continue
		}
		if made.Revision != f.hash {
			return 0, false
		}
		switch made.Reason {
		case DecidedStep:
			return after(made.Step, 1, d.lastStep(f))
		case DecidedStepSkipped, DecidedSentBack:
			return after(made.NextStep, 0, d.lastStep(f))
		case DecidedUpdate, DecidedStepsChanged, DecidedRetry, DecidedSkip, DecidedPause, DecidedInconclusive, DecidedResume, DecidedFull:
			return after(made.Step, 0, d.lastStep(f))
		}
		return 0, false
	}
	return 0, false
}

// after is the index so many steps on; a status that anybody may write is not trusted to be within the steps.
func after(step *int32, further, end int32) (int32, bool) {
	if step == nil || *step < 0 || *step > end-further {
		return 0, false
	}
	return *step + further, true
}

// besideUpdate says that decisions of this kind leave the update where it is.
func besideUpdate(reason string) bool {
	switch reason {
	case DecidedRestart, DecidedRefused, DecidedRestarted, DecidedDryRun, DecidedStableGone, DecidedRunLost,
		DecidedTakeOver, DecidedRescaled, DecidedGiveBack, DecidedSwitched:
		return true
	}
	return false
}

// skipText names the steps that were passed over, and what becomes of the analysis in the first.
func (d *draft) skipText(f facts, from, to int32) string {
	text := ""
	switch step, _ := f.stepAt(from); to - from {
	case 1:
		text = fmt.Sprintf("Step %s (%s) was skipped by hand", f.ordinal(from), stepText(step))
	case 2:
		text = fmt.Sprintf("Steps %s and %s were skipped by hand", f.ordinal(from), f.ordinal(to-1))
	default:
		text = fmt.Sprintf("Steps %s to %s were skipped by hand", f.ordinal(from), f.ordinal(to-1))
	}
	if ex := f.experiment(d.status.Canary.CurrentExperiment); ex != nil {
		return text + ": Experiment " + ex.Name + experimentCutShort(ex) + "."
	}
	ref := d.status.Canary.CurrentStepAnalysisRunStatus
	its := slot{base: fmt.Sprintf("%s-%s-%d-%d", f.ro.Name, f.hash, d.revision, from)}
	if ref == nil || !its.owns(ref.Name) || f.run(ref.Name) == nil {
		return text + "."
	}
	return text + ": AnalysisRun " + ref.Name + cutShort(f.run(ref.Name)) + "."
}

// experimentCutShort is how far an Experiment had come when its step was skipped.
func experimentCutShort(ex *api.Experiment) string {
	switch phase := ex.Status.Phase; {
	case phase == api.AnalysisPhaseInconclusive:
		return " was inconclusive"
	case phase.Completed():
		return " had come to " + string(phase)
	}
	return " is stopped"
}

// cutShort is how far a run had come when its step was skipped.
func cutShort(run *api.AnalysisRun) string {
	switch phase := run.Status.Phase; phase {
	case api.AnalysisPhaseInconclusive:
		return " was inconclusive"
	case api.AnalysisPhaseSuccessful, api.AnalysisPhaseFailed, api.AnalysisPhaseError:
		return " had come to " + string(phase)
	case api.AnalysisPhasePending, api.AnalysisPhaseRunning:
	}
	taken, planned, bounded := int32(0), int32(0), true
	for _, metric := range run.Spec.Metrics {
		limits, err := judge.Effective(metric)
		bounded = bounded && err == nil && limits.Count > 0
		planned += limits.Count
	}
	for _, result := range run.Status.MetricResults {
		taken += result.Count
	}
	switch {
	case taken == 0:
		return " is stopped before it has measured anything"
	case bounded && taken <= planned:
		return fmt.Sprintf(" is stopped after %d of %s", taken, numbered(int(planned), "measurement"))
	}
	return " is stopped after " + numbered(int(taken), "measurement")
}
