package decide

import (
	"fmt"
	"slices"

	api "sluice.dev/sluice/api/v1alpha1"
)

// NoWayBack stands in the message of an aborted Rollout whose stable ReplicaSet does not exist: the
// revision that was aborted has to serve.
const NoWayBack = "There is no stable ReplicaSet to go back to"

// missStable notices that the stable ReplicaSet was deleted in mid-update. The new revision then takes
// all pods, because nothing else can serve, and people should hear that the way back is gone.
func (d *draft) missStable(f facts) {
	stable := d.status.StableRS
	if stable == "" || d.promoted(f) || f.fresh() == nil || f.find(stable) != nil {
		return
	}
	told := func(made api.Decision) bool { return made.Reason == DecidedStableGone && made.Revision == f.hash }
	if slices.ContainsFunc(d.status.Decisions, told) {
		return
	}
	message := fmt.Sprintf("The stable ReplicaSet %s does not exist any more: revision %d takes all pods, and there is nothing to go back to.",
		f.ro.Name+"-"+stable, d.revision)
	d.warn(api.EventRolloutReconciliationError, "%s", message)
	made := d.record(f, DecidedStableGone, message)
	if all := f.whole(); !d.aborted() {
		made.Weight = &all // whatever the steps ask for
	}
}

// missRuns notices that a run was deleted before it had a verdict. It is begun anew under its name, and
// what it had measured is lost.
func (d *draft) missRuns(f facts) {
	if !d.measuring(f) || !f.forward {
		return
	}
	for _, h := range d.refs() {
		ref := *h.ref
		if ref == nil || ref.Status != api.AnalysisPhaseRunning || f.run(ref.Name) != nil {
			continue
		}
		message := fmt.Sprintf("AnalysisRun %s has disappeared before it had a verdict: it is begun anew, and what it had measured is lost.", ref.Name)
		d.warn(api.EventRolloutReconciliationError, "%s", message)
		d.record(f, DecidedRunLost, message)
		*h.ref = &api.RolloutAnalysisRunStatus{Name: ref.Name, Status: api.AnalysisPhasePending}
	}
}
