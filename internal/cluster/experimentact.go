package cluster

import (
	"context"
	"fmt"
	"maps"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/decide"
)

// Act implements engine.World.
func (w *ExperimentWorld) Act(ctx context.Context, action decide.Action) error {
	switch a := action.(type) {
	case decide.ReplicaSetExists:
		return w.createReplicaSet(ctx, a)
	case decide.ReplicaSetWants:
		return w.patchReplicaSet(ctx, a.Name, map[string]any{"spec": map[string]any{"replicas": a.To}})
	case decide.ReplicaSetCarries:
		rs := w.replicaSets[a.Name]
		if rs == nil {
			return lookAgain("ReplicaSet %s/%s does not exist yet", w.key.Namespace, a.Name)
		}
		change := annotationChange(rs.Annotations, a.Annotations)
		if len(change) == 0 {
			return nil
		}
		return w.patchReplicaSet(ctx, a.Name, map[string]any{"metadata": map[string]any{"annotations": change}})
	case decide.ServiceExists:
		return w.createService(ctx, a)
	case decide.ServiceGone:
		if service := w.services[a.Name]; service != nil {
			return w.cluster.remove(ctx, w.parent().target(serviceKind, service), service.UID, metav1.DeletePropagationBackground)
		}
		return nil
	case decide.RunExists:
		if w.runs[a.Name] != nil {
			return nil
		}
		return w.cluster.createRun(ctx, w.parent(), a)
	case decide.RunStopped:
		return w.cluster.stopRun(ctx, w.parent(), w.runs[a.Name], a.ByHand)
	}
	return fmt.Errorf("an experiment's pass cannot carry out %T", action)
}

func (w *ExperimentWorld) createReplicaSet(ctx context.Context, a decide.ReplicaSetExists) error {
	if w.replicaSets[a.Name] != nil {
		return nil
	}
	p, none := w.parent(), int32(0)
	selector := a.Selector.DeepCopy()
	if selector == nil {
		selector = &metav1.LabelSelector{}
	}
	selector.MatchLabels = hashed(selector.MatchLabels, a.Hash)
	rs := &appsv1.ReplicaSet{
		ObjectMeta: p.made(a.Name, hashed(a.Template.Labels, a.Hash), a.Annotations),
		Spec: appsv1.ReplicaSetSpec{
			Replicas: &none, MinReadySeconds: a.MinReadySeconds, Selector: selector, Template: *a.Template.DeepCopy(),
		},
	}
	return w.cluster.bring(ctx, p, p.child(replicaSetKind, a.Name), rs)
}

// hashed are labels with the hash that tells the pods of one template from all others.
func hashed(labels map[string]string, hash string) map[string]string {
	labels = maps.Clone(labels)
	if labels == nil {
		labels = map[string]string{}
	}
	labels[api.LabelPodTemplateHash] = hash
	return labels
}

func (w *ExperimentWorld) createService(ctx context.Context, a decide.ServiceExists) error {
	if w.services[a.Name] != nil {
		return nil
	}
	p := w.parent()
	var labels map[string]string
	if a.Selector != nil {
		labels = a.Selector.MatchLabels
	}
	return w.cluster.bring(ctx, p, p.child(serviceKind, a.Name), &corev1.Service{
		ObjectMeta: p.made(a.Name, nil, nil),
		Spec:       corev1.ServiceSpec{Selector: hashed(labels, a.Hash), Ports: a.Ports},
	})
}

// patchReplicaSet writes at the version this pass knows, which its own earlier writes move on.
func (w *ExperimentWorld) patchReplicaSet(ctx context.Context, name string, fields map[string]any) error {
	rs := w.replicaSets[name]
	if rs == nil {
		return lookAgain("ReplicaSet %s/%s does not exist yet", w.key.Namespace, name)
	}
	now := &appsv1.ReplicaSet{}
	if err := w.cluster.patchInto(ctx, w.parent().target(replicaSetKind, rs), fields, now); err != nil {
		return err
	}
	w.replicaSets[name] = now
	return nil
}
