package decide

import (
	"slices"

	api "sluice.dev/sluice/api/v1alpha1"
)

// withinDelay says that a blue-green update goes back to a version whose pods were kept for that: their time is
// not over. What the time was given for does not stand on the ReplicaSet, and one that was never stable gets it
// too, so what is known of the version has a say.
func (d *draft) withinDelay(f facts, fresh *ReplicaSet) bool {
	return f.blueGreen != nil && f.now.Before(fresh.ScaleDownAt) && d.wasStable(f, fresh.Hash)
}

// wasStable says that a version has been the stable one when it was last dealt with. Where nothing is
// recorded of it, another controller dealt with it, unless so much is recorded that it may have been forgotten.
func (d *draft) wasStable(f facts, hash string) bool {
	for _, made := range slices.Backward(d.status.Decisions) {
		if made.Revision != hash {
			continue
		}
		switch made.Reason {
		case DecidedPromotion, DecidedInitialDeploy, DecidedRollback:
			return true
		case DecidedUpdate, DecidedAbort, DecidedRetry, DecidedCleared, DecidedPause, DecidedResume, DecidedFull, DecidedInconclusive, DecidedSkip:
			return false
		}
	}
	return len(d.status.Decisions) < api.MaxDecisions && !f.failedLast(hash)
}

// failedLast says that the last run of a version did not pass.
func (f facts) failedLast(hash string) bool {
	var last *api.AnalysisRun
	for _, run := range f.seen.Runs {
		if run.Labels[api.LabelPodTemplateHash] == hash && (last == nil || last.CreationTimestamp.Before(&run.CreationTimestamp)) {
			last = run
		}
	}
	return last != nil && last.Status.Phase != api.AnalysisPhaseSuccessful
}
