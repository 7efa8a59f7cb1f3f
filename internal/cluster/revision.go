package cluster

import (
	"maps"
	"strconv"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/decide"
)

// notCopied are annotations of a Rollout that its ReplicaSets do not inherit: they say something
// about that one object.
var notCopied = map[string]bool{
	api.AnnotationLastApplied:     true,
	api.AnnotationRevision:        true,
	api.AnnotationRevisionHistory: true,
	api.AnnotationDesiredReplicas: true,
	api.AnnotationNotified:        true,

	api.AnnotationEphemeralMetadata: true,
	api.AnnotationCoveredMetadata:   true,
}

// revision is a ReplicaSet as decide sees it.
func revision(rs *appsv1.ReplicaSet) decide.ReplicaSet {
	r := decide.ReplicaSet{
		Name:            rs.Name,
		Hash:            rs.Labels[api.LabelPodTemplateHash],
		Revision:        number(rs.Annotations[api.AnnotationRevision], 0),
		History:         rs.Annotations[api.AnnotationRevisionHistory],
		CreatedAt:       rs.CreationTimestamp.Time,
		Wanted:          1,
		Replicas:        rs.Status.Replicas,
		Ready:           rs.Status.ReadyReplicas,
		Available:       rs.Status.AvailableReplicas,
		Observed:        rs.Status.ObservedGeneration >= rs.Generation,
		DesiredReplicas: int32(number(rs.Annotations[api.AnnotationDesiredReplicas], -1)),
		MinReadySeconds: rs.Spec.MinReadySeconds,
		ScaleDownAt:     moment(rs.Annotations[api.AnnotationScaleDownDeadline]),
		Template:        rs.Spec.Template,
		Worn:            rs.Annotations[api.AnnotationEphemeralMetadata],
		Covered:         rs.Annotations[api.AnnotationCoveredMetadata],
	}
	if rs.Spec.Replicas != nil {
		r.Wanted = *rs.Spec.Replicas
	}
	for _, c := range rs.Status.Conditions {
		if c.Type == appsv1.ReplicaSetReplicaFailure && c.Status == corev1.ConditionTrue {
			r.Failure = c.Message
		}
	}
	return r
}

// moment reads an annotation; what is no time counts as not there.
func moment(text string) time.Time {
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}
	}
	return at
}

// number reads an annotation; what is no number counts as not there.
func number(text string, otherwise int64) int64 {
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil {
		return otherwise
	}
	return n
}

// replicaSet builds the ReplicaSet of a new revision, with no pods wanted yet.
func replicaSet(rollout *api.Rollout, want decide.ReplicaSetExists) *appsv1.ReplicaSet {
	annotations := map[string]string{}
	for key, value := range rollout.Annotations {
		if !notCopied[key] {
			annotations[key] = value
		}
	}
	maps.Copy(annotations, want.Annotations)
	annotations[api.AnnotationRevision] = strconv.FormatInt(want.Revision, 10)
	annotations[api.AnnotationDesiredReplicas] = strconv.Itoa(int(want.DesiredReplicas))

	selector := &metav1.LabelSelector{}
	if rollout.Spec.Selector != nil {
		selector = rollout.Spec.Selector.DeepCopy()
	}
	if selector.MatchLabels == nil {
		selector.MatchLabels = map[string]string{}
	}
	selector.MatchLabels[api.LabelPodTemplateHash] = want.Hash

	labels := maps.Clone(want.Template.Labels)
	if labels == nil {
		labels = map[string]string{}
	}
	labels[api.LabelPodTemplateHash] = want.Hash

	none := int32(0)
	rs := &appsv1.ReplicaSet{
		ObjectMeta: metav1.ObjectMeta{
			Namespace:       rollout.Namespace,
			Name:            want.Name,
			Labels:          labels,
			Annotations:     annotations,
			OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(rollout, rolloutKind)},
		},
		Spec: appsv1.ReplicaSetSpec{
			Replicas:        &none,
			MinReadySeconds: want.MinReadySeconds,
			Selector:        selector,
			Template:        *want.Template.DeepCopy(),
		},
	}
	if rs.Spec.Template.Labels == nil {
		rs.Spec.Template.Labels = map[string]string{}
	}
	rs.Spec.Template.Labels[api.LabelPodTemplateHash] = want.Hash
	return rs
}
