package cluster

import (
	"context"
	"encoding/json"

	corev1 "k8s.io/api/core/v1"

	"sluice.dev/sluice/internal/decide"
)

// Ephemeral metadata is changed on running pods.
//
// +kubebuilder:rbac:groups="",resources=pods,verbs=patch

// worn is the part of a pod template that changes with the role of its revision, as JSON has it.
type worn struct {
	Metadata struct {
		Labels      map[string]string `json:"labels,omitempty"`
		Annotations map[string]string `json:"annotations,omitempty"`
	} `json:"metadata"`
	Spec struct {
		Affinity *corev1.Affinity `json:"affinity,omitempty"`
	} `json:"spec"`
}

func wornOf(labels, annotations map[string]string, affinity *corev1.Affinity) (w worn) {
	w.Metadata.Labels, w.Metadata.Annotations, w.Spec.Affinity = labels, annotations, affinity
	return w
}

// dressReplicaSet changes what a ReplicaSet's next pods wear.
func (w *RolloutWorld) dressReplicaSet(ctx context.Context, a decide.ReplicaSetWears) error {
	rs, err := w.replicaSet(a.Name)
	if err != nil {
		return err
	}
	now := &rs.Spec.Template
	change, err := difference(wornOf(now.Labels, now.Annotations, now.Spec.Affinity), wornOf(a.Labels, a.Annotations, a.Affinity))
	if err != nil {
		return err
	}
	fields := map[string]any{}
	if change != nil {
		fields["spec"] = map[string]json.RawMessage{"template": change}
	}
	if notes := annotationChange(rs.Annotations, a.Notes); len(notes) > 0 {
		fields["metadata"] = map[string]any{"annotations": notes}
	}
	if len(fields) == 0 {
		return nil
	}
	return w.patchReplicaSet(ctx, rs, fields)
}

// dressPod changes what a running pod wears.
func (w *RolloutWorld) dressPod(ctx context.Context, a decide.PodWears) error {
	pod := w.pods[a.Name]
	if pod == nil || pod.UID != a.UID || pod.DeletionTimestamp != nil {
		return nil
	}
	metadata := map[string]any{}
	if len(a.Labels) > 0 {
		metadata["labels"] = a.Labels
	}
	if len(a.Annotations) > 0 {
		metadata["annotations"] = a.Annotations
	}
	_, err := w.cluster.patch(ctx, w.target(podKind, pod), map[string]any{"metadata": metadata})
	return err
}
