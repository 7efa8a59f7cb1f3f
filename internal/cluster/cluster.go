// Package cluster shows the engine its world as Kubernetes has it.
package cluster

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	jsonpatch "github.com/evanphx/json-patch/v5"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/decide"
	"sluice.dev/sluice/internal/metric"
)

// What the controller may do, and no more. Secrets are read one by one when a measurement needs
// them; they are never listed, watched or cached.
//
// +kubebuilder:rbac:groups=argoproj.io,resources=rollouts,verbs=get;list;watch;patch
// +kubebuilder:rbac:groups=argoproj.io,resources=rollouts/status,verbs=patch
// +kubebuilder:rbac:groups=argoproj.io,resources=rollouts/finalizers,verbs=update
// +kubebuilder:rbac:groups=argoproj.io,resources=analysisruns,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups=argoproj.io,resources=analysisruns/finalizers,verbs=update
// +kubebuilder:rbac:groups=argoproj.io,resources=analysistemplates;clusteranalysistemplates,verbs=get;list;watch
// +kubebuilder:rbac:groups=apps,resources=replicasets,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups=batch,resources=jobs,verbs=get;list;watch;create;delete
// +kubebuilder:rbac:groups="",resources=pods,verbs=get;list;watch
// +kubebuilder:rbac:groups="",resources=services,verbs=get;list;watch;patch
// +kubebuilder:rbac:groups="",resources=secrets,verbs=get
// +kubebuilder:rbac:groups="",resources=events,verbs=create

var (
	rolloutKind    = api.Kind(api.KindRollout)
	runKind        = api.Kind(api.KindAnalysisRun)
	replicaSetKind = appsv1.SchemeGroupVersion.WithKind("ReplicaSet")
	serviceKind    = corev1.SchemeGroupVersion.WithKind("Service")
	jobKind        = batchv1.SchemeGroupVersion.WithKind("Job")
)

// Scheme knows every kind the controller reads or writes.
func Scheme() (*runtime.Scheme, error) {
	scheme := runtime.NewScheme()
	if err := clientgoscheme.AddToScheme(scheme); err != nil {
		return nil, fmt.Errorf("registering the core kinds: %w", err)
	}
	if err := api.AddToScheme(scheme); err != nil {
		return nil, fmt.Errorf("registering %s: %w", api.SchemeGroupVersion, err)
	}
	return scheme, nil
}

// Options are what a Cluster works with.
type Options struct {
	// Cached reads from the informers configured by Caches. What it returns is shared: nobody edits it.
	Cached client.Reader
	// Jobs reads Jobs of measurements and their pods, from the informers configured by JobCaches.
	Jobs client.Reader
	// Workloads reads what Rollouts take their templates from, by informers configured by WorkloadCaches.
	Workloads client.Reader
	// Live reads and writes at the API server.
	Live client.Client
	// Events tells people.
	Events *Recorder
	// Runners carry out measurements as Jobs, by the name of their block.
	Runners map[string]metric.Runner
	// Logs reads logs of the Jobs' containers; nil reads none. Heard is told when one was read, and must not block.
	Logs  LogSource
	Heard func(run types.NamespacedName)
	// Inspect says what is wrong with specs.
	Inspect Inspector
	// MaxLoadTests is how many load tests may run at once, whatever their size; 0 = any number.
	MaxLoadTests int
	// OneNamespace says that nothing cluster-wide may be read.
	OneNamespace bool
}

// Cluster makes worlds: one for each pass of one object. It remembers nothing that a restart may
// not lose.
type Cluster struct {
	Options
	ledger      ledger
	secrets     secretMemory
	inspections inspections
	lessons     lessons
	judgements  judgementMemory
	contests    contests
	logs        logBook
	loads       loads
}

// New returns a Cluster.
func New(o Options) *Cluster {
	return &Cluster{Options: o}
}

// Deleted tells that a Rollout this process has steered is gone. One that only left the scope, because its
// instance id was changed, is still there.
func (c *Cluster) Deleted(ctx context.Context, name types.NamespacedName, uid types.UID) {
	now, err := c.liveMetadata(ctx, ref{kind: rolloutKind, namespace: name.Namespace, name: name.Name})
	if err != nil && !apierrors.IsNotFound(err) || err == nil && now.UID == uid && now.DeletionTimestamp == nil {
		return
	}
	c.Events.Tell(corev1.ObjectReference{
		APIVersion: rolloutKind.GroupVersion().String(), Kind: rolloutKind.Kind,
		Namespace: name.Namespace, Name: name.Name, UID: uid,
	}, []decide.Event{{Reason: api.EventRolloutDeleted, Message: fmt.Sprintf("Rollout %s is deleted.", name)}})
}

// Forget drops what is remembered about an object that is gone.
func (c *Cluster) Forget(uid types.UID) {
	c.ledger.forget(uid)
	c.lessons.forget(uid)
	c.judgements.forget(uid)
	c.contests.forget(uid)
	c.inspections.forget(uid)
	c.logs.forget(uid)
}

// caughtUp is a Stale until the caches show everything the earlier passes of owner wrote.
func (c *Cluster) caughtUp(ctx context.Context, owner types.UID) error {
	var late error
	for r, e := range c.ledger.open(owner) {
		seen, err := c.seen(ctx, r)
		if err != nil {
			return err
		}
		if e.metBy(seen) {
			c.ledger.settle(owner, r, e)
			continue
		}
		if time.Since(e.since) > patience {
			overtaken, err := c.overtaken(ctx, owner, r, e)
			if err != nil {
				return err
			}
			if overtaken {
				continue
			}
		}
		late = &Stale{What: fmt.Sprintf("the cache does not show the latest write to %s yet", r), After: patience}
	}
	return late
}

// overtaken asks the server about a write the cache does not show: it never will where the object is
// gone meanwhile. Otherwise the cache is given more time.
func (c *Cluster) overtaken(ctx context.Context, owner types.UID, r ref, e expectation) (bool, error) {
	now, err := c.liveMetadata(ctx, r)
	if err != nil && !apierrors.IsNotFound(err) {
		return false, err
	}
	c.ledger.settle(owner, r, e)
	if err != nil || (e.gone != "" && now.UID != e.gone) || (e.leaving != "" && now.UID != e.leaving) {
		return true, nil
	}
	e.since = time.Now()
	c.ledger.expect(owner, r, e)
	return false, nil
}

// seen is r as the caches show it, nil when they do not.
func (c *Cluster) seen(ctx context.Context, r ref) (metav1.Object, error) {
	object, reader := c.cacheOf(r.kind)
	if object == nil {
		return nil, fmt.Errorf("no cache holds %s", r)
	}
	err := reader.Get(ctx, types.NamespacedName{Namespace: r.namespace, Name: r.name}, object)
	if apierrors.IsNotFound(err) && r.kind == podKind { // of a measurement's Job
		err = c.Jobs.Get(ctx, types.NamespacedName{Namespace: r.namespace, Name: r.name}, object)
	}
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading %s from the cache: %w", r, err)
	}
	return object, nil
}

// cacheOf is the cache that holds objects of a kind, and an empty one of them; nil when none does.
func (c *Cluster) cacheOf(kind schema.GroupVersionKind) (client.Object, client.Reader) {
	switch kind {
	case rolloutKind:
		return &api.Rollout{}, c.Cached
	case runKind:
		return &api.AnalysisRun{}, c.Cached
	case replicaSetKind:
		return &appsv1.ReplicaSet{}, c.Cached
	case podKind:
		return &corev1.Pod{}, c.Cached
	case experimentKind:
		return &api.Experiment{}, c.Cached
	case serviceKind:
		return &corev1.Service{}, c.Cached
	case jobKind:
		return &batchv1.Job{}, c.Jobs
	case deploymentKind:
		return &appsv1.Deployment{}, c.Workloads
	default:
		return nil, nil
	}
}

func (c *Cluster) liveMetadata(ctx context.Context, r ref) (*metav1.PartialObjectMetadata, error) {
	object := &metav1.PartialObjectMetadata{}
	object.SetGroupVersionKind(r.kind)
	if err := c.Live.Get(ctx, types.NamespacedName{Namespace: r.namespace, Name: r.name}, object); err != nil {
		return nil, fmt.Errorf("reading %s: %w", r, err)
	}
	return object, nil
}

// target is one object at the version a decision was taken on.
type target struct {
	ref
	version string
	owner   types.UID // of the object whose pass writes
	status  bool      // write to the status subresource
}

// patch writes fields of one object as a JSON merge patch, on the condition that it is still the
// version it was decided on. It returns the new version. A refused condition is a Stale.
func (c *Cluster) patch(ctx context.Context, t target, fields map[string]any) (string, error) {
	object := &metav1.PartialObjectMetadata{}
	object.SetGroupVersionKind(t.kind)
	err := c.patchInto(ctx, t, fields, object)
	return object.ResourceVersion, err
}

// patchInto is patch for callers who want to know the object as it is after the write.
func (c *Cluster) patchInto(ctx context.Context, t target, fields map[string]any, object client.Object) error {
	metadata, _ := fields["metadata"].(map[string]any)
	if metadata == nil {
		metadata = map[string]any{}
		fields["metadata"] = metadata
	}
	metadata["resourceVersion"] = t.version
	raw, err := json.Marshal(fields)
	if err != nil {
		return fmt.Errorf("encoding a patch of %s: %w", t.ref, err)
	}
	object.SetNamespace(t.namespace)
	object.SetName(t.name)
	patch := client.RawPatch(types.MergePatchType, raw)
	if t.status {
		err = c.Live.Status().Patch(ctx, object, patch)
	} else {
		err = c.Live.Patch(ctx, object, patch)
	}
	if err != nil {
		return c.refused(ctx, t, "patching", err)
	}
	c.ledger.wrote(t.owner, t.ref, object.GetResourceVersion())
	return nil
}

// remove deletes one object, at the version it was decided on where t names one. Being gone already
// is success.
func (c *Cluster) remove(ctx context.Context, t target, uid types.UID, how metav1.DeletionPropagation) error {
	object := &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{Namespace: t.namespace, Name: t.name}}
	object.SetGroupVersionKind(t.kind)
	preconditions := client.Preconditions{UID: &uid}
	if t.version != "" {
		preconditions.ResourceVersion = &t.version
	}
	err := c.Live.Delete(ctx, object, client.PropagationPolicy(how), preconditions)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return c.refused(ctx, t, "deleting", err)
	}
	if how == metav1.DeletePropagationForeground {
		return c.noteVersion(ctx, t) // it stays, marked, until its dependents are gone
	}
	c.ledger.deleted(t.owner, t.ref, uid)
	return nil
}

// noteVersion makes the next pass wait for what the server has now.
func (c *Cluster) noteVersion(ctx context.Context, t target) error {
	now, err := c.liveMetadata(ctx, t.ref)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	c.ledger.wrote(t.owner, t.ref, now.ResourceVersion)
	return nil
}

// refused turns a refusal of the version into a Stale, and makes the next pass wait for the
// version that got in between.
func (c *Cluster) refused(ctx context.Context, t target, doing string, err error) error {
	switch {
	case apierrors.IsNotFound(err):
		return lookAgain("%s %s: it does not exist any more", doing, t.ref)
	case apierrors.IsConflict(err):
		if note := c.noteVersion(ctx, t); note != nil {
			return note
		}
		return lookAgain("%s %s: it has changed since", doing, t.ref)
	}
	return fmt.Errorf("%s %s: %w", doing, t.ref, err)
}

// difference is the JSON merge patch that turns before into after; nil when they are the same.
func difference(before, after any) (json.RawMessage, error) {
	from, err := json.Marshal(before)
	if err != nil {
		return nil, fmt.Errorf("encoding the observed status: %w", err)
	}
	to, err := json.Marshal(after)
	if err != nil {
		return nil, fmt.Errorf("encoding the next status: %w", err)
	}
	patch, err := jsonpatch.CreateMergePatch(from, to)
	if err != nil {
		return nil, fmt.Errorf("comparing two statuses: %w", err)
	}
	if string(patch) == "{}" {
		return nil, nil
	}
	return patch, nil
}

// saveStatus writes the difference of two statuses. When there is none the request still goes out:
// it fails where the object has changed, and costs no write where it has not.
func (c *Cluster) saveStatus(ctx context.Context, t target, before, after any) (string, error) {
	patch, err := difference(before, after)
	if err != nil {
		return "", err
	}
	fields := map[string]any{}
	if patch != nil {
		fields["status"] = patch
	}
	return c.patch(ctx, t, fields)
}
