package cluster

import (
	"context"
	"errors"
	"fmt"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/compose"
	"sluice.dev/sluice/internal/decide"
	"sluice.dev/sluice/internal/judge"
	"sluice.dev/sluice/internal/metric"
)

// AnalysisWorld is the world of one pass of one AnalysisRun.
type AnalysisWorld struct {
	cluster *Cluster
	key     types.NamespacedName
	samples func(types.UID) []decide.Taken

	run     *api.AnalysisRun // as observed; shared with the cache
	version string           // of the run, after our own writes of this pass
	saved   *api.AnalysisRunStatus
	jobs    map[string]*batchv1.Job // by name; shared with the cache
	again   time.Time
}

// Analysis returns the world of one pass. samples returns what was measured since the last save.
func (c *Cluster) Analysis(key types.NamespacedName, samples func(types.UID) []decide.Taken) *AnalysisWorld {
	return &AnalysisWorld{cluster: c, key: key, samples: samples}
}

// Observed is the run the pass saw, nil when there is none.
func (w *AnalysisWorld) Observed() *api.AnalysisRun { return w.run }

// Saved is the run with the status this pass has written, nil when it has written none.
func (w *AnalysisWorld) Saved() *api.AnalysisRun {
	if w.saved == nil {
		return nil
	}
	run := *w.run
	run.ResourceVersion = w.version
	run.Status = *w.saved
	return &run
}

// Again is when to look again although no watched object changes; zero when never.
func (w *AnalysisWorld) Again() time.Time { return w.again }

// Observe implements engine.World.
func (w *AnalysisWorld) Observe(ctx context.Context) (decide.AnalysisInput, error) {
	c := w.cluster
	run := &api.AnalysisRun{}
	if err := c.Cached.Get(ctx, w.key, run); err != nil {
		if apierrors.IsNotFound(err) {
			return decide.AnalysisInput{}, ErrGone
		}
		return decide.AnalysisInput{}, fmt.Errorf("reading analysis run %s from the cache: %w", w.key, err)
	}
	w.run, w.version = run, run.ResourceVersion
	if !run.DeletionTimestamp.IsZero() {
		return decide.AnalysisInput{}, ErrGone
	}
	if err := c.caughtUp(ctx, run.UID); err != nil {
		return decide.AnalysisInput{}, err
	}
	in := decide.AnalysisInput{Run: run.DeepCopy(), Samples: w.samples(run.UID), Now: time.Now()}
	var err error
	if in.Jobs, err = w.observeJobs(ctx, in.Now); err != nil {
		return decide.AnalysisInput{}, err
	}
	if in.Invalid, err = w.examine(ctx); err != nil {
		return decide.AnalysisInput{}, err
	}
	return in, nil
}

// observeJobs reads what the Jobs of the run say.
func (w *AnalysisWorld) observeJobs(ctx context.Context, now time.Time) (map[string]decide.Job, error) {
	of := []client.ListOption{client.InNamespace(w.key.Namespace), client.MatchingFields{IndexRun: string(w.run.UID)}}
	var jobs batchv1.JobList
	if err := w.cluster.Jobs.List(ctx, &jobs, of...); err != nil {
		return nil, fmt.Errorf("listing the Jobs of %s: %w", w.key, err)
	}
	seen := map[string]decide.Job{}
	for name := range w.cluster.lessons.taken(w.run.UID) {
		seen[name] = decide.Job{}
	}
	for name, why := range w.cluster.lessons.refusals(w.run.UID) {
		refusal := &judge.Failure{Class: judge.BadConfig, Message: why}
		seen[name] = decide.Job{Ours: true, Done: true, Sample: judge.Sample{Failure: refusal, StartedAt: now, FinishedAt: now}}
	}
	w.jobs = make(map[string]*batchv1.Job, len(jobs.Items))
	if len(jobs.Items) == 0 {
		return seen, nil
	}
	var pods corev1.PodList
	if err := w.cluster.Jobs.List(ctx, &pods, of...); err != nil {
		return nil, fmt.Errorf("listing the pods of %s: %w", w.key, err)
	}
	byJob := map[types.UID][]corev1.Pod{}
	for _, pod := range pods.Items {
		if owner := metav1.GetControllerOfNoCopy(&pod); owner != nil {
			byJob[owner.UID] = append(byJob[owner.UID], pod)
		}
	}
	for i := range jobs.Items {
		job := &jobs.Items[i]
		w.jobs[job.Name] = job
		if !job.DeletionTimestamp.IsZero() {
			continue
		}
		runner, err := w.cluster.runner(w.run, job.Annotations[api.AnnotationMetricName])
		if err != nil {
			continue // a Job of a metric the run does not have: decide does not ask for it
		}
		p := runner.Poll(job, byJob[job.UID], now)
		seen[job.Name] = decide.Job{Ours: true, Done: p.Done, Sample: p.Sample, Again: p.Again, Waiting: p.Waiting}
	}
	return seen, nil
}

// runner finds who carries out a metric of the run.
func (c *Cluster) runner(run *api.AnalysisRun, name string) (metric.Runner, error) {
	for i := range run.Spec.Metrics {
		if run.Spec.Metrics[i].Name == name {
			return c.runnerOf(&run.Spec.Metrics[i])
		}
	}
	return nil, fmt.Errorf("analysis run %s/%s has no metric %q", run.Namespace, run.Name, name)
}

func (c *Cluster) runnerOf(m *api.Metric) (metric.Runner, error) {
	if runner := c.Runners[metric.Kind(m.Provider)]; runner != nil {
		return runner, nil
	}
	return nil, fmt.Errorf("metric %q is not measured by a Job", m.Name)
}

// Same implements engine.World.
func (w *AnalysisWorld) Same(status api.AnalysisRunStatus) bool {
	return equality.Semantic.DeepEqual(w.run.Status, status)
}

// Save implements engine.World. AnalysisRuns have no status subresource: the status is a field of
// the object like any other.
func (w *AnalysisWorld) Save(ctx context.Context, status api.AnalysisRunStatus) error {
	version, err := w.cluster.saveStatus(ctx, w.self(), &w.run.Status, &status)
	if err != nil {
		return err
	}
	w.version, w.saved = version, &status
	return nil
}

// Tell implements engine.World.
func (w *AnalysisWorld) Tell(events []decide.Event) {
	w.cluster.Events.Tell(corev1.ObjectReference{
		APIVersion:      runKind.GroupVersion().String(),
		Kind:            runKind.Kind,
		Namespace:       w.run.Namespace,
		Name:            w.run.Name,
		UID:             w.run.UID,
		ResourceVersion: w.version,
	}, events)
}

// Act implements engine.World.
func (w *AnalysisWorld) Act(ctx context.Context, action decide.Action) error {
	switch a := action.(type) {
	case decide.JobExists:
		return w.createJob(ctx, a)
	case decide.JobGone:
		return w.removeJob(ctx, a)
	}
	return fmt.Errorf("an analysis run's pass cannot carry out %T", action)
}

// createJob fills in the secret arguments, at the last moment, and creates the Job.
func (w *AnalysisWorld) createJob(ctx context.Context, a decide.JobExists) error {
	if w.jobs[a.Name] != nil {
		return nil
	}
	runner, err := w.cluster.runnerOf(&a.Metric)
	if err != nil {
		return err
	}
	m, secret, err := w.cluster.fill(ctx, w.run, a.Metric)
	if err != nil {
		return err
	}
	job, err := runner.Object(w.run, m, a.Name)
	if err != nil {
		return fmt.Errorf("building Job %s/%s: %w", w.key.Namespace, a.Name, discreet(err, secret))
	}
	at := ref{kind: jobKind, namespace: job.Namespace, name: job.Name}
	err = w.cluster.Live.Create(ctx, job)
	switch {
	case err == nil:
		w.cluster.ledger.wrote(w.run.UID, at, job.ResourceVersion)
		return nil
	case apierrors.IsAlreadyExists(err):
		return w.meetJob(ctx, at)
	case apierrors.IsInvalid(err), apierrors.IsBadRequest(err):
		why := fmt.Sprintf("the API server refuses the Job: %v", discreet(err, secret))
		w.cluster.lessons.learn(w.run.UID, at.name, lesson{refused: why})
		return lookAgain("creating %s: it was refused", at)
	}
	return fmt.Errorf("creating %s: %w", at, discreet(err, secret))
}

// fill puts the arguments into a metric, those from Secrets read live; secret tells that there were
// some.
func (c *Cluster) fill(ctx context.Context, run *api.AnalysisRun, m api.Metric) (filled api.Metric, secret bool, err error) {
	values := compose.Values(run.Spec.Args)
	refs := compose.Secrets(run.Spec.Args)
	for _, name := range compose.Unresolved(m) {
		r, ok := refs[name]
		if !ok {
			continue
		}
		data, _, err := c.Secret(ctx, types.NamespacedName{Namespace: run.Namespace, Name: r.Name})
		if err != nil {
			return api.Metric{}, true, err
		}
		text, found := data[r.Key]
		if !found {
			return api.Metric{}, true, fmt.Errorf("argument %s: secret %q has no key %q, or does not exist", name, r.Name, r.Key)
		}
		values[name], secret = string(text), true
	}
	filled, err = compose.Metric(m, values)
	if err != nil {
		return api.Metric{}, secret, fmt.Errorf("filling in the arguments of metric %q: %w", m.Name, discreet(err, secret))
	}
	return filled, secret, nil
}

// discreet keeps an error's text to itself where a secret may be in it: the API server repeats the
// values it refuses. Fields and the class of the error say enough.
func discreet(err error, secret bool) error {
	if !secret {
		return err
	}
	var status apierrors.APIStatus
	if !errors.As(err, &status) {
		return errors.New("its text is not shown, because it may hold a secret argument")
	}
	text := string(status.Status().Reason)
	if details := status.Status().Details; details != nil {
		for _, cause := range details.Causes {
			text += "; " + cause.Field + ": " + string(cause.Type)
		}
	}
	return errors.New(text)
}

// meetJob finds out whose the Job is that has our name already.
func (w *AnalysisWorld) meetJob(ctx context.Context, at ref) error {
	live, err := w.cluster.liveMetadata(ctx, at)
	if err != nil {
		return w.cluster.refused(ctx, target{ref: at, owner: w.run.UID}, "reading", err)
	}
	if live.Labels[api.LabelAnalysisRunUID] == string(w.run.UID) {
		w.cluster.ledger.wrote(w.run.UID, at, live.ResourceVersion)
		return lookAgain("%s exists already", at)
	}
	w.cluster.lessons.learn(w.run.UID, at.name, lesson{taken: true})
	return lookAgain("%s belongs to somebody else", at)
}

// removeJob deletes a Job and waits for its pods: they are measuring something that has ended.
func (w *AnalysisWorld) removeJob(ctx context.Context, a decide.JobGone) error {
	job := w.jobs[a.Name]
	if job == nil || !job.DeletionTimestamp.IsZero() {
		return nil
	}
	// Whatever the Job has come to meanwhile, it is no longer wanted: so no version.
	t := target{ref: ref{kind: jobKind, namespace: job.Namespace, name: job.Name}, owner: w.run.UID}
	return w.cluster.remove(ctx, t, job.UID, metav1.DeletePropagationForeground)
}

func (w *AnalysisWorld) self() target {
	return target{
		ref:     ref{kind: runKind, namespace: w.run.Namespace, name: w.run.Name},
		version: w.version,
		owner:   w.run.UID,
	}
}
