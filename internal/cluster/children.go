package cluster

import (
	"context"
	"fmt"
	"maps"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/decide"
)

// parent is the object of a pass that makes others.
type parent struct {
	client.Object
	kind schema.GroupVersionKind
}

func (p parent) child(kind schema.GroupVersionKind, name string) ref {
	return ref{kind: kind, namespace: p.GetNamespace(), name: name}
}

func (p parent) target(kind schema.GroupVersionKind, o client.Object) target {
	return target{ref: p.child(kind, o.GetName()), version: o.GetResourceVersion(), owner: p.GetUID()}
}

// made is the metadata of an object the parent controls. What is responsible for the parent is so for the
// object too, where that is of our API.
func (p parent) made(name string, labels, annotations map[string]string) metav1.ObjectMeta {
	return metav1.ObjectMeta{
		Namespace: p.GetNamespace(), Name: name, Labels: labels, Annotations: annotations,
		OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(p, p.kind)},
	}
}

// marked are labels with the instance the parent belongs to.
func (p parent) marked(labels map[string]string) map[string]string {
	labels = maps.Clone(labels)
	if id := p.GetLabels()[api.LabelInstanceID]; id != "" {
		if labels == nil {
			labels = map[string]string{}
		}
		labels[api.LabelInstanceID] = id
	}
	return labels
}

// bring creates an object that the parent controls. What the server says against it is an observation of the
// next pass, and so is an object of that name that is somebody else's.
func (c *Cluster) bring(ctx context.Context, p parent, at ref, object client.Object) error {
	err := c.Live.Create(ctx, object)
	if apierrors.IsAlreadyExists(err) {
		return c.meet(ctx, p, at)
	}
	if refuses(err) {
		return c.lessons.learnRefusal(p.GetUID(), at, lesson{refused: err.Error()})
	}
	if err != nil {
		return fmt.Errorf("creating %s: %w", at, err)
	}
	c.lessons.unlearn(p.GetUID(), at)
	c.ledger.wrote(p.GetUID(), at, object.GetResourceVersion())
	return nil
}

// meet finds out, from the server itself, whose the object is that has our name already. A Service's name is
// given by its user, so there is no other to turn to.
func (c *Cluster) meet(ctx context.Context, p parent, at ref) error {
	live, err := c.liveMetadata(ctx, at)
	if err != nil {
		return c.refused(ctx, target{ref: at, owner: p.GetUID()}, "reading", err)
	}
	owner := metav1.GetControllerOfNoCopy(live)
	ours := owner != nil && owner.UID == p.GetUID()
	switch instance := live.Labels[api.LabelInstanceID] == p.GetLabels()[api.LabelInstanceID]; {
	case ours && !live.DeletionTimestamp.IsZero():
		return &Stale{What: fmt.Sprintf("%s is being deleted", at), After: patience}
	case ours && (instance || at.kind.Group != api.GroupName):
		c.ledger.wrote(p.GetUID(), at, live.ResourceVersion)
		return lookAgain("%s exists already", at)
	case at.kind == serviceKind:
		return c.lessons.learnRefusal(p.GetUID(), at, lesson{refused: fmt.Sprintf("%s exists already and belongs to somebody else", at)})
	}
	c.lessons.learn(p.GetUID(), at, lesson{taken: true})
	return lookAgain("%s belongs to somebody else", at)
}

func (c *Cluster) createRun(ctx context.Context, p parent, a decide.RunExists) error {
	run := &api.AnalysisRun{ObjectMeta: p.made(a.Name, p.marked(a.Labels), a.Annotations), Spec: *a.Spec.DeepCopy()}
	return c.bring(ctx, p, p.child(runKind, a.Name), run)
}

// stopRun tells a run to end. A Rollout and an Experiment mark the runs they stop: those are judged by what
// they have measured.
func (c *Cluster) stopRun(ctx context.Context, p parent, run *api.AnalysisRun, byHand bool) error {
	if run == nil || run.Spec.Terminate {
		return nil
	}
	fields := map[string]any{"spec": map[string]any{"terminate": true}}
	if !byHand {
		fields["metadata"] = map[string]any{"annotations": map[string]any{api.AnnotationStoppedBy: api.StoppedByRollout}}
	}
	_, err := c.patch(ctx, p.target(runKind, run), fields)
	return err
}
