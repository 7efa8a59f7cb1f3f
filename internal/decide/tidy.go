package decide

import (
	"slices"
	"sort"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	api "sluice.dev/sluice/api/v1alpha1"
)

// Defaults of the history limits.
const (
	defaultRevisionHistory = 10
	defaultRunHistory      = 5
)

// tidy deletes runs whose time is over, and old ReplicaSets and finished runs beyond the history limits.
func (d *draft) tidy(f facts) {
	expired := d.expireRuns(f)
	if !f.forward {
		return
	}
	gone := d.tidyReplicaSets(f)
	d.tidyRuns(f, gone, expired)
	d.tidyExperiments(f, gone)
}

// tidyReplicaSets deletes the oldest unused ReplicaSets. One that has, or may still have, pods stays.
func (d *draft) tidyReplicaSets(f facts) map[string]bool {
	limit := limitOr(f.ro.Spec.RevisionHistoryLimit, defaultRevisionHistory)
	old := f.others(d.status.StableRS)
	sort.SliceStable(old, func(i, j int) bool { return old[i].CreatedAt.Before(old[j].CreatedAt) })
	gone := map[string]bool{}
	for _, rs := range old[:max(len(old)-limit, 0)] {
		if rs.Wanted == 0 && rs.Replicas == 0 && rs.Observed && !f.entered(rs.Hash) {
			gone[rs.Hash] = true
			d.act(ReplicaSetGone{Name: rs.Name})
		}
	}
	return gone
}

// tidyRuns keeps the newest finished runs of each outcome. A run whose revision is gone goes too.
func (d *draft) tidyRuns(f facts, gone, expired map[string]bool) {
	good, bad := f.historyLimits()
	for _, run := range newestFirst(f.seen.Runs) {
		if !run.Status.Phase.Completed() || expired[run.Name] || d.refers(run.Name) {
			continue
		}
		left := &bad
		if run.Status.Phase == api.AnalysisPhaseSuccessful {
			left = &good
		}
		hash := run.Labels[api.LabelPodTemplateHash]
		orphan := gone[hash] || (hash != f.hash && f.find(hash) == nil)
		if *left <= 0 || orphan {
			d.act(RunGone{Name: run.Name})
			continue
		}
		*left--
	}
}

// historyLimits are how many runs and Experiments of each outcome are kept.
func (f facts) historyLimits() (good, bad int) {
	good, bad = defaultRunHistory, defaultRunHistory
	if a := f.ro.Spec.Analysis; a != nil {
		good = limitOr(a.SuccessfulRunHistoryLimit, good)
		bad = limitOr(a.UnsuccessfulRunHistoryLimit, bad)
	}
	return good, bad
}

func newestFirst[T metav1.Object](objects []T) []T {
	return slices.SortedStableFunc(slices.Values(objects), func(a, b T) int {
		return b.GetCreationTimestamp().Compare(a.GetCreationTimestamp().Time)
	})
}

// refers says whether the status points at the run.
func (d *draft) refers(name string) bool {
	for _, h := range d.refs() {
		if *h.ref != nil && (*h.ref).Name == name {
			return true
		}
	}
	return false
}

func limitOr(limit *int32, otherwise int) int {
	if limit == nil || *limit < 0 {
		return otherwise
	}
	return int(*limit)
}
