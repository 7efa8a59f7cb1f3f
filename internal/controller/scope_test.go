package controller_test

import (
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/cluster"
	"sluice.dev/sluice/internal/controller"
)

func TestAnInstanceLeavesTheRolloutsOfOthersAlone(t *testing.T) {
	p := newPlace(t)
	p.record()
	p.start(func(o *controller.Options) { o.Scope.InstanceID = "mine" })
	p.create(shop(`[]`), strings.Replace(labelled(shop(`[]`), "theirs"), "name: shop,", "name: theirs,", 1))
	p.create(strings.Replace(labelled(shop(`[]`), "mine"), "name: shop,", "name: mine,", 1))
	p.eventually("ours is served", func() string { return phaseOtherThan("Healthy", p.rollout("mine")) })
	for _, name := range []string{"shop", "theirs"} {
		if got := p.rollout(name); got.Status.ObservedGeneration != "" {
			t.Errorf("%s was touched: %+v", name, got.Status)
		}
	}
}

func phaseOtherThan(want string, r *api.Rollout) string {
	if got := phase(r); got != want {
		return "it is " + got
	}
	return ""
}

// TestTwoInstancesShareANamespace has one controller with an instance id, and one without.
func TestTwoInstancesShareANamespace(t *testing.T) {
	p := newPlace(t)
	p.record()
	mine, others := &gauge{}, &gauge{}
	p.start(measuredBy(mine), func(o *controller.Options) { o.Scope.InstanceID = "mine" })
	p.start(measuredBy(others))
	named := func(text, name string) string { return strings.Replace(text, "name: shop,", "name: "+name+",", 1) }
	alone := func(name, labels string) string {
		return fmt.Sprintf("apiVersion: argoproj.io/v1alpha1\nkind: AnalysisRun\nmetadata: {name: %s, labels: {%s}}\nspec:\n  metrics: %s", name, labels, oneReading)
	}
	p.create(limit(oneReading, "[]"), shop(analysed), named(labelled(shop(analysed), "mine"), "mine"), named(labelled(shop(analysed), "theirs"), "theirs"),
		alone("run-of-nobody", ""), alone("run-of-mine", api.LabelInstanceID+": mine"), alone("run-of-theirs", api.LabelInstanceID+": theirs"))
	both := func(what, phase string) {
		p.eventually(what, func() string {
			return phaseOtherThan(phase, p.rollout("shop")) + phaseOtherThan(phase, p.rollout("mine"))
		})
	}
	both("each serves its own", "Healthy")
	p.patch("shop", image("shop:2"), false)
	p.patch("mine", image("shop:2"), false)
	both("each updates its own", "Healthy")
	p.run("run-of-nobody", api.AnalysisPhaseSuccessful)
	p.run("run-of-mine", api.AnalysisPhaseSuccessful)

	var runs api.AnalysisRunList
	if err := p.client.List(t.Context(), &runs, client.InNamespace(p.namespace)); err != nil {
		t.Fatal(err)
	}
	labels := map[string]string{}
	for _, run := range runs.Items {
		name, _, _ := strings.Cut(run.Name, "-")
		labels[name] = run.Labels[api.LabelInstanceID]
		if run.Name == "run-of-theirs" && run.Status.Phase != "" {
			t.Errorf("the run of a third instance was measured: %+v", run.Status)
		}
	}
	if labels["shop"] != "" || labels["mine"] != "mine" {
		t.Errorf("the runs of shop and mine carry %q and %q", labels["shop"], labels["mine"])
	}
	if n, m := len(mine.asked), len(others.asked); n != 2 || m != 2 {
		t.Errorf("the instances measured %d and %d times, each has a run of its own and one of a rollout", n, m)
	}
	if theirs := p.rollout("theirs"); theirs.Status.ObservedGeneration != "" {
		t.Errorf("the rollout of a third instance was touched: %+v", theirs.Status)
	}
}

func TestARunOfAnInstanceCarriesItsLabel(t *testing.T) {
	p := newPlace(t)
	p.record()
	// All namespaces, so that ClusterAnalysisTemplates are read; the id keeps other tests' objects out.
	p.start(measuredBy(&gauge{}), func(o *controller.Options) { o.Scope = cluster.Scope{InstanceID: p.namespace} })
	wide := &api.ClusterAnalysisTemplate{}
	wide.Name = "limit-" + p.namespace
	steps := fmt.Sprintf(`[{setWeight: 20}, {analysis: {templates: [{templateName: %s, clusterScope: true}]}}]`, wide.Name)
	p.create(labelled(shop(steps), p.namespace))
	p.becomes("Degraded InvalidSpec")
	wide.Spec = p.template(oneReading)
	if err := p.client.Create(t.Context(), wide); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.client.Delete(t.Context(), wide) })
	p.becomes("Healthy")
	p.patch("shop", image("shop:2"), false)
	p.becomes("Healthy")
	var list api.AnalysisRunList
	if err := p.client.List(t.Context(), &list, client.InNamespace(p.namespace)); err != nil {
		t.Fatal(err)
	}
	if len(list.Items) != 1 || list.Items[0].Labels[api.LabelInstanceID] != p.namespace {
		t.Errorf("runs are %+v", list.Items)
	}
}

func TestWhatIsNotSupportedIsLeftAsItIs(t *testing.T) {
	p := newPlace(t)
	p.record()
	var touched atomic.Int64
	p.start(over(wire{seen: func(r *http.Request) error {
		if writes(r) && !strings.HasSuffix(r.URL.Path, "/rollouts/shop/status") {
			touched.Add(1)
			t.Logf("%s %s", r.Method, r.URL.Path)
		}
		return nil
	}}))
	p.create(strings.Replace(shop(`[{setWeight: 20}]`), "    canary:\n", "    canary:\n      canaryService: c\n      stableService: s\n      trafficRouting: {smi: {}}\n", 1))
	r := p.becomes("Degraded")
	if !strings.Contains(r.Status.Message, "spec.strategy.canary.trafficRouting") || !strings.Contains(r.Status.Message, "not supported") {
		t.Errorf("the message is %q", r.Status.Message)
	}
	time.Sleep(300 * time.Millisecond)
	if n := touched.Load(); n > 0 {
		t.Errorf("%d writes", n)
	}
}

// A run that another controller has begun, and that asks for what we cannot do, is its business; one that
// nobody has begun gets an answer.
func TestARunThatAnotherControllerHasBegunIsLeftToIt(t *testing.T) {
	p := newPlace(t)
	p.start()
	run := func(name string) string {
		return "apiVersion: argoproj.io/v1alpha1\nkind: AnalysisRun\nmetadata: {name: " + name + "}\nspec: {metrics: [{name: m, interval: 1m, provider: {datadog: {query: q}}}]}"
	}
	theirs := run("theirs") + "\nstatus: {phase: Running, startedAt: '2026-01-01T00:00:00Z', metricResults: [{name: m, phase: Running, count: 1, successful: 1}]}"
	p.create(theirs, run("ours"))
	if s := p.run("ours", api.AnalysisPhaseError).Status; !strings.Contains(s.Message, "not supported yet") {
		t.Errorf("the one that nobody has begun says %q", s.Message)
	}
	if s := p.run("theirs", api.AnalysisPhaseRunning).Status; s.MetricResults[0].Count != 1 || s.MetricResults[0].Error != 0 {
		t.Errorf("the other one was touched: %+v", s.MetricResults)
	}
}

func TestATemplateTheServerRefusesIsNamedAndCanBeCorrected(t *testing.T) {
	p := newPlace(t)
	p.record()
	p.start()
	p.create(shop(`[]`))
	p.becomes("Healthy")
	p.patch("shop", `{"spec":{"template":{"spec":{"containers":[{"name":"shop","image":"shop:2","imagePullPolicy":"Sometimes"}]}}}}`, false)
	r := p.becomes("Degraded InvalidSpec")
	if !strings.Contains(r.Status.Message, "spec.template.spec.containers[0].imagePullPolicy") {
		t.Errorf("the message is %q", r.Status.Message)
	}
	if sizes := p.sizes(); len(sizes) != 1 || sizes[r.Status.StableRS] != 5 {
		t.Errorf("sizes are %v", sizes)
	}
	p.patch("shop", image("shop:3"), false)
	p.becomes("Healthy")
}

// TestProbes follows a controller that cannot read the definitions at first.
func TestProbes(t *testing.T) {
	p := newPlace(t)
	probes, metrics := listen(t), listen(t)
	var hidden atomic.Bool
	hidden.Store(true)
	p.start(func(o *controller.Options) { o.Probes, o.Metrics = probes, metrics },
		over(wire{seen: func(r *http.Request) error {
			if hidden.Load() && strings.Contains(r.URL.Path, "customresourcedefinitions") {
				return errDead
			}
			if hidden.Load() && writes(r) {
				t.Errorf("not ready, and yet: %s %s", r.Method, r.URL.Path)
			}
			return nil
		}}))
	p.eventually("it is alive and says why it is not ready", func() string {
		if code, body := get(probes, "/healthz"); code != http.StatusOK {
			return body
		}
		code, body := get(probes, "/readyz")
		if code != http.StatusServiceUnavailable || !strings.Contains(body, "reading definition") {
			return fmt.Sprint(code, body)
		}
		return ""
	})
	hidden.Store(false)
	p.eventually("it is ready", func() string {
		if code, body := get(probes, "/readyz"); code != http.StatusOK {
			return body
		}
		return ""
	})
	p.record()
	p.create(shop(`[]`))
	p.becomes("Healthy")
	_, text := get(metrics, "/metrics")
	for _, line := range []string{
		`rollout_info{name="shop",namespace="` + p.namespace + `",phase="Completed",strategy="canary",traffic_router=""} 1`,
		`rollout_info_replicas_available{name="shop",namespace="` + p.namespace + `"} 5`,
		`rollout_events_total{name="shop",namespace="` + p.namespace + `",reason="RolloutCompleted",type="Normal"} 1`,
		`argo_rollouts_controller_info{version="test"} 1`,
		"workqueue_depth", "process_cpu_seconds_total", "rollout_reconcile_bucket",
	} {
		if !strings.Contains(text, line) {
			t.Errorf("/metrics lacks %s", line)
		}
	}
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return listener
}
