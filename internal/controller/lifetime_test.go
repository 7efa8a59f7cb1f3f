package controller_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/cluster"
	"sluice.dev/sluice/internal/controller"
)

// TestARunOfSomebodyElseGoesWhenItsTimeIsOver creates a run as other tools do: it belongs to an object
// of theirs.
func TestARunOfSomebodyElseGoesWhenItsTimeIsOver(t *testing.T) {
	p := newPlace(t)
	p.start(measuredBy(&gauge{}))
	p.create(`{apiVersion: v1, kind: ConfigMap, metadata: {name: freight}}`)
	owner := &corev1.ConfigMap{}
	if err := p.client.Get(t.Context(), client.ObjectKey{Namespace: p.namespace, Name: "freight"}, owner); err != nil {
		t.Fatal(err)
	}
	one := int32(1)
	run := &api.AnalysisRun{Spec: api.AnalysisRunSpec{Metrics: p.template(oneReading).Metrics, TTLStrategy: &api.TTLStrategy{SecondsAfterSuccess: &one}}}
	run.Namespace, run.Name = p.namespace, "verify.01hx"
	run.OwnerReferences = []metav1.OwnerReference{*metav1.NewControllerRef(owner, corev1.SchemeGroupVersion.WithKind("ConfigMap"))}
	if err := p.client.Create(t.Context(), run); err != nil {
		t.Fatal(err)
	}
	ended := p.run(run.Name, api.AnalysisPhaseSuccessful)
	p.gone(run.Name)
	if stayed := time.Since(ended.Status.CompletedAt.Time); stayed < time.Second || stayed > 10*time.Second {
		t.Errorf("it stayed for %s after its end, want a second", stayed)
	}
}

// gone waits until there is no run of this name.
func (p *place) gone(run string) {
	p.Helper()
	p.eventually("run "+run+" is deleted", func() string {
		err := p.client.Get(p.Context(), client.ObjectKey{Namespace: p.namespace, Name: run}, &api.AnalysisRun{})
		if apierrors.IsNotFound(err) {
			return ""
		}
		return fmt.Sprintf("it is there (%v)", err)
	})
}

// TestARunThatIsDeletedAtItsEndIsHeardFirst gives the run of a step no time at all. Its bad end must
// reach the Rollout, and no other run may take its place.
func TestARunThatIsDeletedAtItsEndIsHeardFirst(t *testing.T) {
	p := newPlace(t)
	p.record()
	p.start(measuredBy(&gauge{}))
	p.create(limit(oneJob, "[]"), shop(analysed))
	p.becomes("Healthy")
	p.patch("shop", image("shop:2"), false)
	job := p.job("of the step")
	run := &api.AnalysisRun{}
	run.Namespace, run.Name = p.namespace, job.OwnerReferences[0].Name
	ttl := client.RawPatch(types.MergePatchType, []byte(`{"spec":{"ttlStrategy":{"secondsAfterCompletion":0}}}`))
	if err := p.client.Patch(t.Context(), run, ttl); err != nil {
		t.Fatal(err)
	}
	failed := job.DeepCopy()
	now := job.CreationTimestamp
	p.setStatus(failed, func() {
		failed.Status = batchv1.JobStatus{StartTime: &now, Failed: 1, Conditions: []batchv1.JobCondition{
			{Type: batchv1.JobFailureTarget, Status: corev1.ConditionTrue, Reason: "BackoffLimitExceeded"},
			{Type: batchv1.JobFailed, Status: corev1.ConditionTrue, Reason: "BackoffLimitExceeded"},
		}}
	})
	r := p.becomes("Degraded RolloutAborted")
	if !strings.Contains(r.Status.Message, `Metric "load" assessed Failed`) {
		t.Errorf("the message is %q", r.Status.Message)
	}
	p.gone(run.Name)
	time.Sleep(300 * time.Millisecond)
	var left api.AnalysisRunList
	if err := p.client.List(t.Context(), &left, client.InNamespace(p.namespace)); err != nil {
		t.Fatal(err)
	}
	if len(left.Items) != 0 {
		t.Errorf("run %s was begun in its place", left.Items[0].Name)
	}
}

// TestAChangeDeepInTemplatesIsSeenAtOnce has a ClusterAnalysisTemplate that includes one of the
// Rollout's namespace.
func TestAChangeDeepInTemplatesIsSeenAtOnce(t *testing.T) {
	p := newPlace(t)
	p.record()
	p.start(measuredBy(&gauge{}), func(o *controller.Options) { o.Scope = cluster.Scope{InstanceID: p.namespace} })
	company := &api.ClusterAnalysisTemplate{}
	company.Name = "company-" + p.namespace
	company.Spec.Templates = []api.AnalysisTemplateRef{{TemplateName: "limit"}}
	if err := p.client.Create(t.Context(), company); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.client.Delete(t.Context(), company) })
	p.create(`
apiVersion: argoproj.io/v1alpha1
kind: AnalysisTemplate
metadata: {name: outer}
spec: {templates: [{templateName: `+company.Name+`, clusterScope: true}]}
`, labelled(shop(strings.Replace(analysed, "templateName: limit", "templateName: outer", 1)), p.namespace))
	lacks := p.becomes("Degraded InvalidSpec")
	if want := `AnalysisTemplate "limit" not found, included by outer -> cluster/` + company.Name; !strings.Contains(lacks.Status.Message, want) {
		t.Errorf("the message is %q, want %q in it", lacks.Status.Message, want)
	}
	p.create(`
apiVersion: argoproj.io/v1alpha1
kind: AnalysisTemplate
metadata: {name: limit}
spec: {templates: [{templateName: outer}]}
`)
	loop := "templates include each other: outer -> cluster/" + company.Name + " -> limit -> outer"
	p.eventually("the circle is found", func() string {
		if message := p.rollout("shop").Status.Message; !strings.Contains(message, loop) {
			return message
		}
		return ""
	})
	if sizes := p.sizes(); len(sizes) != 0 {
		t.Errorf("pods are wanted already: %v", sizes)
	}
	inner := &api.AnalysisTemplate{}
	if err := p.client.Get(t.Context(), client.ObjectKey{Namespace: p.namespace, Name: "limit"}, inner); err != nil {
		t.Fatal(err)
	}
	inner.Spec = p.template(oneReading)
	corrected := time.Now()
	if err := p.client.Update(t.Context(), inner); err != nil {
		t.Fatal(err)
	}
	p.becomes("Healthy")
	if took := time.Since(corrected); took > 2*time.Second {
		t.Errorf("took %s", took)
	}
	p.patch("shop", image("shop:2"), false)
	p.becomes("Healthy")
	var runs api.AnalysisRunList
	if err := p.client.List(t.Context(), &runs, client.InNamespace(p.namespace)); err != nil {
		t.Fatal(err)
	}
	if len(runs.Items) != 1 || len(runs.Items[0].Spec.Metrics) != 1 || runs.Items[0].Spec.Metrics[0].Name != "cpu" {
		t.Errorf("runs are %+v", runs.Items)
	}
}
