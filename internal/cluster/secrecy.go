package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/compose"
	"sluice.dev/sluice/internal/judge"
	"sluice.dev/sluice/internal/measure"
	"sluice.dev/sluice/internal/metric"
)

// annotationSecretVersions says which versions of Secrets a Job was made with. What a Job says is
// cleaned of the Secrets' values as they are when it is read, so they must still be the same.
const annotationSecretVersions = api.EvidencePrefix + "secret-versions"

// confided are the secret arguments a metric uses.
type confided struct {
	values   map[string]string // by argument
	secrets  []string
	versions string
}

// confide reads the secret arguments a metric uses, live. Its errors hold no value.
func (c *Cluster) confide(ctx context.Context, run *api.AnalysisRun, m *api.Metric) (confided, error) {
	given := confided{values: map[string]string{}}
	refs := compose.Secrets(run.Spec.Args)
	var versions []string
	for _, name := range compose.Unresolved(*m) {
		r, ok := refs[name]
		if !ok {
			continue
		}
		secret, err := c.secret(ctx, types.NamespacedName{Namespace: run.Namespace, Name: r.Name})
		if err != nil {
			return confided{}, fmt.Errorf("argument %s: %w", name, err)
		}
		text, found := secret.Data[r.Key]
		if !found {
			return confided{}, &absent{fmt.Sprintf("argument %s: secret %q has no key %q, or does not exist", name, r.Name, r.Key)}
		}
		given.values[name] = string(text)
		given.secrets = append(given.secrets, string(text))
		versions = append(versions, r.Name+"@"+secret.ResourceVersion)
	}
	slices.Sort(versions)
	given.versions = strings.Join(slices.Compact(versions), ",")
	return given, nil
}

// absent says that a Secret or a key of it does not exist.
type absent struct{ what string }

// Error implements error.
func (a *absent) Error() string { return a.what }

// unobtainable reports whether a Secret cannot be had, however often it is asked for.
func unobtainable(err error) bool {
	var none *absent
	return errors.As(err, &none) || refuses(err)
}

// unobtained is why a metric cannot be given its Secrets.
func unobtained(err error) *refusal {
	no := &refusal{why: err.Error()}
	if none := (*absent)(nil); errors.As(err, &none) {
		no.remedy = "create it"
	}
	return no
}

// fill puts the arguments into a metric.
func (g confided) fill(run *api.AnalysisRun, m api.Metric) (api.Metric, error) {
	values := compose.Values(run.Spec.Args)
	for name, value := range g.values {
		values[name] = value
	}
	filled, err := compose.Metric(m, values)
	if err != nil {
		return api.Metric{}, fmt.Errorf("filling in the arguments of metric %q: %w", m.Name, g.discreet(err))
	}
	return filled, nil
}

// mark notes on a Job what it was made with.
func (g confided) mark(job *batchv1.Job) {
	if g.versions == "" {
		return
	}
	if job.Annotations == nil {
		job.Annotations = map[string]string{}
	}
	job.Annotations[annotationSecretVersions] = g.versions
}

// discreet keeps an error's text to itself where a secret may be in it: the API server repeats the
// values it refuses. Fields and the class of the error say enough.
func (g confided) discreet(err error) error {
	if len(g.secrets) == 0 {
		return err
	}
	var status apierrors.APIStatus
	if !errors.As(err, &status) {
		return errors.New("its text is not shown, because it may hold a secret argument")
	}
	text := string(status.Status().Reason)
	for _, cause := range causes(err) {
		text += "; " + cause.Field + ": " + string(cause.Type)
	}
	return errors.New(measure.RedactText(text, g.secrets)) // a key of a map is part of a field's name
}

// causes are the faults a refusal of the server lists.
func causes(err error) []metav1.StatusCause {
	var status apierrors.APIStatus
	if !errors.As(err, &status) || status.Status().Details == nil {
		return nil
	}
	return status.Status().Details.Causes
}

// reading is what there is to read of a Job.
type reading struct {
	run  *api.AnalysisRun
	m    *api.Metric
	job  *batchv1.Job
	pods []corev1.Pod
	log  *metric.Log // nil before it was read
	now  time.Time
	// asked notes the logs that are needed.
	asked map[logKey]bool
}

func (r reading) seen() metric.Seen {
	m := *r.m
	if filled, err := compose.Metric(m, compose.Values(r.run.Spec.Args)); err == nil {
		m = filled
	}
	return metric.Seen{Metric: m, Job: r.job, Pods: r.pods, Log: r.log, Now: r.now}
}

// discreetly reads a Job. What it, its pods and the cluster say about it may repeat the secrets it was
// given: they are taken out before anything is cut to length, and once more from what was made of it.
func (c *Cluster) discreetly(ctx context.Context, runner metric.Runner, r reading) (metric.Progress, error) {
	if !givenSecrets(r.run, r.m) || silent(r.job, r.pods) {
		return runner.Poll(r.seen()), nil
	}
	given, err := c.confide(ctx, r.run, r.m)
	if err != nil && !unobtainable(err) {
		return metric.Progress{}, err
	}
	if err != nil || given.versions != r.job.Annotations[annotationSecretVersions] {
		return withheld(runner.Poll(r.seen())), nil
	}
	clean := func(text string) string { return measure.RedactText(text, given.secrets) }
	seen := r.seen()
	seen.Job, seen.Pods = cleanJob(r.job, clean), cleanPods(r.pods, clean)
	if r.log != nil {
		seen.Log = &metric.Log{Text: clean(r.log.Text), Problem: clean(r.log.Problem)}
	}
	p := runner.Poll(seen)
	p.Sample, p.Waiting = measure.Redact(p.Sample, given.secrets), clean(p.Waiting)
	return p, nil
}

func givenSecrets(run *api.AnalysisRun, m *api.Metric) bool {
	refs := compose.Secrets(run.Spec.Args)
	return slices.ContainsFunc(compose.Unresolved(*m), func(name string) bool {
		_, secret := refs[name]
		return secret
	})
}

// silent reports whether there is nothing but fixed words to say about a Job, so that its secrets need
// not be read for every look at it.
func silent(job *batchv1.Job, pods []corev1.Pod) bool {
	return !finished(job) && !slices.ContainsFunc(pods, speaks)
}

func speaks(pod corev1.Pod) bool {
	homeless := slices.ContainsFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse
	})
	containers := slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses)
	return homeless || pod.Status.Message != "" || slices.ContainsFunc(containers, func(c corev1.ContainerStatus) bool {
		wait := c.State.Waiting
		starting := wait != nil && wait.Message == "" && (wait.Reason == "ContainerCreating" || wait.Reason == "PodInitializing")
		return c.State.Terminated != nil || wait != nil && !starting
	})
}

// cleanJob is a Job with all text about its end cleaned.
func cleanJob(job *batchv1.Job, clean func(string) string) *batchv1.Job {
	out := *job
	out.Status.Conditions = slices.Clone(job.Status.Conditions)
	for i := range out.Status.Conditions {
		out.Status.Conditions[i].Message = clean(out.Status.Conditions[i].Message)
	}
	return &out
}

// cleanPods are pods with all text about how they do cleaned.
func cleanPods(pods []corev1.Pod, clean func(string) string) []corev1.Pod {
	out := make([]corev1.Pod, len(pods))
	for i := range pods {
		pod := pods[i].DeepCopy()
		pod.Status.Message = clean(pod.Status.Message)
		for j := range pod.Status.Conditions {
			pod.Status.Conditions[j].Message = clean(pod.Status.Conditions[j].Message)
		}
		for _, statuses := range [][]corev1.ContainerStatus{pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses} {
			for j := range statuses {
				cleanState(&statuses[j].State, clean)
			}
		}
		out[i] = *pod
	}
	return out
}

func cleanState(state *corev1.ContainerState, clean func(string) string) {
	if state.Waiting != nil {
		state.Waiting.Message = clean(state.Waiting.Message)
	}
	if state.Terminated != nil {
		state.Terminated.Message = clean(state.Terminated.Message)
	}
}

// why nothing is shown of what a Job says.
const secretsChanged = "a Secret the Job was given has changed or cannot be read since"

// withheld keeps of what a Job has come to only what cannot hold a secret: its exit code and verdict. A
// report is neither judged nor shown, so the measurement could not be taken.
func withheld(p metric.Progress) metric.Progress {
	if !p.Done {
		p.Waiting = "What the Job waits for is not shown, because " + secretsChanged + "."
		return p
	}
	kept := judge.Sample{
		Forced: p.Sample.Forced, NeverSuccessful: p.Sample.NeverSuccessful,
		StartedAt: p.Sample.StartedAt, FinishedAt: p.Sample.FinishedAt, Metadata: map[string]string{},
		Message: "What the Job said is not shown, because " + secretsChanged + ".",
	}
	for _, key := range []string{api.MetadataJobName, api.MetadataJobNamespace} {
		if value, ok := p.Sample.Metadata[key]; ok {
			kept.Metadata[key] = value
		}
	}
	if code, ok := p.Sample.Result.(float64); ok {
		kept.Result, kept.Text = code, fmt.Sprint(code)
	}
	switch {
	case p.Sample.Failure != nil:
		kept.Failure = &judge.Failure{Class: p.Sample.Failure.Class, Message: kept.Message}
	case p.Sample.Report != nil:
		kept.Failure = &judge.Failure{Class: judge.BadAnswer, Message: "The Job's report is neither judged nor shown, because " + secretsChanged + "."}
	}
	p.Sample = kept
	return p
}
