package simulate

import (
	"testing"
	"time"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/decide"
	"sluice.dev/sluice/internal/judge"
)

// blueGreen is a world whose Rollout switches Service live, and shows the new revision behind Service next.
func blueGreen(replicas int32, changes ...func(*api.BlueGreenStrategy)) func(testing.TB) *World {
	return func(t testing.TB) *World {
		w := seed(t)
		w.CreateService("live")
		w.CreateService("next")
		w.Apply(func(ro *api.Rollout) {
			ro.Spec.Replicas = &replicas
			ro.Spec.Strategy = api.RolloutStrategy{BlueGreen: &api.BlueGreenStrategy{ActiveService: "live", PreviewService: "next"}}
		})
		for _, name := range []string{"before", "after"} {
			w.Templates[decide.TemplateKey{Name: name}] = api.AnalysisTemplateSpec{Metrics: []api.Metric{{
				Name: "load-test", Provider: api.MetricProvider{Job: &api.JobMetric{}},
			}}}
		}
		blueGreenOf(w, changes...)
		return w
	}
}

func blueGreenOf(w *World, changes ...func(*api.BlueGreenStrategy)) {
	for _, change := range changes {
		w.Apply(func(ro *api.Rollout) { change(ro.Spec.Strategy.BlueGreen) })
	}
}

func measured(template string) *api.RolloutAnalysis {
	return &api.RolloutAnalysis{Templates: []api.AnalysisTemplateRef{{TemplateName: template}}}
}

func measuredBefore(b *api.BlueGreenStrategy) { b.PrePromotionAnalysis = measured("before") }
func measuredAfter(b *api.BlueGreenStrategy)  { b.PostPromotionAnalysis = measured("after") }

func byHand(b *api.BlueGreenStrategy) {
	no := false
	b.AutoPromotionEnabled = &no
}

func pausedFor(seconds int32) func(*api.BlueGreenStrategy) {
	return func(b *api.BlueGreenStrategy) { b.AutoPromotionSeconds = seconds }
}

func previewOf(pods int32) func(*api.BlueGreenStrategy) {
	return func(b *api.BlueGreenStrategy) { b.PreviewReplicaCount = &pods }
}

func keptFor(seconds int32) func(*api.BlueGreenStrategy) {
	return func(b *api.BlueGreenStrategy) { b.ScaleDownDelaySeconds = &seconds }
}

func rejectedFor(seconds int32) func(*api.BlueGreenStrategy) {
	return func(b *api.BlueGreenStrategy) { b.AbortScaleDownDelaySeconds = &seconds }
}

// comesTo makes every load test end like this.
func comesTo(w *World, sample judge.Sample, after time.Duration) {
	w.Work = func(Question) (judge.Sample, time.Duration) { return sample, after }
}

func tooShort() judge.Sample {
	return judge.Sample{Forced: api.AnalysisPhaseInconclusive, Message: "The load test was too short to tell."}
}

// exposure is the fewest pods that answered for Service live at any change since, once it named a revision,
// and whether it was pointed to a revision that was not complete.
type exposure struct {
	fewest int32
	early  []Repoint
}

func exposes(w *World) *exposure {
	e := &exposure{fewest: w.Serving("live")}
	look := func() {
		if s, _ := w.Service("live"); s.Hash != "" {
			e.fewest = min(e.fewest, w.Serving("live"))
		}
	}
	w.Resized = func(Resize) { look() }
	w.Repointed = func(r Repoint) {
		if r.Service == "live" && r.After < r.Replicas {
			e.early = append(e.early, r)
		}
		look()
	}
	return e
}

// unexposed checks that at least so many pods answered all the time, and that Service live was pointed to
// complete revisions only.
func unexposed(t *testing.T, e *exposure, fewest int32) {
	t.Helper()
	if e.fewest < fewest {
		t.Errorf("only %d pods answered for Service live at one moment, want at least %d", e.fewest, fewest)
	}
	if len(e.early) > 0 {
		t.Errorf("Service live was pointed too early: %+v", e.early)
	}
}

// leads checks which revisions the Services name, by the order in which they came: 0 is the first.
func leads(t *testing.T, w *World, active, preview int) {
	t.Helper()
	names(t, w, "live", w.born[active])
	names(t, w, "next", w.born[preview])
}

// wants checks how many pods a revision wants.
func wants(t *testing.T, w *World, revision int, pods int32) {
	t.Helper()
	if wanted, _ := w.Pods(w.born[revision]); wanted != pods {
		t.Errorf("revision %d wants %d pods, not %d", revision+1, wanted, pods)
	}
}
