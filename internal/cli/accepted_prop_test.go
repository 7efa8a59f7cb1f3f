package cli

import (
	"encoding/json"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"pgregory.net/rapid"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/simulate"
	"sluice.dev/sluice/internal/validate"
)

// maker draws specs that mostly make sense.
type maker struct{ *rapid.T }

func (m maker) maybe(what string) bool { return rapid.IntRange(0, 2).Draw(m.T, what) == 2 }

func (m maker) one(what string, of ...int32) int32 { return rapid.SampledFrom(of).Draw(m.T, what) }

func (m maker) given(what string, of ...int32) *int32 {
	if !m.maybe(what + " is given") {
		return nil
	}
	value := m.one(what, of...)
	return &value
}

func (m maker) share(what string) *intstr.IntOrString {
	if !m.maybe(what + " is given") {
		return nil
	}
	value := rapid.SampledFrom([]intstr.IntOrString{intstr.FromInt32(0), intstr.FromInt32(1), intstr.FromInt32(9), intstr.FromString("0%"), intstr.FromString("34%"), intstr.FromString("100%"), intstr.FromString("25")}).Draw(m.T, what)
	return &value
}

func (m maker) rollout() *api.Rollout {
	ro := &api.Rollout{TypeMeta: metav1.TypeMeta{APIVersion: api.SchemeGroupVersion.String(), Kind: api.KindRollout}, ObjectMeta: metav1.ObjectMeta{Name: "shop", Namespace: "demo"}}
	ro.Spec = api.RolloutSpec{
		Replicas: m.given("replicas", 0, 1, 2, 3, 10), Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "shop"}},
		MinReadySeconds: m.one("minReadySeconds", 0, 0, 5), RevisionHistoryLimit: m.given("revisionHistoryLimit", 0, 1, 10),
		ProgressDeadlineSeconds: m.given("progressDeadlineSeconds", 6, 30, 600), ProgressDeadlineAbort: m.maybe("progressDeadlineAbort"),
		Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": "shop"}}, Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "shop", Image: "shop:2"}}}},
	}
	if m.maybe("rollbackWindow") {
		ro.Spec.RollbackWindow = &api.RollbackWindowSpec{Revisions: m.one("revisions", 0, 1, 3)}
	}
	if m.maybe("blueGreen") {
		ro.Spec.Strategy.BlueGreen = m.blueGreen()
	} else {
		ro.Spec.Strategy.Canary = m.canary()
	}
	return ro
}

func (m maker) analysis(what string) *api.RolloutAnalysis {
	if !m.maybe(what) {
		return nil
	}
	return &api.RolloutAnalysis{Templates: []api.AnalysisTemplateRef{{TemplateName: "t"}}}
}

func (m maker) blueGreen() *api.BlueGreenStrategy {
	automatic := m.maybe("autoPromotionEnabled")
	return &api.BlueGreenStrategy{
		ActiveService: "active", PreviewService: rapid.SampledFrom([]string{"", "preview"}).Draw(m.T, "previewService"),
		PreviewReplicaCount: m.given("previewReplicaCount", 0, 1, 20), AutoPromotionEnabled: &automatic, AutoPromotionSeconds: m.one("autoPromotionSeconds", -1, 0, 30),
		MaxUnavailable: m.share("maxUnavailable"), ScaleDownDelaySeconds: m.given("scaleDownDelaySeconds", -1, 0, 30, 4000),
		ScaleDownDelayRevisionLimit: m.given("scaleDownDelayRevisionLimit", -1, 0, 1), AbortScaleDownDelaySeconds: m.given("abortScaleDownDelaySeconds", -1, 0, 30),
		PrePromotionAnalysis: m.analysis("prePromotionAnalysis"), PostPromotionAnalysis: m.analysis("postPromotionAnalysis"),
	}
}

func (m maker) canary() *api.CanaryStrategy {
	c := &api.CanaryStrategy{
		MaxSurge: m.share("maxSurge"), MaxUnavailable: m.share("maxUnavailable"),
		AbortScaleDownDelaySeconds: m.given("abortScaleDownDelaySeconds", -1, 0, 30), ScaleDownDelayRevisionLimit: m.given("scaleDownDelayRevisionLimit", -1, 0, 1),
		MinPodsPerReplicaSet: m.given("minPodsPerReplicaSet", -1, 0, 2, 20),
	}
	if m.maybe("two Services") {
		c.CanaryService, c.StableService = "canary", "stable"
	}
	if a := m.analysis("background"); a != nil {
		c.Analysis = &api.RolloutAnalysisBackground{RolloutAnalysis: *a, StartingStep: m.given("startingStep", 0, 1, 9)}
	}
	if m.maybe("threshold") {
		c.ReplicaProgressThreshold = &api.ReplicaProgressThreshold{Type: rapid.SampledFrom([]api.ProgressThresholdType{"", "Percent", "Pods", "x"}).Draw(m.T, "type"), Value: m.one("value", -1, 0, 1, 50, 200)}
	}
	if m.maybe("router") {
		m.routed(c)
	}
	for range m.one("steps", 0, 1, 3, 5) {
		c.Steps = append(c.Steps, m.step(c.TrafficRouting != nil))
	}
	return c
}

func (m maker) routed(c *api.CanaryStrategy) {
	c.TrafficRouting = &api.RolloutTrafficRouting{
		Plugins: map[string]json.RawMessage{"a/b": json.RawMessage("{}")}, MaxTrafficWeight: m.given("maxTrafficWeight", 100, 1000, 100000000),
		ManagedRoutes: []api.ManagedRoutes{{Name: "r"}},
	}
	if c.DynamicStableScale = m.maybe("dynamicStableScale"); !c.DynamicStableScale {
		c.ScaleDownDelaySeconds = m.given("scaleDownDelaySeconds", -1, 0, 30, 4000)
	}
	if m.maybe("pingPong") {
		c.PingPong = &api.PingPongSpec{PingService: "ping", PongService: "pong"}
	}
}

func (m maker) step(router bool) api.CanaryStep {
	kinds := []string{"weight", "weight", "pause", "analysis"}
	if router {
		kinds = append(kinds, "scale", "header", "mirror")
	}
	var step api.CanaryStep
	switch rapid.SampledFrom(kinds).Draw(m.T, "kind") {
	case "weight":
		weight := m.one("setWeight", 0, 1, 5, 50, 99, 100)
		step.SetWeight = &weight
	case "pause":
		step.Pause = &api.RolloutPause{}
		if m.maybe("duration") {
			length := intstr.FromInt32(m.one("seconds", 0, 1, 30))
			step.Pause.Duration = &length
		}
	case "analysis":
		step.Analysis = &api.RolloutAnalysis{Templates: []api.AnalysisTemplateRef{{TemplateName: "t"}}}
	case "scale":
		step.SetCanaryScale = &api.SetCanaryScale{Weight: m.given("scale weight", 0, 10, 300), Replicas: m.given("scale replicas", 0, 1, 40), MatchTrafficWeight: m.maybe("match")}
	case "header":
		step.SetHeaderRoute = &api.SetHeaderRoute{Name: "r"}
		if m.maybe("match") {
			step.SetHeaderRoute.Match = []api.HeaderRoutingMatch{{HeaderName: "h", HeaderValue: &api.StringMatch{Exact: "e"}}}
		}
	case "mirror":
		step.SetMirrorRoute = &api.SetMirrorRoute{Name: "r", Percentage: m.given("percentage", 0, 100)}
		if m.maybe("match") {
			step.SetMirrorRoute.Match = []api.RouteMatch{{Method: &api.StringMatch{Exact: "GET"}}}
		}
	}
	return step
}

// TestWhatValidationAcceptsCanBeDecided: a whole update of a spec that has no mistake ends, or comes to rest,
// and nothing panics on the way. What a cluster cannot carry out yet is decided all the same.
func TestWhatValidationAcceptsCanBeDecided(t *testing.T) {
	accepted := 0
	templates := map[simulate.TemplateKey]api.AnalysisTemplateSpec{{Name: "t"}: {Metrics: []api.Metric{{Name: "m", SuccessCondition: "result == 1", Provider: api.MetricProvider{Web: &api.WebMetric{URL: "http://a"}}}}}}
	rapid.Check(t, func(rt *rapid.T) {
		ro := maker{rt}.rollout()
		if len(validate.Rollout(ro).WithRouters().Of(validate.Invalid)) > 0 {
			return
		}
		setup := simulate.Setup{Rollout: ro, Templates: templates}
		if len(setup.Check()) > 0 {
			return
		}
		accepted++
		if _, err := simulate.Simulate(setup); err != nil {
			text, _ := json.Marshal(ro.Spec)
			rt.Fatalf("%v\n%s", err, text)
		}
	})
	if t.Logf("%d were accepted", accepted); accepted == 0 {
		t.Error("nothing was accepted: does the generator still know the API?")
	}
}
