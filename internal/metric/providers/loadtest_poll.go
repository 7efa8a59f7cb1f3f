package providers

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/judge"
	"sluice.dev/sluice/internal/load/merge"
	"sluice.dev/sluice/internal/load/result"
	"sluice.dev/sluice/internal/metric"
)

// abortLag is how long the other pods of a test may go on when one has ended it early: they see the same, so their
// parts of the result are about to come.
const abortLag = 2 * time.Second

// loadPart is what one pod of a test has come to.
type loadPart struct {
	index int
	pod   *corev1.Pod // nil when there is none, or not yet
	state *corev1.ContainerState
	// done: the container has ended, or will never run. result is nil when it left none; then why says what is known.
	done   bool
	result *result.Result
	why    string
}

// Poll implements metric.Runner. What the containers left counts as soon as it is there: a Job's own status comes later.
func (l LoadTest) Poll(seen metric.Seen) metric.Progress {
	test := seen.Metric.Provider.LoadTest
	if test == nil {
		return metric.Progress{Waiting: "The Job's metric has no load test."}
	}
	parts := loadParts(seen, int(test.Pods()))
	if lost := lostBeforeStart(seen.Job, parts); lost != "" {
		return notBegun(seen.Job, "The load test could not begin: "+lost, "LostBeforeStart")
	}
	end := loadEnd(seen.Job)
	open := slices.IndexFunc(parts, func(p loadPart) bool { return !p.done })
	if until := loadAborted(parts); !until.IsZero() && open >= 0 {
		if seen.Now.Before(until) {
			return metric.Progress{Again: until, Waiting: "The load test has ended early; waiting for what its other pods measured.", LoadFrom: loadFrom(parts)}
		}
		open = -1
	}
	if open >= 0 && end == nil {
		return unfinishedLoad(seen, parts)
	}
	if open >= 0 {
		if until := end.LastTransitionTime.Add(podsLag); seen.Now.Before(until) {
			return metric.Progress{Again: until, Waiting: "The Job has ended; waiting to read what its pods left.", LoadFrom: loadFrom(parts)}
		}
	}
	sample, merged := loadResult(parts, end)
	return timed(seen, parts, sample, merged)
}

// loadEnd is how the Job ended, nil when it has not.
func loadEnd(job *batchv1.Job) *batchv1.JobCondition {
	if end := condition(job, batchv1.JobComplete); end != nil {
		return end
	}
	return condition(job, batchv1.JobFailed)
}

// loadParts finds the pod of each part. Of several the one that was there first counts: a later one has missed the
// beginning.
func loadParts(seen metric.Seen, of int) []loadPart {
	parts := make([]loadPart, of)
	for i := range parts {
		parts[i].index = i
	}
	for i := range seen.Pods {
		pod := &seen.Pods[i]
		index, err := strconv.Atoi(pod.Annotations[batchv1.JobCompletionIndexAnnotation])
		if err != nil && of == 1 {
			index, err = 0, nil
		}
		if err != nil || index < 0 || index >= of {
			continue
		}
		if before := parts[index].pod; before == nil || earlier(pod, before) {
			parts[index] = readPart(seen.Job, pod, index)
		}
	}
	return parts
}

func earlier(a, b *corev1.Pod) bool {
	return cmp.Or(a.CreationTimestamp.Compare(b.CreationTimestamp.Time), cmp.Compare(a.Name, b.Name)) < 0
}

// readPart reads what a pod has come to.
func readPart(job *batchv1.Job, pod *corev1.Pod, index int) loadPart {
	part := loadPart{index: index, pod: pod}
	for i := range pod.Status.ContainerStatuses {
		if status := &pod.Status.ContainerStatuses[i]; status.Name == loadContainer {
			part.state = &status.State
		}
	}
	if part.state != nil && part.state.Terminated != nil {
		part.done = true
		part.result, part.why = leftBy(job, part.state.Terminated)
		return part
	}
	if phase := pod.Status.Phase; phase == corev1.PodFailed || phase == corev1.PodSucceeded {
		part.done = true
		part.why = "its pod ended before its container did"
		if reason := cmp.Or(pod.Status.Reason, disruption(pod)); reason != "" {
			part.why = "its pod was taken away (" + reason + ")"
		}
	}
	return part
}

// leftBy is the result that a container left, else why there is none.
func leftBy(job *batchv1.Job, ended *corev1.ContainerStateTerminated) (*result.Result, string) {
	words := strings.TrimSpace(ended.Message)
	if parsed, err := result.Parse([]byte(words)); err == nil {
		return &parsed, ""
	}
	why := fmt.Sprintf("it ended with exit code %d", ended.ExitCode)
	if ended.Reason != "" && ended.Reason != "Error" && ended.Reason != "Completed" {
		why += " (" + ended.Reason + ")"
	}
	if words != "" && job.Annotations[annotationLastWords] != "withheld" {
		why += ": " + metric.Excerpt(words)
	}
	return nil, why
}

// loadAborted is until when a test that one of its pods has ended early waits for the others; zero when none has.
func loadAborted(parts []loadPart) (until time.Time) {
	for _, p := range parts {
		if p.result == nil || p.result.Verdict != result.Fail || !stoppedEarly(*p.result) {
			continue
		}
		if at := p.state.Terminated.FinishedAt.Add(abortLag); until.IsZero() || at.Before(until) {
			until = at
		}
	}
	return until
}

// stoppedEarly reports whether a test saw enough before its end.
func stoppedEarly(r result.Result) bool {
	return r.Stopped == "abort" || r.Stopped == "hopeless"
}

// unfinishedLoad says what a test that has not ended waits for. Pods that share a test begin when all of them are
// ready, so one that is missing for long ends it.
func unfinishedLoad(seen metric.Seen, parts []loadPart) metric.Progress {
	p := unfinished(seen.Job, seen.Pods, seen.Now)
	if p.Done || seen.Job.DeletionTimestamp != nil {
		return p
	}
	p.LoadFrom = loadFrom(parts)
	m := musterLoad(parts)
	if m.there < len(parts) && !m.told {
		return placing(seen, p, m, len(parts))
	}
	if len(parts) > 1 {
		p.Assembled, p.Untold = m.there == len(parts), m.untold
	}
	if p.Waiting == jobRuns {
		p.Waiting = "The load test is running."
	}
	return p
}

// loadSpan is when a result says its load began and ended.
func loadSpan(r result.Result) (from, to time.Time) {
	if r.StartedAt <= 0 {
		return time.Time{}, time.Time{}
	}
	whole, part := math.Modf(r.StartedAt)
	from = time.Unix(int64(whole), int64(part*1e3)*int64(time.Millisecond)).UTC()
	return from, from.Add(time.Duration(r.Duration * float64(time.Second)))
}

// loadResult is what the parts come to together. merged is nil when there is no result.
func loadResult(parts []loadPart, end *batchv1.JobCondition) (judge.Sample, *result.Result) {
	var results []result.Result
	var lost []string
	for _, p := range parts {
		if p.result != nil {
			results = append(results, *p.result)
			continue
		}
		lost = append(lost, lostPart(p, len(parts)))
	}
	enough := slices.IndexFunc(results, func(r result.Result) bool { return r.Verdict == result.Fail && stoppedEarly(r) })
	switch {
	case enough < 0 && end != nil && end.Reason == batchv1.JobReasonDeadlineExceeded && len(lost) > 0:
		return undecidedLoad("The load test did not end within its deadline, which it may be given more of: deadline.", string(end.Reason)), nil
	case len(results) == 0:
		return judge.Sample{Failure: &judge.Failure{Class: judge.BadAnswer,
			Message: shorten("the load test left no result that can be read: " + strings.Join(lost, "; "))}}, nil
	case len(parts) == 1:
		return loadSample(results[0], ""), &results[0]
	}
	whole, err := merge.Results(results, len(parts))
	if err != nil {
		return judge.Sample{Failure: &judge.Failure{Class: judge.BadAnswer,
			Message: shorten("the results of the load test's pods do not fit together: " + err.Error())}}, nil
	}
	if enough >= 0 {
		// What one of them has seen is enough, however little the others have.
		whole.Verdict, whole.Why, lost = result.Fail, results[enough].Why, nil
	}
	return loadSample(whole, strings.Join(lost, "; ")), &whole
}

// lostPart says why a pod left no result.
func lostPart(p loadPart, of int) string {
	why := p.why
	if why == "" {
		why = "its pod is gone"
		if p.pod != nil {
			why = "it has not ended"
		}
	}
	if of == 1 {
		return why
	}
	return fmt.Sprintf("pod %d of %d: %s", p.index+1, of, why)
}

func undecidedLoad(message, reason string) judge.Sample {
	return judge.Sample{Forced: api.AnalysisPhaseInconclusive, Message: message, Metadata: map[string]string{api.EvidenceReason: reason}}
}

// Exit codes of a load test, and so its `result`.
const (
	loadPassed    = 0.0
	loadFailed    = 1.0
	loadUndecided = 3.0
)

// loadSample is a result as conditions see it. A test that did not pass is never a success, and of one that is
// inconclusive nothing can be concluded whatever its numbers are. lost says which parts are missing.
func loadSample(r result.Result, lost string) judge.Sample {
	switch {
	case lost != "" && r.Verdict != result.Inconclusive:
		r.Verdict, r.Why = result.Inconclusive, "a part of the load is missing: "+lost
	case lost != "":
		r.Why = strings.TrimSuffix(r.Why, ".") + "; " + lost
	}
	s := judge.Sample{Report: r.Tree()}
	switch r.Verdict {
	case result.Pass:
		s.Result, s.Text = loadPassed, "0"
	case result.Fail:
		s.Result, s.Text = loadFailed, "1"
		s.NeverSuccessful, s.Message = true, loadWords("The load test failed", r.Why)
	case result.Inconclusive:
		s.Result, s.Text = loadUndecided, "3"
		s.Forced, s.Message = api.AnalysisPhaseInconclusive, loadWords("The load test is inconclusive", r.Why)
	}
	return s
}

func loadWords(what, why string) string {
	if why == "" {
		return what + "."
	}
	return sentence(what + ": " + why)
}
