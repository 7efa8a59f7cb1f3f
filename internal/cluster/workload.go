package cluster

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/selection"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/decide"
)

// +kubebuilder:rbac:groups=apps,resources=deployments,verbs=get;list;watch;patch
// +kubebuilder:rbac:groups="",resources=podtemplates,verbs=get;list;watch

var (
	deploymentKind  = appsv1.SchemeGroupVersion.WithKind("Deployment")
	podTemplateKind = corev1.SchemeGroupVersion.WithKind("PodTemplate")
)

// IndexWorkload finds Rollouts by the workload they take their template from; see WorkloadIndexKey.
const IndexWorkload = "workload"

// WorkloadIndexKey is what IndexWorkload knows a workload by.
func WorkloadIndexKey(kind, name string) string { return kind + "/" + name }

func workloadOf(o client.Object) []string {
	rollout, ok := o.(*api.Rollout)
	if !ok || rollout.Spec.WorkloadRef == nil {
		return nil
	}
	return []string{WorkloadIndexKey(rollout.Spec.WorkloadRef.Kind, rollout.Spec.WorkloadRef.Name)}
}

// WorkloadCaches configures the informers for what Rollouts take their templates from. They start when the
// first Rollout refers to an object of their kind.
func WorkloadCaches(scheme *runtime.Scheme, s Scope) (cache.Options, error) {
	foreign, err := labels.NewRequirement(api.LabelPodTemplateHash, selection.DoesNotExist, nil)
	if err != nil {
		return cache.Options{}, fmt.Errorf("selecting by label %s: %w", api.LabelPodTemplateHash, err)
	}
	o := sharedCache(scheme, s)
	o.DefaultTransform = workloadTemplate
	o.ByObject = map[client.Object]cache.ByObject{
		&appsv1.ReplicaSet{}: {Label: labels.NewSelector().Add(*foreign), Transform: workloadTemplate},
	}
	return o, nil
}

// workloadTemplate keeps of a workload its template, and of a Deployment how many pods it has.
func workloadTemplate(object any) (any, error) {
	switch o := object.(type) {
	case *appsv1.Deployment:
		o.ObjectMeta = workloadMeta(&o.ObjectMeta)
		o.Spec = appsv1.DeploymentSpec{Replicas: o.Spec.Replicas, Selector: o.Spec.Selector, Template: o.Spec.Template}
		o.Status.Conditions = nil
	case *appsv1.ReplicaSet:
		o.ObjectMeta = workloadMeta(&o.ObjectMeta)
		o.Status = appsv1.ReplicaSetStatus{}
	case *corev1.PodTemplate:
		o.ObjectMeta = workloadMeta(&o.ObjectMeta)
	}
	return object, nil
}

func workloadMeta(m *metav1.ObjectMeta) metav1.ObjectMeta {
	kept := metav1.ObjectMeta{
		Namespace: m.Namespace, Name: m.Name, UID: m.UID, ResourceVersion: m.ResourceVersion, Generation: m.Generation,
		DeletionTimestamp: m.DeletionTimestamp,
	}
	for _, key := range []string{api.AnnotationReplicasBefore, api.AnnotationReplicasSet} {
		if value, ok := m.Annotations[key]; ok {
			if kept.Annotations == nil {
				kept.Annotations = map[string]string{}
			}
			kept.Annotations[key] = value
		}
	}
	return kept
}

// Workload is a new object of the kind that a workloadRef names, nil when templates cannot be taken from it.
func Workload(kind schema.GroupVersionKind) client.Object {
	switch kind {
	case deploymentKind:
		return &appsv1.Deployment{}
	case replicaSetKind:
		return &appsv1.ReplicaSet{}
	case podTemplateKind:
		return &corev1.PodTemplate{}
	}
	return nil
}

// observeWorkload reads the object that spec.workloadRef names, and puts its template, and its selector where
// there is none, into the Rollout of this pass. They are never written.
func (w *RolloutWorld) observeWorkload(ctx context.Context) (*decide.Workload, error) {
	ref := w.rollout.Spec.WorkloadRef
	if ref == nil {
		return nil, nil
	}
	missing := &decide.Workload{Kind: ref.Kind, Name: ref.Name, Missing: true}
	object := Workload(schema.FromAPIVersionAndKind(ref.APIVersion, ref.Kind))
	if object == nil || ref.Name == "" {
		return missing, nil
	}
	err := w.cluster.Workloads.Get(ctx, types.NamespacedName{Namespace: w.rollout.Namespace, Name: ref.Name}, object)
	if apierrors.IsNotFound(err) || err == nil && object.GetDeletionTimestamp() != nil {
		return missing, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading %s %s/%s from the cache: %w", ref.Kind, w.rollout.Namespace, ref.Name, err)
	}
	w.workload = object
	return w.resolve(object, ref), nil
}

func (w *RolloutWorld) resolve(object client.Object, ref *api.ObjectRef) *decide.Workload {
	seen := &decide.Workload{Kind: ref.Kind, Name: ref.Name, Generation: object.GetGeneration()}
	var template corev1.PodTemplateSpec
	var selector *metav1.LabelSelector
	switch o := object.(type) {
	case *appsv1.Deployment:
		template, selector = o.Spec.Template, o.Spec.Selector
		seen.Scales, seen.Wanted, seen.Available = true, 1, o.Status.AvailableReplicas
		if o.Spec.Replicas != nil {
			seen.Wanted = *o.Spec.Replicas
		}
		seen.Observed = o.Status.ObservedGeneration >= o.Generation
		seen.Before = int32(max(number(o.Annotations[api.AnnotationReplicasBefore], 0), 0))
		seen.Set = int32(number(o.Annotations[api.AnnotationReplicasSet], int64(seen.Wanted)))
	case *appsv1.ReplicaSet:
		template, selector = o.Spec.Template, o.Spec.Selector
	case *corev1.PodTemplate:
		template = o.Template
	}
	if w.rollout.Spec.HasTemplate() {
		return seen // which makes the spec invalid
	}
	own := *w.rollout // which is the cache's
	own.Spec.SetResolvedTemplate(template)
	if own.Spec.Selector == nil && selector != nil {
		own.Spec.SetResolvedSelector(selector)
	}
	w.rollout = &own
	return seen
}

// workloadVersion says which template was resolved.
func (w *RolloutWorld) workloadVersion() string {
	if w.workload == nil {
		return ""
	}
	return string(w.workload.GetUID()) + "@" + strconv.FormatInt(w.workload.GetGeneration(), 10)
}

// scaleWorkload writes size and notes in one go: who sees the one sees the others.
func (w *RolloutWorld) scaleWorkload(ctx context.Context, a decide.WorkloadWants) error {
	if w.workload == nil {
		return lookAgain("Deployment %s/%s does not exist", w.rollout.Namespace, a.Name)
	}
	if err := w.rely(ctx, a.Relies); err != nil {
		return err
	}
	notes := map[string]any{api.AnnotationReplicasBefore: nil, api.AnnotationReplicasSet: nil}
	if a.Before > 0 {
		notes[api.AnnotationReplicasBefore] = strconv.Itoa(int(a.Before))
		notes[api.AnnotationReplicasSet] = strconv.Itoa(int(a.To))
	}
	fields := map[string]any{"metadata": map[string]any{"annotations": notes}}
	if a.To != a.From {
		fields["spec"] = map[string]any{"replicas": a.To}
	}
	at := w.target(deploymentKind, w.workload)
	_, err := w.cluster.patch(ctx, at, fields)
	if err != nil && refuses(err) && w.cluster.lessons.learn(w.rollout.UID, at.ref, lesson{refused: err.Error()}) {
		w.Tell([]decide.Event{{Warning: true, Reason: api.EventRolloutReconciliationError, Message: err.Error()}})
	}
	return err
}

// holdRollout adds or removes the finalizer that lets the workload have its pods back first. A Rollout is let
// go only if the server too says what the decision saw: otherwise its workload might stay without pods.
func (w *RolloutWorld) holdRollout(ctx context.Context, a decide.RolloutHeld) error {
	held := slices.Contains(w.rollout.Finalizers, api.FinalizerRestoreWorkload)
	if held == a.Held {
		return nil
	}
	if !a.Held {
		if err := w.unchangedWorkload(ctx); err != nil {
			return err
		}
	}
	finalizers := slices.DeleteFunc(slices.Clone(w.rollout.Finalizers), func(f string) bool { return f == api.FinalizerRestoreWorkload })
	if a.Held {
		finalizers = append(finalizers, api.FinalizerRestoreWorkload)
	}
	version, err := w.cluster.patch(ctx, w.self(), map[string]any{"metadata": map[string]any{"finalizers": finalizers}})
	if err != nil {
		return err
	}
	w.version = version
	return nil
}

// unchangedWorkload is a Stale when the Deployment says of itself on the server what it does not in the cache.
func (w *RolloutWorld) unchangedWorkload(ctx context.Context) error {
	ref := w.rollout.Spec.WorkloadRef
	if ref == nil || ref.Kind != deploymentKind.Kind {
		return nil
	}
	note := func(o client.Object) string { return o.GetAnnotations()[api.AnnotationReplicasBefore] }
	at, seen := w.child(deploymentKind, ref.Name), ""
	if w.workload != nil {
		seen = note(w.workload)
	}
	live, err := w.cluster.liveMetadata(ctx, at)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	if live.DeletionTimestamp == nil && note(live) != seen {
		return lookAgain("%s is not what the cache shows", at)
	}
	return nil
}
