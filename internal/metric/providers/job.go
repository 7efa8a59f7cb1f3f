package providers

import (
	"errors"
	"fmt"
	"maps"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/judge"
	"sluice.dev/sluice/internal/metric"
)

// podsLag is how long the pods of a finished Job may trail behind it in a cache.
const podsLag = 2 * time.Second

// annotationLastWords, when "withheld", keeps what a failed container wrote out of the measurement: it was given
// secrets, and a program that fails likes to print what it was given.
const annotationLastWords = "sluice.dev/last-words"

// Job builds the Job of a measurement and reads how it ended. It asks nobody.
type Job struct{}

// Object implements metric.Runner. Of the metric's Job only names, labels, annotations and the owner are added to.
func (Job) Object(run *api.AnalysisRun, m api.Metric, name string) (*batchv1.Job, error) {
	block := m.Provider.Job
	if block == nil {
		return nil, errors.New("building a job: the metric has no job block")
	}
	spec := block.Spec.DeepCopy()
	labels := map[string]string{api.LabelAnalysisRunUID: string(run.UID)}
	annotations := map[string]string{
		api.AnnotationAnalysisRunName:      run.Name,
		api.AnnotationAnalysisRunNamespace: run.Namespace,
		api.AnnotationMetricName:           m.Name,
	}
	if hasSecrets(run, &spec.Template.Spec) {
		annotations[annotationLastWords] = "withheld"
	}
	spec.Template.Labels = merged(spec.Template.Labels, labels)
	return &batchv1.Job{
		TypeMeta: metav1.TypeMeta{APIVersion: batchv1.SchemeGroupVersion.String(), Kind: "Job"},
		ObjectMeta: metav1.ObjectMeta{
			Name:            name,
			Namespace:       run.Namespace,
			Labels:          merged(block.Metadata.Labels, labels),
			Annotations:     merged(block.Metadata.Annotations, annotations),
			OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(run, api.SchemeGroupVersion.WithKind("AnalysisRun"))},
		},
		Spec: *spec,
	}, nil
}

// merged gives what is ours the last word.
func merged(theirs, ours map[string]string) map[string]string {
	all := maps.Clone(theirs)
	if all == nil {
		all = map[string]string{}
	}
	maps.Copy(all, ours)
	return all
}

// Poll implements metric.Runner.
func (Job) Poll(seen metric.Seen) metric.Progress {
	job, pods, now := seen.Job, seen.Pods, seen.Now
	end := condition(job, batchv1.JobComplete)
	complete := end != nil
	if end == nil {
		end = condition(job, batchv1.JobFailed)
	}
	if end == nil {
		end = settled(job, pods)
		complete = end != nil && end.Type == batchv1.JobComplete
	}
	if end == nil {
		return during(seen, unfinished(job, pods, now))
	}
	last := lastPod(pods, complete)
	ended := endOf(job, last)
	if until := end.LastTransitionTime.Add(podsLag); ended.state == nil && now.Before(until) {
		return metric.Progress{Again: until, Waiting: "The Job has ended; waiting to read what its pod left."}
	}
	ended.report, ended.problem = reported(seen, ended)
	sample := judge.Sample{Result: float64(0), Text: "0"} // whatever single pods did
	if !complete {
		sample = failed(end, last, ended)
	}
	sample.Report, sample.ReportProblem = ended.report, ended.problem
	if why, says := inconclusive(ended.report); says {
		sample.Forced, sample.Message = api.AnalysisPhaseInconclusive, why
	} else if format := formatOf(seen.Metric); known(format) {
		sample = byTool(format, ended, sample)
	}
	if log := logWanted(seen, ended, sample); log != nil && seen.Log == nil {
		return during(seen, metric.Progress{Log: log, Waiting: "The Job has ended; reading the end of its log."})
	}
	return during(seen, metric.Progress{Done: true, Sample: withReport(seen, about(job, withLog(seen, ended, sample)))})
}

// about notes which Job it was.
func about(job *batchv1.Job, s judge.Sample) judge.Sample {
	if s.Metadata == nil {
		s.Metadata = map[string]string{}
	}
	s.Metadata[api.MetadataJobName], s.Metadata[api.MetadataJobNamespace] = job.Name, job.Namespace
	return s
}

func condition(job *batchv1.Job, kind batchv1.JobConditionType) *batchv1.JobCondition {
	for i := range job.Status.Conditions {
		if c := &job.Status.Conditions[i]; c.Type == kind && c.Status == corev1.ConditionTrue {
			return c
		}
	}
	return nil
}

// failed says why, from the nearest witness: the container, else the pod, else the Job. Without a container that ended
// there is no exit code to judge, and the Job has failed all the same.
func failed(end *batchv1.JobCondition, last *corev1.Pod, ended jobEnd) judge.Sample {
	reason, message := end.Reason, "The Job failed"
	if end.Reason != "" {
		message += " (" + end.Reason + ")"
	}
	sample := judge.Sample{NeverSuccessful: true, Forced: api.AnalysisPhaseFailed}
	switch {
	case ended.state != nil && ended.state.ExitCode != 0:
		sample.Forced = ""
		sample.Result, sample.Text = float64(ended.state.ExitCode), fmt.Sprint(ended.state.ExitCode)
		message += fmt.Sprintf(": container %q ended with exit code %d", ended.container, ended.state.ExitCode)
		if told := ended.state.Reason; told != "" && told != "Error" {
			reason = told
			message += " (" + told + ")"
		}
		message += lastWords(ended)
	case end.Message != "":
		message += ": " + metric.Excerpt(end.Message)
	}
	if last != nil && last.Status.Reason != "" {
		reason = last.Status.Reason
		message += fmt.Sprintf("; its pod ended with %s", last.Status.Reason)
		if last.Status.Message != "" {
			message += ": " + metric.Excerpt(last.Status.Message)
		}
	} else if why := disruption(last); why != "" {
		reason = why
		message += "; its pod was taken away (" + why + ")"
	}
	sample.Message = sentence(message)
	if reason != "" {
		sample.Metadata = map[string]string{api.EvidenceReason: reason}
	}
	return sample
}

// disruption is why the cluster took the pod away, "" when it did not.
func disruption(pod *corev1.Pod) string {
	if pod == nil {
		return ""
	}
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.DisruptionTarget && c.Status == corev1.ConditionTrue {
			return c.Reason
		}
	}
	return ""
}

// lastWords is what a container said when it failed: why, by its report, else what it wrote instead of one.
func lastWords(ended jobEnd) string {
	words := ended.words
	if why, ok := ended.report["why"].(string); ok {
		words = why
	}
	if words == "" {
		return ""
	}
	return ": " + metric.Excerpt(words)
}
