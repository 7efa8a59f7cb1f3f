package cluster

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
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

// refusedJobWithin is how long a Job is tried to be created where a quota, a policy or a missing
// Secret is against it: somebody may be about to put that right.
const refusedJobWithin = 15 * time.Second

// observeJobs reads what the Jobs of the run say. Jobs of a run that has ended are still seen, so that
// none of them goes on measuring for nobody.
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
	for name, refusal := range w.cluster.lessons.refusals(w.run.UID, jobKind) {
		seen[name] = refusedJob(refusal, now)
	}
	if err := w.observeQueue(ctx, seen, jobs.Items, now); err != nil {
		return nil, err
	}
	w.jobs, w.jobPods = make(map[string]*batchv1.Job, len(jobs.Items)), map[string]*corev1.Pod{}
	asked := map[logKey]bool{}
	defer func() { w.cluster.logs.keep(w.run.UID, asked) }()
	if len(jobs.Items) == 0 {
		return seen, nil
	}
	byJob, err := w.podsByJob(ctx, of)
	if err != nil {
		return nil, err
	}
	for i := range jobs.Items {
		job := &jobs.Items[i]
		w.jobs[job.Name] = job
		m := metricOf(w.run, job.Annotations[api.AnnotationMetricName])
		if m == nil {
			continue // a Job of a metric the run does not have: decide does not ask for it
		}
		runner, err := w.cluster.runnerOf(m)
		if err != nil {
			continue // nor for one of a metric that no Job measures
		}
		read, err := w.cluster.readJob(ctx, runner, reading{run: w.run, m: m, job: job, pods: byJob[job.UID], now: now, asked: asked})
		if err != nil {
			return nil, err
		}
		seen[job.Name] = read
	}
	return seen, nil
}

// podsByJob lists the pods of the run's Jobs by the Job that controls them, and keeps them by name.
func (w *AnalysisWorld) podsByJob(ctx context.Context, of []client.ListOption) (map[types.UID][]corev1.Pod, error) {
	var pods corev1.PodList
	if err := w.cluster.Jobs.List(ctx, &pods, of...); err != nil {
		return nil, fmt.Errorf("listing the pods of %s: %w", w.key, err)
	}
	byJob := map[types.UID][]corev1.Pod{}
	for i := range pods.Items {
		pod := &pods.Items[i]
		if owner := metav1.GetControllerOfNoCopy(pod); owner != nil {
			byJob[owner.UID] = append(byJob[owner.UID], *pod)
			w.jobPods[pod.Name] = pod
		}
	}
	return byJob, nil
}

// refusedJob is a Job the server does not take: for a while it may still come to be.
func refusedJob(refusal lesson, now time.Time) decide.Job {
	if refusal.load {
		return refusedLoad(refusal, now)
	}
	until := refusal.since.Add(refusedJobWithin)
	if !refusal.final && now.Before(until) {
		return decide.Job{Ours: true, Missing: true, Ended: true, Again: until, Waiting: "The Job could not be created yet: " + refusal.refused}
	}
	failure := &judge.Failure{Class: judge.BadConfig, Message: refusal.refused}
	return decide.Job{Ours: true, Missing: true, Done: true, Ended: true, Sample: judge.Sample{Failure: failure, StartedAt: now, FinishedAt: now}}
}

// readJob reads one Job of the run, without the secrets it was given.
func (c *Cluster) readJob(ctx context.Context, runner metric.Runner, r reading) (decide.Job, error) {
	over, gone := finished(r.job), !r.job.DeletionTimestamp.IsZero() && !slices.ContainsFunc(r.pods, active)
	read := decide.Job{Ours: true, Ended: over || gone || spent(r.job, r.pods) || settled(r.job, r.pods)}
	switch {
	case r.run.Status.Phase.Completed() || recorded(r.run, r.job.Name):
		return read, nil // nobody asks what it has come to
	case gone && !over:
		read.Done = true
		read.Sample.Failure = &judge.Failure{Class: judge.BadAnswer, Message: fmt.Sprintf("Job %q was deleted before it ended", r.job.Name)}
		return read, nil
	}
	p, err := c.progress(ctx, runner, r)
	if err != nil {
		return decide.Job{}, err
	}
	read.Done, read.Sample, read.Again, read.Waiting = p.Done, p.Sample, p.Again, p.Waiting
	read.LoadFrom, read.LoadTo = p.LoadFrom, p.LoadTo
	read.Assembled, read.Untold = p.Assembled, p.Untold
	return read, nil
}

// progress is how far a Job has come, by its log too where that is asked for and has been fetched.
func (c *Cluster) progress(ctx context.Context, runner metric.Runner, r reading) (metric.Progress, error) {
	p, err := c.discreetly(ctx, runner, r)
	if err != nil || p.Log == nil || p.Done {
		return p, err
	}
	r.asked[logKey{r.job.UID, *p.Log}] = true
	if r.log = c.log(r, *p.Log); r.log == nil {
		return p, nil
	}
	return c.discreetly(ctx, runner, r)
}

// recorded says that the measurement of a Job has ended.
func recorded(run *api.AnalysisRun, job string) bool {
	return slices.ContainsFunc(run.Status.MetricResults, func(r api.MetricResult) bool {
		return slices.ContainsFunc(r.Measurements, func(m api.Measurement) bool {
			return m.FinishedAt != nil && m.Metadata[api.MetadataJobName] == job
		})
	})
}

func finished(job *batchv1.Job) bool {
	return slices.ContainsFunc(job.Status.Conditions, func(c batchv1.JobCondition) bool {
		return (c.Type == batchv1.JobComplete || c.Type == batchv1.JobFailed) && c.Status == corev1.ConditionTrue
	})
}

// spent says that nothing of a load test's Job runs, or will run again, although its own status does not say so yet:
// that comes a second or two after its pods have ended.
func spent(job *batchv1.Job, pods []corev1.Pod) bool {
	return job.Labels[api.LabelLoadTest] != "" && job.Spec.Completions != nil &&
		len(pods) >= int(*job.Spec.Completions) && !slices.ContainsFunc(pods, active)
}

func active(pod corev1.Pod) bool {
	return pod.Status.Phase != corev1.PodSucceeded && pod.Status.Phase != corev1.PodFailed
}

// metricOf is a metric of the run, nil when it has none of this name. A name may hold an argument: Jobs
// are named by what it comes to.
func metricOf(run *api.AnalysisRun, name string) *api.Metric {
	values := compose.Values(run.Spec.Args)
	for i := range run.Spec.Metrics {
		m := &run.Spec.Metrics[i]
		if m.Name == name {
			return m
		}
		if filled, err := compose.Metric(api.Metric{Name: m.Name}, values); err == nil && filled.Name == name {
			return m
		}
	}
	return nil
}

// runnerOf finds who carries out a metric.
func (c *Cluster) runnerOf(m *api.Metric) (metric.Runner, error) {
	if runner := c.Runners[metric.Kind(m.Provider)]; runner != nil {
		return runner, nil
	}
	return nil, fmt.Errorf("metric %q is not measured by a Job", m.Name)
}

// createJob fills in the secret arguments, at the last moment, and creates the Job.
func (w *AnalysisWorld) createJob(ctx context.Context, a decide.JobExists) error {
	if w.jobs[a.Name] != nil {
		return nil
	}
	at := ref{kind: jobKind, namespace: w.key.Namespace, name: a.Name}
	job, given, unmade, err := w.buildJob(ctx, a)
	if err != nil {
		return err
	}
	if unmade != nil {
		return w.cluster.lessons.learnRefusal(w.run.UID, at, unmade.lesson(&a.Metric))
	}
	if err := w.cluster.admitLoad(ctx, w.run, job); err != nil {
		if _, queued := IsStale(err); queued {
			w.cluster.lessons.unlearn(w.run.UID, at) // nothing is against it any more, and it stands in line
		}
		return err
	}
	err = w.cluster.Live.Create(ctx, job)
	w.cluster.loads.created(job, err)
	switch {
	case err == nil:
		w.cluster.lessons.unlearn(w.run.UID, at)
		w.cluster.ledger.wrote(w.run.UID, at, job.ResourceVersion)
		return nil
	case apierrors.IsAlreadyExists(err):
		return w.meetJob(ctx, at)
	case refuses(err):
		no := refusal{why: fmt.Sprintf("the server refuses the Job: %v", given.discreet(err)), final: namesFields(err)}
		if overQuota(err) {
			no.remedy = "raise the quota, or delete what uses it up"
		}
		return w.cluster.lessons.learnRefusal(w.run.UID, at, no.lesson(&a.Metric))
	}
	return fmt.Errorf("creating %s: %w", at, given.discreet(err))
}

// refusal is why a Job cannot be created.
type refusal struct {
	why    string
	final  bool   // asking again is of no use
	remedy string // what somebody can do about it, so that asking again is of use
}

// buildJob makes the Job of a measurement, with its secret arguments in it.
func (w *AnalysisWorld) buildJob(ctx context.Context, a decide.JobExists) (*batchv1.Job, confided, *refusal, error) {
	runner, err := w.cluster.runnerOf(&a.Metric)
	if err != nil {
		return nil, confided{}, nil, err
	}
	given, err := w.cluster.confide(ctx, w.run, &a.Metric)
	if err != nil {
		if !unobtainable(err) {
			return nil, confided{}, nil, err
		}
		return nil, confided{}, unobtained(err), nil
	}
	m, err := given.fill(w.run, a.Metric)
	if err != nil {
		return nil, given, &refusal{why: err.Error(), final: true}, nil
	}
	missing, err := w.cluster.missingScript(ctx, w.run.Namespace, m)
	if err != nil || missing != nil {
		return nil, given, missing, err
	}
	job, err := runner.Object(w.run, m, a.Name)
	if err != nil {
		return nil, given, &refusal{why: fmt.Sprintf("building the Job: %v", given.discreet(err)), final: true}, nil
	}
	given.mark(job)
	return job, given, nil, nil
}

// namesFields reports whether the server's validation found fault with fields of the Job. The answers
// of policies look alike, but name none.
func namesFields(err error) bool {
	return apierrors.IsInvalid(err) && slices.ContainsFunc(causes(err), func(cause metav1.StatusCause) bool {
		return strings.HasPrefix(cause.Field, "spec.") || strings.HasPrefix(cause.Field, "metadata.")
	})
}

// meetJob finds out whose the Job is that has our name already.
func (w *AnalysisWorld) meetJob(ctx context.Context, at ref) error {
	live, err := w.cluster.liveMetadata(ctx, at)
	if err != nil {
		return w.cluster.refused(ctx, target{ref: at, owner: w.run.UID}, "reading", err)
	}
	if live.Labels[api.LabelAnalysisRunUID] == string(w.run.UID) {
		w.cluster.lessons.unlearn(w.run.UID, at)
		w.cluster.ledger.wrote(w.run.UID, at, live.ResourceVersion)
		return lookAgain("%s exists already", at)
	}
	w.cluster.lessons.learn(w.run.UID, at, lesson{taken: true})
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
