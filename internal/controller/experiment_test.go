package controller_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/controller"
)

// sideBySide is an Experiment of two templates, one with a Service, that is measured once.
const sideBySide = `
apiVersion: argoproj.io/v1alpha1
kind: Experiment
metadata: {name: compare}
spec:
  scaleDownDelaySeconds: 1
  templates:
  - name: old
    selector: {matchLabels: {app: try}}
    template: {metadata: {labels: {app: try}}, spec: {containers: [{name: c, image: "shop:1"}]}}
  - name: new
    replicas: 2
    selector: {matchLabels: {app: try}}
    service: {}
    template: {metadata: {labels: {app: try}}, spec: {containers: [{name: c, image: "shop:2", ports: [{containerPort: 8080, name: http}]}]}}
  analyses:
  - name: errors
    templateName: limit
    requiredForCompletion: true
    args: [{name: pods, value: "{{templates.new.podTemplateHash}}"}]
`

// compared makes a step that runs both versions side by side.
const compared = `[{setWeight: 20}, {experiment: {scaleDownDelaySeconds: 1, templates: [{name: base, specRef: stable}, {name: next, specRef: canary}],
  analyses: [{name: errors, templateName: limit, requiredForCompletion: true, args: [{name: pods, value: "{{templates.next.replicaset.name}}"}]}]}}, {setWeight: 60}]`

func (p *place) experiment(name string) *api.Experiment {
	p.Helper()
	var ex api.Experiment
	if err := p.client.Get(p.Context(), types.NamespacedName{Namespace: p.namespace, Name: name}, &ex); err != nil {
		if apierrors.IsNotFound(err) {
			return &ex
		}
		p.Fatal(err)
	}
	return &ex
}

// comesTo waits until an Experiment has come to a phase and all its pods have gone.
func (p *place) comesTo(name string, phase api.AnalysisPhase) *api.Experiment {
	p.Helper()
	var ex *api.Experiment
	p.eventually(name+" comes to "+string(phase), func() string {
		ex = p.experiment(name)
		if ex.Status.Phase != phase {
			return fmt.Sprintf("it is %q: %s; %+v", ex.Status.Phase, ex.Status.Message, ex.Status.TemplateStatuses)
		}
		for _, rs := range p.setsOf(name) {
			if *rs.Spec.Replicas > 0 {
				return rs.Name + " still wants pods"
			}
		}
		return ""
	})
	return ex
}

func (p *place) setsOf(experiment string) (sets []appsv1.ReplicaSet) {
	p.Helper()
	var list appsv1.ReplicaSetList
	if err := p.client.List(p.Context(), &list, client.InNamespace(p.namespace)); err != nil {
		p.Fatal(err)
	}
	for _, rs := range list.Items {
		if rs.Annotations[api.AnnotationExperimentName] == experiment {
			sets = append(sets, rs)
		}
	}
	return sets
}

func (p *place) services() (names []string) {
	p.Helper()
	var list corev1.ServiceList
	if err := p.client.List(p.Context(), &list, client.InNamespace(p.namespace)); err != nil {
		p.Fatal(err)
	}
	for _, service := range list.Items {
		names = append(names, service.Name)
	}
	return names
}

func TestAnExperimentRunsItsPodsMeasuresAndClearsUp(t *testing.T) {
	p := newPlace(t)
	p.record()
	g := &gauge{}
	p.start(measuredBy(g))
	p.create(limit(oneReading, "[{name: pods}]"), sideBySide)
	var service corev1.Service
	p.eventually("there is a Service", func() string {
		if err := p.client.Get(p.Context(), types.NamespacedName{Namespace: p.namespace, Name: "compare-new"}, &service); err != nil {
			return err.Error()
		}
		return ""
	})
	ex := p.comesTo("compare", api.AnalysisPhaseSuccessful)
	if ex.Status.Message != "Required AnalysisRuns completed" || ex.Status.AvailableAt == nil || len(ex.Status.AnalysisRuns) != 1 {
		t.Errorf("status %+v", ex.Status)
	}
	hashes := map[string]string{}
	for _, rs := range p.setsOf("compare") {
		hashes[rs.Annotations[api.AnnotationExperimentTemplateName]] = rs.Labels[api.LabelPodTemplateHash]
	}
	if len(hashes) != 2 || hashes["old"] == hashes["new"] || hashes["new"] == "" {
		t.Errorf("hashes %v", hashes)
	}
	if diff := cmp.Diff(map[string]string{"app": "try", api.LabelPodTemplateHash: hashes["new"]}, service.Spec.Selector); diff != "" {
		t.Errorf("selector of the Service (-want +got):\n%s", diff)
	}
	var run api.AnalysisRun
	if err := p.client.Get(p.Context(), types.NamespacedName{Namespace: p.namespace, Name: "compare-errors"}, &run); err != nil {
		t.Fatal(err)
	}
	if got := *run.Spec.Args[0].Value; got != hashes["new"] {
		t.Errorf("the run is asked about %q, want %q", got, hashes["new"])
	}
	p.eventually("the Service goes", func() string { return strings.Join(p.services(), " ") })
}

func TestAnExperimentWaitsForItsTemplateAndFailsByItsMeasurement(t *testing.T) {
	p := newPlace(t)
	p.record()
	g := &gauge{}
	g.set(0.02)
	p.start(measuredBy(g))
	p.create(sideBySide)
	p.eventually("it says what is missing", func() string {
		for _, c := range p.experiment("compare").Status.Conditions {
			if c.Type == api.ExperimentInvalidSpec && strings.Contains(c.Message, `AnalysisTemplate "limit" does not exist`) {
				return ""
			}
		}
		return "no such condition"
	})
	if n := len(p.setsOf("compare")); n > 0 {
		t.Errorf("%d ReplicaSets before it was valid", n)
	}
	p.create(limit(oneReading, "[{name: pods}]"))
	ex := p.comesTo("compare", api.AnalysisPhaseFailed)
	if !strings.Contains(ex.Status.Message, "0.02") {
		t.Errorf("message %q", ex.Status.Message)
	}
}

func TestAnExperimentStepLetsAGoodVersionPassAndStopsABadOne(t *testing.T) {
	p := newPlace(t)
	p.record()
	g := &gauge{}
	p.start(measuredBy(g))
	p.create(limit(oneReading, "[{name: pods}]"), shop(compared))
	p.becomes("Healthy")
	p.patch("shop", image("shop:2"), false)
	p.becomes("Healthy")
	good := p.rollout("shop").Status.StableRS
	p.comesTo("shop-"+good+"-2-1", api.AnalysisPhaseSuccessful)

	g.set(0.02)
	p.patch("shop", image("shop:3"), false)
	r := p.becomes("Degraded RolloutAborted: Rollout aborted update to revision 3: Experiment analysis phase is error/failed: ")
	if r.Status.StableRS != good {
		t.Errorf("stable is %s, want %s", r.Status.StableRS, good)
	}
	p.comesTo("shop-"+r.Status.CurrentPodHash+"-3-1", api.AnalysisPhaseFailed)
	images := map[string]string{}
	for _, rs := range p.setsOf("shop-" + r.Status.CurrentPodHash + "-3-1") {
		images[rs.Annotations[api.AnnotationExperimentTemplateName]] = rs.Spec.Template.Spec.Containers[0].Image
	}
	if diff := cmp.Diff(map[string]string{"base": "shop:2", "next": "shop:3"}, images); diff != "" {
		t.Errorf("images (-want +got):\n%s", diff)
	}
}

// TestStoryC18WhatExistsIsLookedAtLive loses every answer to the creation of something, once: the next pass finds
// that the name exists, which a cache may not show yet. A Service of somebody else's is left alone.
func TestStoryC18WhatExistsIsLookedAtLive(t *testing.T) {
	p := newPlace(t)
	p.record()
	g := &gauge{}
	lost := map[string]*atomic.Bool{"experiments": {}, "replicasets": {}, "analysisruns": {}, "services": {}}
	p.start(measuredBy(g), over(wire{answered: func(r *http.Request, status int) error {
		kind := r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]
		if once := lost[kind]; r.Method == http.MethodPost && writes(r) && status == http.StatusCreated && once != nil && once.CompareAndSwap(false, true) {
			return errDead
		}
		return nil
	}}))
	p.create(limit(oneReading, "[{name: pods}]"), sideBySide, shop(compared))
	p.comesTo("compare", api.AnalysisPhaseSuccessful)
	p.becomes("Healthy")
	p.patch("shop", image("shop:2"), false)
	p.becomes("Healthy")
	for kind, once := range lost {
		if !once.Load() {
			t.Errorf("no answer about %s was lost", kind)
		}
	}
	var list api.ExperimentList
	if err := p.client.List(p.Context(), &list, client.InNamespace(p.namespace)); err != nil || len(list.Items) != 2 {
		t.Errorf("%d Experiments, %v", len(list.Items), err)
	}
	var runs api.AnalysisRunList
	if err := p.client.List(p.Context(), &runs, client.InNamespace(p.namespace)); err != nil || len(runs.Items) != 2 {
		t.Errorf("%d AnalysisRuns, %v", len(runs.Items), err)
	}
}

func TestAnExperimentDoesNotTakeWhatIsSomebodyElses(t *testing.T) {
	p := newPlace(t)
	p.record()
	p.start(measuredBy(&gauge{}), func(*controller.Options) {})
	p.create(`
apiVersion: v1
kind: Service
metadata: {name: compare-new}
spec: {selector: {app: other}, ports: [{port: 80}]}
`, limit(oneReading, "[{name: pods}]"), sideBySide)
	p.eventually("it says whose the name is", func() string {
		for _, s := range p.experiment("compare").Status.TemplateStatuses {
			if strings.Contains(s.Message, "exists already and belongs to somebody else") {
				return ""
			}
		}
		return "no template says so"
	})
	if diff := cmp.Diff([]string{"compare-new"}, p.services()); diff != "" {
		t.Errorf("Services (-want +got):\n%s", diff)
	}
	foreign := &corev1.Service{}
	foreign.Namespace, foreign.Name = p.namespace, "compare-new"
	if err := p.client.Delete(p.Context(), foreign); err != nil {
		t.Fatal(err)
	}
	p.comesTo("compare", api.AnalysisPhaseSuccessful)
}
