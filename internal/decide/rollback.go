package decide

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	api "sluice.dev/sluice/api/v1alpha1"
)

// A fast rollback goes back to a version that was trusted a short time ago: steps and analysis are skipped,
// pauses are ended, and the promotion comes as soon as the pods can carry it. An abort still wins: it is
// newer than the template, and sends the update back to stable.
//
// Revisions in the order in which they were made, v4 stable, rollbackWindow.revisions 2:
//
//	v1 v2 v3 v4 → v3   none lies between: fast
//	v1 v2 v3 v4 → v2   v3 lies between, 1 < 2: fast
//	v1 v2 v3 v4 → v1   v2 and v3, 2 are not fewer than 2: with steps
//	v1 v2 v3 v4 → v5   newer than v4, no rollback

// fastRollback is how the promotion of a fast rollback is called, "" while there is none.
func (d *draft) fastRollback(f facts) string {
	if d.aborted() || d.promoted(f) || d.status.StableRS == "" {
		return ""
	}
	fresh, stable := f.fresh(), f.find(d.status.StableRS)
	if fresh == nil || stable == nil || !fresh.madeBefore(stable) {
		return ""
	}
	if f.withinWindow(fresh, stable) {
		return "Rollback within window"
	}
	if d.withinDelay(f, fresh) {
		return "Fast rollback"
	}
	return ""
}

// hastens says that what is left of the steps is passed over: by hand, or to go back fast.
func (d *draft) hastens(f facts) bool { return d.status.PromoteFull || d.fastRollback(f) != "" }

// withinWindow says that fewer revisions lie between the two than rollbackWindow.revisions allows.
func (f facts) withinWindow(from, to *ReplicaSet) bool {
	window := f.ro.Spec.RollbackWindow
	if window == nil {
		return false
	}
	between := int32(0)
	for i := range f.seen.ReplicaSets {
		if rs := &f.seen.ReplicaSets[i]; from.madeBefore(rs) && rs.madeBefore(to) {
			between++
		}
	}
	return between < window.Revisions
}

// madeBefore says that a ReplicaSet was made before another one. Its revision's number does not tell: that
// grows when it comes back into use. Only the first one it ever had does, where both are of one second.
func (rs *ReplicaSet) madeBefore(other *ReplicaSet) bool {
	if !rs.CreatedAt.Equal(other.CreatedAt) {
		return rs.CreatedAt.Before(other.CreatedAt)
	}
	return rs.firstNumber() < other.firstNumber()
}

func (rs *ReplicaSet) firstNumber() int64 {
	first, _, _ := strings.Cut(rs.History, ",")
	if n, err := strconv.ParseInt(first, 10, 64); err == nil {
		return n
	}
	return rs.Revision
}

// rollBack skips what is left of an update that turns out to be a fast rollback, and tells so once. While
// somebody has paused the Rollout nothing is skipped either.
func (d *draft) rollBack(f facts) {
	why := d.fastRollback(f)
	if why == "" || !f.forward || f.ro.Spec.Paused {
		return
	}
	d.unpause()
	d.goTo(f, d.lastStep(f))
	d.status.BlueGreen.ScaleUpPreviewCheckPoint = f.blueGreen != nil
	if d.recorded(DecidedFastRollback, f.hash) {
		return
	}
	d.tell(api.EventSkipSteps, "%s: steps and analysis are skipped", why)
	made := d.record(f, DecidedFastRollback, fmt.Sprintf("%s: revision %d goes back to an earlier version, so steps and analysis are skipped.", why, d.revision)+d.abortedBefore(f))
	if last := d.lastStep(f); last > 0 {
		first := int32(0)
		made.Step, made.NextStep = &first, &last
	}
}

// abortedBefore is added to what is told of a fast rollback: by its contract the window goes by when revisions were
// made, so the version may be one whose own update was aborted.
func (d *draft) abortedBefore(f facts) string {
	for _, made := range slices.Backward(d.status.Decisions) {
		if made.Revision != f.hash {
			continue
		}
		switch made.Reason {
		case DecidedPromotion, DecidedInitialDeploy, DecidedRollback:
			return ""
		case DecidedAbort:
			return " The earlier update to this version was aborted."
		}
	}
	return ""
}

// recorded says that the newest decision about the update is this one. Both that pass over steps may be the
// newest: somebody may promote in full what goes back fast.
func (d *draft) recorded(reason, hash string) bool {
	for _, made := range slices.Backward(d.status.Decisions) {
		switch {
		case made.Reason == reason:
			return made.Revision == hash
		case made.Reason != DecidedFull && made.Reason != DecidedFastRollback && !besideUpdate(made.Reason):
			return false
		}
	}
	return false
}
