package controller_test

import (
	"fmt"
	"strings"
	"testing"

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
	pod.Status.Phase = corev1.PodSucceeded
	pod.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "c", State: corev1.ContainerState{
		Terminated: &corev1.ContainerStateTerminated{Message: message, FinishedAt: metav1.Now()},
	}}}
	if err := p.client.Status().Update(p.Context(), pod); err != nil {
		p.Fatal(err)
	}
	now := job.CreationTimestamp
	job.Status = batchv1.JobStatus{StartTime: &now, CompletionTime: &now, Succeeded: 1, Conditions: []batchv1.JobCondition{
		{Type: batchv1.JobSuccessCriteriaMet, Status: corev1.ConditionTrue}, {Type: batchv1.JobComplete, Status: corev1.ConditionTrue},
	}}
	if err := p.client.Status().Update(p.Context(), job); err != nil {
		p.Fatal(err)
	}
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

func TestAQuotaAgainstAJobIsToldAndItsEndIsNoticed(t *testing.T) {
	p := newPlace(t)
	none := corev1.ResourceList{"count/jobs.batch": resource.MustParse("0")}
	quota := &corev1.ResourceQuota{ObjectMeta: metav1.ObjectMeta{Namespace: p.namespace, Name: "nothing-more"}, Spec: corev1.ResourceQuotaSpec{Hard: none}}
	if err := p.client.Create(t.Context(), quota); err != nil {
		t.Fatal(err)
	}
	quota.Status = corev1.ResourceQuotaStatus{Hard: none, Used: none}
	if err := p.client.Status().Update(t.Context(), quota); err != nil {
		t.Fatal(err)
	}
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
