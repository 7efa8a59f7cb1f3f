package controller_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/controller"
	"sluice.dev/sluice/internal/judge"
	"sluice.dev/sluice/internal/metric"
	"sluice.dev/sluice/internal/metric/providers"
)

// gauge is a metric server that answers with one number.
type gauge struct {
	mu      sync.Mutex
	value   float64
	asked   []metric.Query
	lastBad time.Time
}

func (g *gauge) set(value float64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.value = value
}

// Query implements metric.Reader.
func (g *gauge) Query(_ context.Context, q metric.Query) (judge.Sample, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.asked = append(g.asked, q)
	if g.value > 0.004 && g.lastBad.IsZero() {
		g.lastBad = time.Now()
	}
	return judge.Sample{Result: []float64{g.value}, Text: fmt.Sprintf("[%v]", g.value)}, nil
}

func measuredBy(g *gauge) func(*controller.Options) {
	return func(o *controller.Options) {
		o.Providers = metric.Registry{
			Readers: map[string]metric.Reader{"prometheus": g},
			Runners: map[string]metric.Runner{"job": providers.Job{}},
		}
	}
}

// limit is a template that allows 0.004; args is its list of arguments.
func limit(metrics, args string) string {
	return `
apiVersion: argoproj.io/v1alpha1
kind: AnalysisTemplate
metadata: {name: limit}
spec:
  args: ` + args + `
  metrics: ` + metrics
}

const (
	oneReading = `[{name: cpu, count: 1, successCondition: "result[0] <= 0.004", provider: {prometheus: {address: "http://prometheus", query: up}}}]`
	oneJob     = `[{name: load, count: 1, successCondition: "result == 0", provider: {job: {spec: {backoffLimit: 0, template: {spec: {restartPolicy: Never, containers: [{name: c, image: "load:1"}]}}}}}}]`
	analysed   = `[{setWeight: 20}, {analysis: {templates: [{templateName: limit}]}}, {setWeight: 60}]`
)

func TestAGoodVersionIsPromotedAndABadOneGoesBack(t *testing.T) {
	p := newPlace(t)
	p.record()
	g := &gauge{}
	p.start(measuredBy(g))
	p.create(limit(oneReading, "[]"), shop(analysed))
	p.becomes("Healthy")
	if n := len(g.asked); n > 0 {
		t.Errorf("the first version was measured %d times", n)
	}
	p.patch("shop", image("shop:2"), false)
	p.becomes("Healthy")
	good := p.rollout("shop").Status.StableRS

	g.set(0.0123)
	p.patch("shop", image("shop:3"), false)
	bad := p.becomes("Degraded RolloutAborted")
	if !strings.Contains(bad.Status.Message, "cpu") || !strings.Contains(bad.Status.Message, "0.0123") || !strings.Contains(bad.Status.Message, "0.004") {
		t.Errorf("the message names not metric, value and limit: %q", bad.Status.Message)
	}
	p.eventually("the good version serves alone", func() string {
		if sizes := p.sizes(); sizes[good] != 5 || sizes[bad.Status.CurrentPodHash] != 0 {
			return fmt.Sprint(sizes)
		}
		return ""
	})
}

// TestABadAnswerIsActedOnAtOnce measures the time from a bad answer to the canary's new size.
func TestABadAnswerIsActedOnAtOnce(t *testing.T) {
	p := newPlace(t)
	g := &gauge{}
	var mu sync.Mutex
	zeroed := map[string]time.Time{}
	p.kubelet(&kubelet{available: func(rs *appsv1.ReplicaSet) int32 {
		mu.Lock()
		defer mu.Unlock()
		if *rs.Spec.Replicas > 0 {
			delete(zeroed, rs.Name)
		} else if zeroed[rs.Name].IsZero() {
			zeroed[rs.Name] = time.Now()
		}
		return *rs.Spec.Replicas
	}})
	p.start(measuredBy(g))
	p.create(limit(oneReading, "[]"), shop(analysed))
	p.becomes("Healthy")
	g.set(1)
	var took []time.Duration
	for n := range 10 {
		g.mu.Lock()
		g.lastBad = time.Time{}
		g.mu.Unlock()
		p.patch("shop", image(fmt.Sprintf("shop:bad-%d", n)), false)
		canary := "shop-" + p.becomes("Degraded RolloutAborted").Status.CurrentPodHash
		p.eventually("the canary goes", func() string {
			mu.Lock()
			defer mu.Unlock()
			g.mu.Lock()
			defer g.mu.Unlock()
			if at := zeroed[canary]; at.After(g.lastBad) {
				took = append(took, at.Sub(g.lastBad))
				return ""
			}
			return "it has pods"
		})
	}
	slices.Sort(took)
	t.Logf("from a bad answer to the canary's scale-down being seen: median %s, worst %s", took[len(took)/2], took[len(took)-1])
	if median := took[len(took)/2]; median > 500*time.Millisecond {
		t.Errorf("median is %s", median)
	}
}

func TestARunWithoutARolloutIsMeasuredToo(t *testing.T) {
	p := newPlace(t)
	p.start(measuredBy(&gauge{}))
	p.create(`
apiVersion: argoproj.io/v1alpha1
kind: AnalysisRun
metadata: {name: alone}
spec:
  metrics: ` + oneReading)
	p.run("alone", api.AnalysisPhaseSuccessful)
}

func (p *place) run(name string, want api.AnalysisPhase) *api.AnalysisRun {
	p.Helper()
	var run api.AnalysisRun
	p.eventually("run "+name+" is "+string(want), func() string {
		if err := p.client.Get(p.Context(), client.ObjectKey{Namespace: p.namespace, Name: name}, &run); err != nil {
			return err.Error()
		}
		if run.Status.Phase != want {
			return fmt.Sprintf("it is %q: %s", run.Status.Phase, run.Status.Message)
		}
		return ""
	})
	return &run
}

func TestAJobIsStartedOnceAndItsEndIsHeard(t *testing.T) {
	p := newPlace(t)
	p.start(measuredBy(&gauge{}))
	p.create(`
apiVersion: argoproj.io/v1alpha1
kind: AnalysisRun
metadata: {name: load}
spec:
  metrics: ` + oneJob)
	job := p.job("load")
	if job.Labels[api.LabelAnalysisRunUID] == "" || len(job.OwnerReferences) != 1 || job.OwnerReferences[0].Name != "load" {
		t.Errorf("the Job does not say whose it is: %v %v", job.Labels, job.OwnerReferences)
	}
	ended := job.DeepCopy()
	p.completeJob(ended)
	run := p.run("load", api.AnalysisPhaseSuccessful)
	if got := run.Status.MetricResults[0].Measurements; len(got) != 1 || got[0].Metadata["job-name"] != job.Name {
		t.Errorf("measurements are %+v", got)
	}
}

// job waits for the one Job of a run.
func (p *place) job(run string) *batchv1.Job {
	p.Helper()
	var list batchv1.JobList
	p.eventually("run "+run+" has its Job", func() string {
		if err := p.client.List(p.Context(), &list, client.InNamespace(p.namespace)); err != nil {
			return err.Error()
		}
		if len(list.Items) != 1 {
			return fmt.Sprintf("there are %d", len(list.Items))
		}
		return ""
	})
	return &list.Items[0]
}

func TestAnAbortStopsTheJob(t *testing.T) {
	p := newPlace(t)
	p.record()
	p.start(measuredBy(&gauge{}))
	p.create(limit(oneJob, "[]"), shop(analysed))
	p.becomes("Healthy")
	p.patch("shop", image("shop:2"), false)
	job := p.job("of the step")
	p.patch("shop", `{"status":{"abort":true}}`, true)
	p.becomes("Degraded RolloutAborted")
	p.eventually("the Job goes", func() string {
		var now batchv1.Job
		err := p.client.Get(t.Context(), client.ObjectKeyFromObject(job), &now)
		if client.IgnoreNotFound(err) != nil {
			return err.Error()
		}
		if err == nil && now.DeletionTimestamp.IsZero() {
			return "it is still wanted"
		}
		return ""
	})
	run := p.run(job.OwnerReferences[0].Name, api.AnalysisPhaseInconclusive)
	if !strings.Contains(run.Status.Message, "stopped before it measured anything") {
		t.Errorf("the run says %q", run.Status.Message)
	}
}

func TestACorrectedSecretIsSeenWithinTwoSeconds(t *testing.T) {
	p := newPlace(t)
	p.record()
	g := &gauge{}
	p.start(measuredBy(g))
	fromSecret := strings.Replace(oneReading, `"http://prometheus"`, `"{{args.workspace}}"`, 1)
	p.create(limit(fromSecret, `[{name: workspace, valueFrom: {secretKeyRef: {name: workspace-url, key: secretURL}}}]`), shop(analysed))
	p.becomes("Degraded InvalidSpec")
	p.create(`{apiVersion: v1, kind: Secret, metadata: {name: workspace-url}, stringData: {wrong: "http://marker-9f3"}}`)
	p.eventually("the wrong key is named", func() string {
		if message := p.rollout("shop").Status.Message; !strings.Contains(message, "it has wrong") && !strings.Contains(message, "no such key") {
			return message
		}
		return ""
	})
	secret := &corev1.Secret{}
	secret.Namespace, secret.Name = p.namespace, "workspace-url"
	if err := p.client.Delete(t.Context(), secret); err != nil {
		t.Fatal(err)
	}
	p.create(`{apiVersion: v1, kind: Secret, metadata: {name: workspace-url}, stringData: {secretURL: "http://marker-9f3"}}`)
	corrected := time.Now()
	p.becomes("Healthy")
	if took := time.Since(corrected); took > 2*time.Second {
		t.Errorf("took %s", took)
	}
	p.patch("shop", image("shop:2"), false)
	p.becomes("Healthy")
	if g.asked[0].Spec.Prometheus.Address != "http://marker-9f3" {
		t.Errorf("asked %q", g.asked[0].Spec.Prometheus.Address)
	}
	p.nowhere("marker-9f3")
}

// nowhere makes sure that a text stands in no object that people can read.
func (p *place) nowhere(marker string) {
	p.Helper()
	for _, list := range []client.ObjectList{&api.RolloutList{}, &api.AnalysisRunList{}, &appsv1.ReplicaSetList{}, &corev1.EventList{}} {
		if err := p.client.List(p.Context(), list, client.InNamespace(p.namespace)); err != nil {
			p.Fatal(err)
		}
		if text := fmt.Sprintf("%+v", list); strings.Contains(text, marker) {
			p.Errorf("%T shows the secret", list)
		}
	}
}

func TestACorrectedTemplateIsSeenAtOnce(t *testing.T) {
	p := newPlace(t)
	p.record()
	p.start(measuredBy(&gauge{}))
	p.create(shop(analysed))
	p.becomes("Degraded InvalidSpec")
	added := time.Now()
	p.create(limit(oneReading, "[]"))
	p.becomes("Healthy")
	if took := time.Since(added); took > 2*time.Second {
		t.Errorf("took %s", took)
	}
}
