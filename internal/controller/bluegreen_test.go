package controller_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/types"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/controller"
	"sluice.dev/sluice/internal/judge"
	"sluice.dev/sluice/internal/metric"
)

// twoColoured is the shop as a blue-green Rollout with both Services; more is what else the strategy says.
func twoColoured(more string) string {
	return strings.Replace(shop("[]"), "canary:\n      steps: []", "blueGreen:\n      activeService: active\n      previewService: preview\n      "+more, 1)
}

// measuredTwice asks something before and something after the switch.
const measuredTwice = `prePromotionAnalysis: {templates: [{templateName: before}]}
      postPromotionAnalysis: {templates: [{templateName: after}]}
      `

// questions are the templates of measuredTwice; each names its query.
func questions() []string {
	template := func(name string) string {
		return strings.NewReplacer("name: limit", "name: "+name, "query: up", "query: "+name).Replace(limit(oneReading, "[]"))
	}
	return []string{template("before"), template("after")}
}

// answers is a metric server with an answer for each query; what it does not know is 0.
type answers struct {
	mu    sync.Mutex
	known map[string]float64
}

func (a *answers) set(query string, value float64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.known == nil {
		a.known = map[string]float64{}
	}
	a.known[query] = value
}

// Query implements metric.Reader.
func (a *answers) Query(_ context.Context, q metric.Query) (judge.Sample, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	value := a.known[q.Spec.Prometheus.Query]
	return judge.Sample{Result: []float64{value}, Text: fmt.Sprintf("[%v]", value)}, nil
}

func (a *answers) given(o *controller.Options) {
	o.Providers = metric.Registry{Readers: map[string]metric.Reader{"prometheus": a}}
}

// twoServices creates the Services and the rollout, and waits until its first version serves.
func (p *place) twoServices(more string, others ...string) (first string) {
	p.Helper()
	p.create(append(others, plainService("active"), plainService("preview"), twoColoured(more))...)
	first = p.becomes("Healthy").Status.StableRS
	p.points("active", pointing{first, "shop"})
	p.points("preview", pointing{first, "shop"})
	return first
}

// served checks which revisions the active Service led to, and that all pods always answered for it.
func (p *place) served(ways *entrances, revisions ...string) {
	p.Helper()
	if diff := cmp.Diff(append([]string{""}, revisions...), ways.of("active")); diff != "" {
		p.Errorf("the active Service led to (-want +got):\n%s", diff)
	}
	if n := ways.fewest("active"); n < 5 {
		p.Errorf("%d pods answered for the active Service at one time, want all 5 always", n)
	}
}

func TestABlueGreenUpdateSwitchesWhenAllNewPodsServe(t *testing.T) {
	p := newPlace(t)
	sizes, ways := p.record(), p.entrances()
	p.start()
	first := p.twoServices("scaleDownDelaySeconds: 5")

	p.patch("shop", image("shop:2"), false)
	end := p.becomes("Healthy")
	second := end.Status.StableRS
	if second == first || end.Status.BlueGreen.ActiveSelector != second || end.Status.BlueGreen.PreviewSelector != second {
		t.Errorf("stable is %s, was %s, and the Services lead to %+v", second, first, end.Status.BlueGreen)
	}
	if diff := cmp.Diff(map[string]int32{first: 5, second: 5}, p.sizes()); diff != "" {
		t.Errorf("sizes after the switch (-want +got):\n%s", diff)
	}
	p.eventually("the old version has a time to end", func() string {
		if p.set(first).Annotations[api.AnnotationScaleDownDeadline] == "" {
			return "it has none"
		}
		return ""
	})
	p.eventually("the old version ends", func() string {
		return cmp.Diff(map[string]int32{first: 0, second: 5}, p.sizes())
	})
	p.eventually("and its time is forgotten", func() string { return p.set(first).Annotations[api.AnnotationScaleDownDeadline] })
	p.served(ways, first, second)
	if diff := cmp.Diff([]int32{0, 5}, sizes.of(second)); diff != "" {
		t.Errorf("sizes of the new version (-want +got):\n%s", diff)
	}
	p.eventually("people are told", func() string { return p.missingEvents("SwitchService", "RolloutCompleted") })
}

// set is a revision's ReplicaSet.
func (p *place) set(hash string) *appsv1.ReplicaSet {
	p.Helper()
	rs := &appsv1.ReplicaSet{}
	if err := p.client.Get(p.Context(), types.NamespacedName{Namespace: p.namespace, Name: "shop-" + hash}, rs); err != nil {
		p.Fatal(err)
	}
	return rs
}

func TestABlueGreenUpdateIsMeasuredBeforeAndAfterTheSwitch(t *testing.T) {
	p := newPlace(t)
	p.record()
	ways, a := p.entrances(), &answers{}
	p.start(a.given)
	first := p.twoServices(measuredTwice+"scaleDownDelaySeconds: 1", questions()...)
	if n := len(p.runsOf(api.RolloutTypePrePromotion, first)) + len(p.runsOf(api.RolloutTypePostPromotion, first)); n > 0 {
		t.Errorf("the first version was measured %d times", n)
	}

	p.patch("shop", image("shop:2"), false)
	second := p.becomes("Healthy").Status.StableRS
	passed := []api.AnalysisPhase{api.AnalysisPhaseSuccessful}
	if diff := cmp.Diff(passed, p.runsOf(api.RolloutTypePrePromotion, second)); diff != "" {
		t.Errorf("runs before the switch (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(passed, p.runsOf(api.RolloutTypePostPromotion, second)); diff != "" {
		t.Errorf("runs after the switch (-want +got):\n%s", diff)
	}
	p.served(ways, first, second)
}

func TestAFailedAnalysisBeforeTheSwitchSwitchesNothing(t *testing.T) {
	p := newPlace(t)
	p.record()
	ways, a := p.entrances(), &answers{}
	p.start(a.given)
	first := p.twoServices(measuredTwice+"abortScaleDownDelaySeconds: 1", questions()...)
	a.set("before", 0.0123)
	p.patch("shop", image("shop:2"), false)
	r := p.becomes("Degraded RolloutAborted")
	if !strings.Contains(r.Status.Message, "0.0123") {
		t.Errorf("the message does not name the value: %q", r.Status.Message)
	}
	second := r.Status.CurrentPodHash
	p.eventually("the new version ends", func() string {
		return cmp.Diff(map[string]int32{first: 5, second: 0}, p.sizes())
	})
	p.served(ways, first)
	if runs := p.runsOf(api.RolloutTypePostPromotion, second); len(runs) > 0 {
		t.Errorf("it was measured after a switch that never was: %v", runs)
	}
}

func TestAFailedAnalysisAfterTheSwitchSwitchesBack(t *testing.T) {
	p := newPlace(t)
	p.record()
	ways, a := p.entrances(), &answers{}
	p.start(a.given)
	first := p.twoServices(measuredTwice+"abortScaleDownDelaySeconds: 1", questions()...)
	a.set("after", 0.0123)
	p.patch("shop", image("shop:2"), false)
	r := p.becomes("Degraded RolloutAborted")
	second := r.Status.CurrentPodHash
	p.points("active", pointing{first, "shop"})
	p.eventually("the new version ends", func() string {
		return cmp.Diff(map[string]int32{first: 5, second: 0}, p.sizes())
	})
	p.served(ways, first, second, first)
	if r := p.rollout("shop"); r.Status.StableRS != first || r.Status.BlueGreen.ActiveSelector != first {
		t.Errorf("stable is %s and the active Service leads to %s, want %s", r.Status.StableRS, r.Status.BlueGreen.ActiveSelector, first)
	}
}

// The new pods crash right after the switch, the usual reason for an abort: it switches back all the same.
func TestAnAbortSwitchesBackFromPodsThatCrashed(t *testing.T) {
	p := newPlace(t)
	var mu sync.Mutex
	broken := ""
	k := &kubelet{available: func(rs *appsv1.ReplicaSet) int32 {
		mu.Lock()
		defer mu.Unlock()
		if rs.Labels[api.LabelPodTemplateHash] == broken {
			return 0
		}
		return *rs.Spec.Replicas
	}}
	p.kubelet(k)
	ways := p.entrances()
	a := &answers{}
	p.start(a.given)
	// A measurement that goes on for long keeps the update open after the switch.
	patient := strings.Replace(questions()[1], "count: 1", "count: 100, interval: 1s", 1)
	first := p.twoServices("postPromotionAnalysis: {templates: [{templateName: after}]}", patient)
	p.patch("shop", image("shop:2"), false)
	p.eventually("the switch", func() string {
		if got := p.pointing("active").Hash; got == first {
			return "it leads to " + got
		}
		return ""
	})
	second := p.pointing("active").Hash
	mu.Lock()
	broken = second
	mu.Unlock()
	rs := p.set(second)
	k.settle(t.Context(), p.client, rs)
	p.patch("shop", `{"status":{"abort":true}}`, true)
	p.points("active", pointing{first, "shop"})
	p.becomes("Degraded RolloutAborted")
	if diff := cmp.Diff([]string{"", first, second, first}, ways.of("active")); diff != "" {
		t.Errorf("the active Service led to (-want +got):\n%s", diff)
	}
	if got := p.sizes()[first]; got != 5 {
		t.Errorf("the stable version has %d pods, want 5", got)
	}
}

func TestAPreviewOfOnePodGrowsWhenSomebodyPromotes(t *testing.T) {
	p := newPlace(t)
	sizes, ways := p.record(), p.entrances()
	p.start()
	first := p.twoServices("previewReplicaCount: 1\n      autoPromotionEnabled: false\n      scaleDownDelaySeconds: 0")
	p.patch("shop", image("shop:2"), false)
	r := p.becomes("Paused BlueGreenPause")
	second := r.Status.CurrentPodHash
	p.points("preview", pointing{second, "shop"})
	p.points("active", pointing{first, "shop"})
	if diff := cmp.Diff(map[string]int32{first: 5, second: 1}, p.sizes()); diff != "" {
		t.Errorf("sizes at the pause (-want +got):\n%s", diff)
	}
	time.Sleep(time.Second) // nothing may happen
	if r := p.rollout("shop"); r.Status.StableRS != first || r.Status.Phase != api.RolloutPhasePaused {
		t.Errorf("it went on by itself: %s, stable %s", phase(r), r.Status.StableRS)
	}
	p.patch("shop", `{"status":{"pauseConditions":null}}`, true)
	p.becomes("Healthy")
	p.eventually("the old version ends at once", func() string {
		return cmp.Diff(map[string]int32{first: 0, second: 5}, p.sizes())
	})
	p.served(ways, first, second)
	if diff := cmp.Diff([]int32{0, 1, 5}, sizes.of(second)); diff != "" {
		t.Errorf("sizes of the new version (-want +got):\n%s", diff)
	}
}

func TestAnAbortBeforeTheSwitchKeepsThePreview(t *testing.T) {
	p := newPlace(t)
	p.record()
	ways := p.entrances()
	p.start()
	first := p.twoServices("autoPromotionEnabled: false\n      abortScaleDownDelaySeconds: 0")
	p.patch("shop", image("shop:2"), false)
	second := p.becomes("Paused BlueGreenPause").Status.CurrentPodHash
	p.patch("shop", `{"status":{"abort":true}}`, true)
	p.becomes("Degraded RolloutAborted")
	time.Sleep(time.Second) // abortScaleDownDelaySeconds: 0 keeps the pods
	if diff := cmp.Diff(map[string]int32{first: 5, second: 5}, p.sizes()); diff != "" {
		t.Errorf("sizes after the abort (-want +got):\n%s", diff)
	}
	p.points("preview", pointing{second, "shop"})
	p.served(ways, first)

	p.patch("shop", `{"status":{"abort":false}}`, true) // retry
	p.becomes("Paused BlueGreenPause")
	p.patch("shop", `{"status":{"pauseConditions":null}}`, true)
	p.becomes("Healthy")
	p.served(ways, first, second)
}

// Going back to a version whose pods are still there needs neither a pause nor a measurement.
func TestGoingBackWithinTheDelayIsFast(t *testing.T) {
	p := newPlace(t)
	sizes, ways, a := p.record(), p.entrances(), &answers{}
	p.start(a.given)
	first := p.twoServices(measuredTwice+"autoPromotionEnabled: false", questions()...)
	p.patch("shop", image("shop:2"), false)
	p.becomes("Paused BlueGreenPause")
	p.patch("shop", `{"status":{"pauseConditions":null}}`, true)
	second := p.becomes("Healthy").Status.StableRS

	a.set("before", 1) // it would fail
	p.patch("shop", image("shop:1"), false)
	p.points("active", pointing{first, "shop"})
	if r := p.becomes("Healthy"); r.Status.StableRS != first {
		t.Errorf("stable is %s, want %s", r.Status.StableRS, first)
	}
	p.served(ways, first, second, first)
	if diff := cmp.Diff([]int32{0, 5}, sizes.of(first)); diff != "" {
		t.Errorf("sizes of the version it went back to (-want +got):\n%s", diff)
	}
	if n := len(p.runsOf(api.RolloutTypePrePromotion, first)); n > 0 {
		t.Errorf("it was measured %d times", n)
	}
}

// An autoscaler is shown the pods that serve: those behind the active Service.
func TestAnAutoscalerSeesThePodsOfTheActiveRevision(t *testing.T) {
	p := newPlace(t)
	p.node()
	p.start()
	first := p.twoServices("autoPromotionEnabled: false")
	p.patch("shop", image("shop:2"), false)
	second := p.becomes("Paused BlueGreenPause").Status.CurrentPodHash
	for _, size := range []int32{5, 8, 3} {
		p.scaleTo(size)
		p.eventually(fmt.Sprintf("both have %d pods", size), func() string {
			return cmp.Diff(map[string]int32{first: size, second: size}, p.sizes())
		})
		p.eventually("the autoscaler sees those of one", func() string {
			now := p.scale()
			want := "app=shop," + api.LabelPodTemplateHash + "=" + first
			if now.Status.Selector != want || now.Status.Replicas != size || p.selected() != size {
				return fmt.Sprintf("by %q it is told of %d and finds %d", now.Status.Selector, now.Status.Replicas, p.selected())
			}
			return ""
		})
	}
	p.patch("shop", `{"status":{"pauseConditions":null}}`, true)
	p.becomes("Healthy")
	p.eventually("it follows the switch", func() string {
		return cmp.Diff("app=shop,"+api.LabelPodTemplateHash+"="+second, p.scale().Status.Selector)
	})
}
