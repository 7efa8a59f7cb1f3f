package cluster

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/decide"
)

// +kubebuilder:rbac:groups=argoproj.io,resources=experiments,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups=argoproj.io,resources=experiments/finalizers,verbs=update
// +kubebuilder:rbac:groups="",resources=services,verbs=create;delete

var experimentKind = api.Kind(api.KindExperiment)

// ExperimentWorld is the world of one pass of one Experiment.
type ExperimentWorld struct {
	cluster *Cluster
	key     types.NamespacedName

	experiment  *api.Experiment               // as observed; shared with the cache
	version     string                        // of the Experiment, after our own writes of this pass
	replicaSets map[string]*appsv1.ReplicaSet // by name; shared with the cache or as this pass left them
	services    map[string]*corev1.Service    // by name; shared with the cache
	runs        map[string]*api.AnalysisRun   // by name; shared with the cache
	again       time.Time
}

// Experiment returns the world of one pass.
func (c *Cluster) Experiment(key types.NamespacedName) *ExperimentWorld {
	return &ExperimentWorld{cluster: c, key: key}
}

// Observed is the Experiment the pass saw, nil when there is none.
func (w *ExperimentWorld) Observed() *api.Experiment { return w.experiment }

// Again is when to look again although no watched object changes; zero when never.
func (w *ExperimentWorld) Again() time.Time { return w.again }

// Observe implements engine.World.
func (w *ExperimentWorld) Observe(ctx context.Context) (decide.ExperimentInput, error) {
	c := w.cluster
	ex := &api.Experiment{}
	if err := c.Cached.Get(ctx, w.key, ex); err != nil {
		if apierrors.IsNotFound(err) {
			return decide.ExperimentInput{}, ErrGone
		}
		return decide.ExperimentInput{}, fmt.Errorf("reading experiment %s from the cache: %w", w.key, err)
	}
	w.experiment, w.version = ex, ex.ResourceVersion
	if !ex.DeletionTimestamp.IsZero() {
		return decide.ExperimentInput{}, ErrGone
	}
	if err := c.caughtUp(ctx, ex.UID); err != nil {
		return decide.ExperimentInput{}, err
	}
	in := decide.ExperimentInput{Experiment: ex.DeepCopy(), Taken: c.lessons.taken(ex.UID), Now: time.Now()}
	in.Refused = decide.Refusals{
		ReplicaSets: c.refusedOf(ex.UID, replicaSetKind),
		Services:    c.refusedOf(ex.UID, serviceKind),
		Runs:        c.refusedOf(ex.UID, runKind),
	}
	if err := w.observeChildren(ctx, &in); err != nil {
		return decide.ExperimentInput{}, err
	}
	in.Trouble = w.observeTrouble(ctx, in.Now)
	return in, w.examine(ctx, &in)
}

// refusedOf says why the server does not take objects of a kind, by name.
func (c *Cluster) refusedOf(owner types.UID, kind schema.GroupVersionKind) map[string]string {
	why := map[string]string{}
	for at, what := range c.lessons.of(owner) {
		if at.kind == kind && what.refused != "" {
			why[at.name] = what.refused
		}
	}
	return why
}

// observeChildren lists what the Experiment controls.
func (w *ExperimentWorld) observeChildren(ctx context.Context, in *decide.ExperimentInput) error {
	var sets appsv1.ReplicaSetList
	var services corev1.ServiceList
	var runs api.AnalysisRunList
	for _, list := range []client.ObjectList{&sets, &services, &runs} {
		if err := w.cluster.Cached.List(ctx, list, client.InNamespace(w.key.Namespace),
			client.MatchingFields{IndexOwner: string(w.experiment.UID)}); err != nil {
			return fmt.Errorf("listing what experiment %s controls: %w", w.key, err)
		}
	}
	w.replicaSets, w.services, w.runs = map[string]*appsv1.ReplicaSet{}, map[string]*corev1.Service{}, map[string]*api.AnalysisRun{}
	in.Services = map[string]bool{}
	for i := range sets.Items {
		if rs := &sets.Items[i]; rs.DeletionTimestamp.IsZero() {
			w.replicaSets[rs.Name] = rs
			in.ReplicaSets = append(in.ReplicaSets, revision(rs))
		}
	}
	for i := range services.Items {
		if service := &services.Items[i]; service.DeletionTimestamp.IsZero() {
			w.services[service.Name], in.Services[service.Name] = service, true
		}
	}
	for i := range runs.Items {
		if run := &runs.Items[i]; run.DeletionTimestamp.IsZero() {
			w.runs[run.Name] = run
			in.Runs = append(in.Runs, run)
		}
	}
	slices.SortFunc(in.ReplicaSets, func(a, b decide.ReplicaSet) int { return cmp.Compare(a.Name, b.Name) })
	slices.SortFunc(in.Runs, func(a, b *api.AnalysisRun) int { return cmp.Compare(a.Name, b.Name) })
	return nil
}

// observeTrouble asks the pods that have not come up in time why. Not to be told changes nothing.
func (w *ExperimentWorld) observeTrouble(ctx context.Context, now time.Time) map[string]string {
	trouble := map[string]string{}
	ctx, cancel := context.WithTimeout(ctx, troubleWithin)
	defer cancel()
	for _, name := range decide.ExperimentOverdue(w.experiment, now) {
		rs := w.replicaSets[name]
		if rs == nil {
			continue
		}
		var list corev1.PodList
		if err := w.cluster.Live.List(ctx, &list, client.InNamespace(w.key.Namespace),
			client.MatchingLabels{api.LabelPodTemplateHash: rs.Labels[api.LabelPodTemplateHash]}, client.Limit(troubledPods)); err != nil {
			continue
		}
		trouble[name] = decide.Trouble(slices.DeleteFunc(list.Items, func(pod corev1.Pod) bool { return !metav1.IsControlledBy(&pod, rs) }))
	}
	return trouble
}

// examine adds the analysis templates and the user's mistakes.
func (w *ExperimentWorld) examine(ctx context.Context, in *decide.ExperimentInput) error {
	c := w.cluster
	templates, versions, err := c.referenced(ctx, w.key.Namespace, w.experiment)
	if err != nil {
		return err
	}
	in.Templates = templates
	if w.experiment.Status.Phase.Completed() {
		c.inspections.forget(w.experiment.UID)
		return nil
	}
	known, ok := c.inspections.recall(w.experiment.UID, func(i inspection) bool {
		return i.references == versions && equality.Semantic.DeepEqual(i.experiment, &w.experiment.Spec)
	})
	if !ok {
		known, err = c.inspect(ctx, w.key.Namespace, func(to References) Findings {
			to.Templates = templates
			return c.Inspect.Experiment(w.experiment, to)
		})
		if err != nil {
			return err
		}
		known.experiment, known.references = &w.experiment.Spec, versions
		c.inspections.keep(w.experiment.UID, known)
	}
	in.Invalid = slices.Concat(known.findings.Invalid, known.findings.Unsupported)
	if len(in.Invalid) > 0 && !known.until.IsZero() {
		w.again = known.until
	}
	return nil
}

// Same implements engine.World.
func (w *ExperimentWorld) Same(status api.ExperimentStatus) bool {
	return equality.Semantic.DeepEqual(w.experiment.Status, status)
}

// Save implements engine.World. Experiments have no status subresource: the status is a field of the object
// like any other.
func (w *ExperimentWorld) Save(ctx context.Context, status api.ExperimentStatus) error {
	version, err := w.cluster.saveStatus(ctx, w.self(), &w.experiment.Status, &status)
	if err != nil {
		return err
	}
	w.version = version
	return nil
}

// Tell implements engine.World.
func (w *ExperimentWorld) Tell(events []decide.Event) {
	w.cluster.Events.Tell(corev1.ObjectReference{
		APIVersion:      experimentKind.GroupVersion().String(),
		Kind:            experimentKind.Kind,
		Namespace:       w.experiment.Namespace,
		Name:            w.experiment.Name,
		UID:             w.experiment.UID,
		ResourceVersion: w.version,
	}, events)
}

func (w *ExperimentWorld) parent() parent { return parent{w.experiment, experimentKind} }

func (w *ExperimentWorld) self() target {
	t := w.parent().target(experimentKind, w.experiment)
	t.version = w.version
	return t
}
