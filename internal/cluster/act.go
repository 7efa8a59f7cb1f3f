package cluster

import (
	"context"
	"fmt"
	"strconv"

	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/decide"
)

// Act implements engine.World.
func (w *RolloutWorld) Act(ctx context.Context, action decide.Action) error {
	switch a := action.(type) {
	case decide.ReplicaSetExists:
		return w.createReplicaSet(ctx, a)
	case decide.ReplicaSetWants:
		return w.scale(ctx, a)
	case decide.ServiceSelects:
		return w.selectRevision(ctx, a)
	case decide.TrafficSplits:
		return fmt.Errorf("dividing the requests of %s: this version has no traffic router", w.key)
	case decide.PodGone:
		return w.evict(ctx, a)
	case decide.ReplicaSetCarries:
		return w.annotateReplicaSet(ctx, a)
	case decide.ReplicaSetGone:
		return w.removeReplicaSet(ctx, a)
	case decide.RunExists:
		if w.runs[a.Name] != nil {
			return nil
		}
		return w.cluster.createRun(ctx, w.parent(), a)
	case decide.RunStopped:
		return w.cluster.stopRun(ctx, w.parent(), w.runs[a.Name], a.ByHand)
	case decide.RunGone:
		return w.removeRun(ctx, a)
	}
	return w.actBeside(ctx, action)
}

// actBeside makes true what is not about sizes, Services and runs.
func (w *RolloutWorld) actBeside(ctx context.Context, action decide.Action) error {
	switch a := action.(type) {
	case decide.WorkloadWants:
		return w.scaleWorkload(ctx, a)
	case decide.RolloutHeld:
		return w.holdRollout(ctx, a)
	case decide.RolloutCarries:
		return w.annotateRollout(ctx, a)
	case decide.ReplicaSetWears:
		return w.dressReplicaSet(ctx, a)
	case decide.PodWears:
		return w.dressPod(ctx, a)
	}
	return w.actOnExperiment(ctx, action)
}

func (w *RolloutWorld) createReplicaSet(ctx context.Context, a decide.ReplicaSetExists) error {
	if w.replicaSets[a.Name] != nil {
		return nil
	}
	rs := replicaSet(w.rollout, a)
	err := w.cluster.Live.Create(ctx, rs)
	if apierrors.IsAlreadyExists(err) {
		return w.meetReplicaSet(ctx, a, rs.Spec.Selector)
	}
	if err != nil {
		return w.complain(api.EventReplicaSetCreateError, rs.Name, fmt.Errorf("creating ReplicaSet %s/%s: %w", rs.Namespace, rs.Name, err))
	}
	w.cluster.lessons.unlearn(w.rollout.UID, w.child(replicaSetKind, rs.Name))
	w.cluster.ledger.wrote(w.rollout.UID, w.child(replicaSetKind, rs.Name), rs.ResourceVersion)
	w.replicaSets[rs.Name] = rs
	return nil
}

// meetReplicaSet finds out whose the ReplicaSet is that has our name already: our own from an
// earlier pass, an orphan of the same revision (then it becomes ours), or a stranger's.
func (w *RolloutWorld) meetReplicaSet(ctx context.Context, a decide.ReplicaSetExists, selector *metav1.LabelSelector) error {
	rs := &appsv1.ReplicaSet{}
	at := w.child(replicaSetKind, a.Name)
	if err := w.cluster.Live.Get(ctx, types.NamespacedName{Namespace: at.namespace, Name: at.name}, rs); err != nil {
		return w.cluster.refused(ctx, target{ref: at, owner: w.rollout.UID}, "reading", err)
	}
	owner := metav1.GetControllerOfNoCopy(rs)
	same := rs.Labels[api.LabelPodTemplateHash] == a.Hash
	switch {
	case same && !rs.DeletionTimestamp.IsZero():
		return &Stale{What: fmt.Sprintf("ReplicaSet %s/%s is being deleted", at.namespace, at.name), After: patience}
	case same && owner != nil && owner.UID == w.rollout.UID:
		w.cluster.ledger.wrote(w.rollout.UID, at, rs.ResourceVersion)
		return lookAgain("ReplicaSet %s/%s exists already", at.namespace, at.name)
	case same && owner == nil && metav1.FormatLabelSelector(rs.Spec.Selector) == metav1.FormatLabelSelector(selector):
		owners := append(rs.OwnerReferences, *metav1.NewControllerRef(w.rollout, rolloutKind))
		t := target{ref: at, version: rs.ResourceVersion, owner: w.rollout.UID}
		if _, err := w.cluster.patch(ctx, t, map[string]any{"metadata": map[string]any{"ownerReferences": owners}}); err != nil {
			return err
		}
		return lookAgain("ReplicaSet %s/%s was an orphan of this revision", at.namespace, at.name)
	}
	w.cluster.lessons.learn(w.rollout.UID, at, lesson{taken: true})
	return lookAgain("ReplicaSet %s/%s belongs to somebody else", at.namespace, at.name)
}

func (w *RolloutWorld) scale(ctx context.Context, a decide.ReplicaSetWants) error {
	rs, err := w.replicaSet(a.Name)
	if err != nil {
		return err
	}
	if err := w.rely(ctx, a.Relies); err != nil {
		return err
	}
	if err := w.stillSees(ctx, a.Sees); err != nil {
		return err
	}
	return w.patchReplicaSet(ctx, rs, map[string]any{
		"metadata": map[string]any{"annotations": map[string]any{
			api.AnnotationDesiredReplicas: strconv.Itoa(int(a.DesiredReplicas)),
		}},
		"spec": map[string]any{"replicas": a.To},
	})
}

// rely reads live what a decision to lower capacity stands on. What this pass has just written it
// need not ask for: the answer to the write said how things stand, and a rollback is waiting.
func (w *RolloutWorld) rely(ctx context.Context, on []decide.Capacity) error {
	for _, capacity := range on {
		at := w.child(replicaSetKind, capacity.ReplicaSet)
		live := w.written[capacity.ReplicaSet]
		if live == nil {
			live = &appsv1.ReplicaSet{}
			if err := w.cluster.Live.Get(ctx, types.NamespacedName{Namespace: at.namespace, Name: at.name}, live); err != nil {
				return w.cluster.refused(ctx, target{ref: at, owner: w.rollout.UID}, "reading", err)
			}
		}
		now := revision(live)
		if serving := min(now.Wanted, now.Available); serving < capacity.Available {
			w.cluster.ledger.wrote(w.rollout.UID, at, live.ResourceVersion)
			return lookAgain("ReplicaSet %s/%s has %d available pods, not the %d the decision relied on",
				at.namespace, at.name, serving, capacity.Available)
		}
	}
	return nil
}

func (w *RolloutWorld) annotateReplicaSet(ctx context.Context, a decide.ReplicaSetCarries) error {
	rs, err := w.replicaSet(a.Name)
	if err != nil {
		return err
	}
	fields := map[string]any{}
	if change := annotationChange(rs.Annotations, a.Annotations); len(change) > 0 {
		fields["metadata"] = map[string]any{"annotations": change}
	}
	if a.MinReadySeconds != nil && *a.MinReadySeconds != rs.Spec.MinReadySeconds {
		fields["spec"] = map[string]any{"minReadySeconds": *a.MinReadySeconds}
	}
	if len(fields) == 0 {
		return nil
	}
	return w.patchReplicaSet(ctx, rs, fields)
}

// annotationChange is the merge patch that makes want true; an empty value removes.
func annotationChange(have, want map[string]string) map[string]any {
	change := map[string]any{}
	for key, value := range want {
		current, present := have[key]
		switch {
		case value == "" && present:
			change[key] = nil
		case value != "" && current != value:
			change[key] = value
		}
	}
	return change
}

func (w *RolloutWorld) removeReplicaSet(ctx context.Context, a decide.ReplicaSetGone) error {
	rs := w.replicaSets[a.Name]
	if rs == nil {
		return nil
	}
	return w.cluster.remove(ctx, w.target(replicaSetKind, rs), rs.UID, metav1.DeletePropagationBackground)
}

func (w *RolloutWorld) annotateRollout(ctx context.Context, a decide.RolloutCarries) error {
	fields := map[string]any{}
	if change := annotationChange(w.rollout.Annotations, a.Annotations); len(change) > 0 {
		fields["metadata"] = map[string]any{"annotations": change}
	}
	if a.Replicas != nil && w.rollout.Spec.Replicas == nil {
		fields["spec"] = map[string]any{"replicas": *a.Replicas}
	}
	if len(fields) == 0 {
		return nil
	}
	version, err := w.cluster.patch(ctx, w.self(), fields)
	if err != nil {
		return err
	}
	w.version = version
	return nil
}

func (w *RolloutWorld) removeRun(ctx context.Context, a decide.RunGone) error {
	run := w.runs[a.Name]
	if run == nil {
		return nil
	}
	return w.cluster.remove(ctx, w.target(runKind, run), run.UID, metav1.DeletePropagationBackground)
}

// replicaSet is a ReplicaSet of this pass, observed or created.
func (w *RolloutWorld) replicaSet(name string) (*appsv1.ReplicaSet, error) {
	if rs := w.replicaSets[name]; rs != nil {
		return rs, nil
	}
	return nil, lookAgain("ReplicaSet %s/%s does not exist yet", w.rollout.Namespace, name)
}

// patchReplicaSet writes at the version this pass knows, which its own earlier writes move on.
func (w *RolloutWorld) patchReplicaSet(ctx context.Context, rs *appsv1.ReplicaSet, fields map[string]any) error {
	now := &appsv1.ReplicaSet{}
	if err := w.cluster.patchInto(ctx, w.target(replicaSetKind, rs), fields, now); err != nil {
		return w.complain(api.EventReplicaSetUpdateError, rs.Name, err)
	}
	if w.written == nil {
		w.written = map[string]*appsv1.ReplicaSet{}
	}
	w.replicaSets[rs.Name], w.written[rs.Name] = now, now
	return nil
}

// complain tells people, once, why the server does not let a ReplicaSet be written.
func (w *RolloutWorld) complain(reason, name string, err error) error {
	if !refuses(err) {
		return err
	}
	if w.cluster.lessons.learn(w.rollout.UID, w.child(replicaSetKind, name), lesson{refused: err.Error()}) {
		w.Tell([]decide.Event{{Warning: true, Reason: reason, Message: err.Error()}})
	}
	return err
}

func (w *RolloutWorld) child(kind schema.GroupVersionKind, name string) ref {
	return ref{kind: kind, namespace: w.rollout.Namespace, name: name}
}

func (w *RolloutWorld) target(kind schema.GroupVersionKind, o client.Object) target {
	return target{ref: w.child(kind, o.GetName()), version: o.GetResourceVersion(), owner: w.rollout.UID}
}
