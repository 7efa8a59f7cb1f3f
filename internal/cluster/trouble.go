package cluster

import (
	"context"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/decide"
)

const (
	// troubledPods is how many pods are asked what is wrong: more would say the same.
	troubledPods = 20
	// troubleWithin bounds asking them.
	troubleWithin = 3 * time.Second
)

// observeTrouble asks the pods of the current revision, when its progress deadline has passed, why they
// are not ready. The caches do not keep what containers wait for. Not to be told is no reason to let an
// update that is out of time go on, so whatever goes wrong here leaves the cause out.
func (w *RolloutWorld) observeTrouble(ctx context.Context, now time.Time) string {
	hash := w.rollout.Status.CurrentPodHash
	if hash == "" || !decide.Overdue(w.rollout, now) {
		return ""
	}
	ctx, cancel := context.WithTimeout(ctx, troubleWithin)
	defer cancel()
	var list corev1.PodList
	if err := w.cluster.Live.List(ctx, &list, client.InNamespace(w.rollout.Namespace),
		client.MatchingLabels{api.LabelPodTemplateHash: hash}, client.Limit(troubledPods)); err != nil {
		return ""
	}
	return decide.Trouble(slices.DeleteFunc(list.Items, func(pod corev1.Pod) bool {
		owner := metav1.GetControllerOfNoCopy(&pod)
		if owner == nil {
			return true
		}
		rs := w.replicaSets[owner.Name]
		return rs == nil || rs.UID != owner.UID
	}))
}
