package controller_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "sluice.dev/sluice/api/v1alpha1"
)

// secretJob is a run whose Job is pointed at a secret address.
const secretJob = `
apiVersion: argoproj.io/v1alpha1
kind: AnalysisRun
metadata: {name: load}
spec:
  args: [{name: target, valueFrom: {secretKeyRef: {name: target, key: url}}}]
  metrics: [{name: load, count: 1, failureCondition: 'report.target != ""', provider: {job: {spec: {backoffLimit: 0, template: {spec: {
    restartPolicy: Never, containers: [{name: c, image: "load:1", args: ["{{args.target}}"]}]}}}}}}]`

// end plays the Job controller and the kubelet: the Job's pod ends and leaves a message.
func (p *place) end(job *batchv1.Job, message string) {
	p.Helper()
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{
		Namespace: p.namespace, Name: "load", Labels: job.Spec.Template.Labels,
		OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(job, batchv1.SchemeGroupVersion.WithKind("Job"))},
	}, Spec: job.Spec.Template.Spec}
	if err := p.client.Create(p.Context(), pod); err != nil {
		p.Fatal(err)
	}
	p.setStatus(pod, func() {
		pod.Status.Phase = corev1.PodSucceeded
		pod.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "c", State: corev1.ContainerState{
			Terminated: &corev1.ContainerStateTerminated{Message: message, FinishedAt: metav1.Now()},
		}}}
	})
	p.completeJob(job)
}

func TestASecretThatAJobRepeatsIsShownNowhere(t *testing.T) {
	const address = "https://user-marker:pass-marker@host-marker.example/path-marker"
	for _, c := range []struct {
		name, message string
		phase         api.AnalysisPhase
	}{
		{"in a report that is inconclusive", `{"inconclusive":true,"why":"dial tcp: lookup host-marker.example: no such host"}`, api.AnalysisPhaseInconclusive},
		{"in a text that a condition quotes", `{"target":"` + strings.ReplaceAll(address, "/", `\/`) + `"}`, api.AnalysisPhaseFailed},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPlace(t)
			p.start(measuredBy(&gauge{}))
			p.create(`{apiVersion: v1, kind: Secret, metadata: {name: target}, stringData: {url: "`+address+`"}}`, secretJob)
			p.end(p.job("load"), c.message)
			run := p.run("load", c.phase)
			if text := fmt.Sprintf("%+v", run.Status); !strings.Contains(text, "*****") {
				t.Errorf("nothing was masked: %s", text)
			}
			p.nowhere("marker")
		})
	}
}

// fail plays the same for a Job whose container ended with exit code 1.
func (p *place) fail(job *batchv1.Job) {
	p.Helper()
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{
		Namespace: p.namespace, Name: "load", Labels: job.Spec.Template.Labels,
		OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(job, batchv1.SchemeGroupVersion.WithKind("Job"))},
	}, Spec: job.Spec.Template.Spec}
	pod.Spec.NodeName = "nowhere" // so that there is somebody to ask for the log, who is not there
	if err := p.client.Create(p.Context(), pod); err != nil {
		p.Fatal(err)
	}
	p.setStatus(pod, func() {
		pod.Status.Phase = corev1.PodFailed
		pod.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "c", State: corev1.ContainerState{
			Terminated: &corev1.ContainerStateTerminated{ExitCode: 1, Reason: "Error", FinishedAt: metav1.Now()},
		}}}
	})
	began := job.CreationTimestamp
	p.setStatus(job, func() {
		job.Status = batchv1.JobStatus{StartTime: &began, Failed: 1, Conditions: []batchv1.JobCondition{
			{Type: batchv1.JobFailureTarget, Status: corev1.ConditionTrue},
			{Type: batchv1.JobFailed, Status: corev1.ConditionTrue, Reason: "BackoffLimitExceeded", LastTransitionTime: metav1.Now()},
		}}
	})
}

// There is no kubelet here, so the log cannot be read: that is said, and holds nobody up.
func TestTheVerdictOfAJobIsThereTwoSecondsAfterItsContainerEnded(t *testing.T) {
	for name, end := range map[string]func(*place, *batchv1.Job){
		"well":  func(p *place, job *batchv1.Job) { p.end(job, "") },
		"badly": (*place).fail,
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			p.start(measuredBy(&gauge{}))
			p.create(`
apiVersion: argoproj.io/v1alpha1
kind: AnalysisRun
metadata: {name: load}
spec:
  metrics: ` + oneJob)
			job := p.job("load")
			ended := time.Now()
			end(p, job)
			phase := api.AnalysisPhaseSuccessful
			if name == "badly" {
				phase = api.AnalysisPhaseFailed
			}
			run := p.run("load", phase)
			took := time.Since(ended)
			t.Logf("the verdict was there after %s", took.Round(time.Millisecond))
			if took > 2*time.Second {
				t.Errorf("the verdict was there after %s, want at most 2s", took)
			}
			log := run.Status.MetricResults[0].Measurements[0].Metadata["sluice.dev/log"]
			if (name == "badly") != strings.HasPrefix(log, "Not read: ") {
				t.Errorf("of the log it says %q", log)
			}
		})
	}
}

func TestAQuotaAgainstAJobIsToldAndItsEndIsNoticed(t *testing.T) {
	p := newPlace(t)
	none := corev1.ResourceList{"count/jobs.batch": resource.MustParse("0")}
	quota := &corev1.ResourceQuota{ObjectMeta: metav1.ObjectMeta{Namespace: p.namespace, Name: "nothing-more"}, Spec: corev1.ResourceQuotaSpec{Hard: none}}
	if err := p.client.Create(t.Context(), quota); err != nil {
		t.Fatal(err)
	}
	p.setStatus(quota, func() { quota.Status = corev1.ResourceQuotaStatus{Hard: none, Used: none} })
	p.start(measuredBy(&gauge{}))
	p.create(`
apiVersion: argoproj.io/v1alpha1
kind: AnalysisRun
metadata: {name: load}
spec:
  metrics: ` + oneJob)
	var run api.AnalysisRun
	p.eventually("the measurement says why it has not begun", func() string {
		if err := p.client.Get(t.Context(), client.ObjectKey{Namespace: p.namespace, Name: "load"}, &run); err != nil {
			return err.Error()
		}
		if text := fmt.Sprintf("%+v", run.Status.MetricResults); !strings.Contains(text, "the server refuses the Job") || !strings.Contains(text, "exceeded quota: nothing-more") {
			return text
		}
		return ""
	})
	if err := p.client.Delete(t.Context(), quota); err != nil {
		t.Fatal(err)
	}
	p.job("load")
	if err := p.client.Get(t.Context(), client.ObjectKey{Namespace: p.namespace, Name: "load"}, &run); err != nil {
		t.Fatal(err)
	}
	if r := run.Status.MetricResults[0]; r.Error != 0 || len(r.Measurements) != 1 {
		t.Errorf("the wait has cost the measurement: %+v", r)
	}
}
