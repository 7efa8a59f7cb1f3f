package command

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	api "sluice.dev/sluice/api/v1alpha1"
)

// Past is what is left of earlier updates of a rollout. Objects of others may be among the lists.
type Past struct {
	ReplicaSets []appsv1.ReplicaSet
	Runs        []api.AnalysisRun
	Now         time.Time
}

// manner is how the controller goes back to a revision, and what speaks against it.
func (p Past) manner(ro *api.Rollout, known []numbered, target *appsv1.ReplicaSet) string {
	hash := target.Labels[api.LabelPodTemplateHash]
	if hash == ro.Status.StableRS {
		return "which is its stable version: no steps, no analysis"
	}
	at := slices.IndexFunc(known, func(n numbered) bool { return n.set.Labels[api.LabelPodTemplateHash] == ro.Status.StableRS })
	manner := "step by step like any update"
	against := p.verdict(ro, hash)
	switch {
	case at < 0 || !madeBefore(target, known[at].set):
	case withinWindow(ro, known, target, known[at].set):
		manner = "which is within its rollback window: steps and analysis are skipped"
	case against == "" && ro.Spec.Strategy.BlueGreen != nil && p.Now.Before(keptUntil(target)):
		manner = "whose pods are still kept: steps and analysis are skipped"
	}
	if against != "" {
		manner += "; warning: " + against
	}
	return manner
}

// keptUntil is until when the pods of a ReplicaSet are kept; zero when nothing is said.
func keptUntil(set *appsv1.ReplicaSet) time.Time {
	at, err := time.Parse(time.RFC3339, set.Annotations[api.AnnotationScaleDownDeadline])
	if err != nil {
		return time.Time{}
	}
	return at
}

// verdict is what speaks against a revision: that its update was aborted or its analysis failed, or that nothing
// shows that it was ever stable; "" when it was. The newest decision about it that tells wins.
func (p Past) verdict(ro *api.Rollout, hash string) string {
	for _, made := range slices.Backward(ro.Status.Decisions) {
		if made.Revision != hash {
			continue
		}
		switch made.Reason {
		case "Promoted", "InitialDeploy", "RollbackToStable":
			return ""
		case "Aborted":
			return "the update to it was aborted"
		}
	}
	if run := p.failed(ro, hash); run != "" {
		return "its analysis run " + run + " did not succeed"
	}
	return "nothing shows any more that it was ever stable"
}

// failed is the name of the last analysis run of a revision when that came to Failed or Error.
func (p Past) failed(ro *api.Rollout, hash string) string {
	var last *api.AnalysisRun
	for i := range p.Runs {
		run := &p.Runs[i]
		owned := slices.ContainsFunc(run.OwnerReferences, func(o metav1.OwnerReference) bool { return o.UID == ro.UID })
		if owned && run.Labels[api.LabelPodTemplateHash] == hash && (last == nil || last.CreationTimestamp.Before(&run.CreationTimestamp)) {
			last = run
		}
	}
	if last != nil && (last.Status.Phase == api.AnalysisPhaseFailed || last.Status.Phase == api.AnalysisPhaseError) {
		return last.Name
	}
	return ""
}

// withinWindow says that fewer revisions were made between the two than rollbackWindow allows.
func withinWindow(ro *api.Rollout, known []numbered, from, to *appsv1.ReplicaSet) bool {
	if ro.Spec.RollbackWindow == nil {
		return false
	}
	between := int32(0)
	for _, n := range known {
		if madeBefore(from, n.set) && madeBefore(n.set, to) {
			between++
		}
	}
	return between < ro.Spec.RollbackWindow.Revisions
}

// madeBefore says that a ReplicaSet was made before another one; within one second the first numbers they had tell.
func madeBefore(a, b *appsv1.ReplicaSet) bool {
	return cmp.Or(a.CreationTimestamp.Compare(b.CreationTimestamp.Time), cmp.Compare(firstNumber(a), firstNumber(b))) < 0
}

func firstNumber(set *appsv1.ReplicaSet) int64 {
	first, _, _ := strings.Cut(set.Annotations[api.AnnotationRevisionHistory], ",")
	if n, err := strconv.ParseInt(first, 10, 64); err == nil {
		return n
	}
	n, _ := strconv.ParseInt(set.Annotations[api.AnnotationRevision], 10, 64)
	return n
}
