package simulate

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/util/intstr"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/decide"
	"sluice.dev/sluice/internal/judge"
)

// TestStateStories tells the failure stories of the series E, and those of C that take long.
func TestStateStories(t *testing.T) {
	tell(t, []story{
		{name: "C12 eight metrics are measured on time for a long time", tell: func(t *testing.T, w *World, tr *Transcript) {
			w.Apply(func(ro *api.Rollout) { ro.Spec.Strategy.Canary.Steps[1].Pause.Duration = nil })
			hours := 3
			if *every {
				hours = 72
			}
			taken := everyMinute(w, 8)
			deploy(t, w, tr)
			ship(w, tr, "2")
			pass(t, w, tr, time.Duration(hours)*time.Hour)
			is(t, w, api.RolloutPhasePaused, "CanaryPauseStep")
			for metric, times := range taken {
				if len(times) < 55*hours {
					t.Errorf("%s was measured %d times in %d hours, want every minute", metric, len(times), hours)
				}
				for i := 1; i < len(times); i++ {
					if gap := times[i].Sub(times[i-1]); gap >= 2*time.Minute {
						t.Fatalf("%s: %s between measurements %d and %d", metric, gap, i, i+1)
					}
				}
			}
		}},
		{name: "C13 an error that comes back every second does not let the status grow", tell: func(t *testing.T, w *World, tr *Transcript) {
			key := decide.TemplateKey{Name: "success-rate-with-job"}
			spec := w.Templates[key]
			spec.Metrics = spec.Metrics[1:]
			w.Templates[key] = spec
			metricOf(w, "success-rate", func(m *api.Metric) {
				many := intstr.FromInt32(1_000_000)
				m.Interval, m.ConsecutiveErrorLimit = "1s", &many
			})
			deploy(t, w, tr)
			long := strings.Repeat("unsupported protocol scheme; ", 1000)
			w.Answer = failing(judge.BadConfig, long)
			ship(w, tr, "2")
			most := 0
			for range 15 {
				pass(t, w, tr, time.Minute)
				for _, r := range w.Runs() {
					most = max(most, size(r))
				}
			}
			if most > 64<<10 {
				t.Errorf("a run grew to %d bytes", most)
			}
			at(t, w, 2)
		}},
		{name: "E2 a release that supersedes another under conflicts goes one way", tell: func(t *testing.T, w *World, tr *Transcript) {
			w.Apply(func(ro *api.Rollout) {
				n, minute := int32(10), intstr.FromString("1m")
				ro.Spec.Replicas, ro.Spec.Strategy.Canary.Steps[6].Pause.Duration = &n, &minute
			})
			deploy(t, w, tr)
			ship(w, tr, "2")
			pass(t, w, tr, time.Minute)
			at(t, w, 6)
			second := "rollouts-demo-" + w.Rollout().Status.CurrentPodHash
			w.Fate = &trouble{}
			w.Resized = func(r Resize) {
				if r.Name == second && r.To > r.From {
					t.Errorf("version 2 grows from %d to %d although version 3 supersedes it", r.From, r.To)
				}
			}
			ship(w, tr, "3")
			for range 60 { // who crashed is started again
				w.Turn()
				tr.Note()
				w.Now = w.Now.Add(time.Second)
			}
			w.Fate = nil
			pass(t, w, tr, 5*time.Minute)
			is(t, w, api.RolloutPhaseHealthy, "")
			serves(t, w, 0, 10)
		}},
		{name: "E11 no replicas are promoted at once, pauses or not", tell: func(t *testing.T, w *World, tr *Transcript) {
			w.Apply(func(ro *api.Rollout) { ro.Spec.Strategy.Canary.Steps[1].Pause.Duration = nil })
			deploy(t, w, tr)
			does(t, w, tr, "scale to 0", scale(0))
			pass(t, w, tr, 10*time.Second)
			ship(w, tr, "2")
			pass(t, w, tr, 10*time.Second)
			is(t, w, api.RolloutPhaseHealthy, "")
			if wanted, _ := w.Totals(); wanted != 0 || w.Rollout().Status.StableRS != w.born[1] {
				t.Errorf("%d pods, stable %s, want none of version 2", wanted, w.Rollout().Status.StableRS)
			}
			does(t, w, tr, "scale to 5", scale(5))
			pass(t, w, tr, 10*time.Second)
			is(t, w, api.RolloutPhaseHealthy, "")
			serves(t, w, 0, 5)
		}},
	})
}

// everyMinute adds a background analysis of n metrics, and returns when each was measured.
func everyMinute(w *World, n int) map[string][]time.Time {
	var spec api.AnalysisTemplateSpec
	for i := range n {
		spec.Metrics = append(spec.Metrics, api.Metric{
			Name: fmt.Sprintf("m%d", i), Interval: "1m", SuccessCondition: "result[0] < 1",
			Provider: api.MetricProvider{Prometheus: &api.PrometheusMetric{Query: "errors"}},
		})
	}
	w.Templates[decide.TemplateKey{Name: "minutes"}] = spec
	w.Apply(func(ro *api.Rollout) {
		ro.Spec.Strategy.Canary.Analysis = &api.RolloutAnalysisBackground{RolloutAnalysis: api.RolloutAnalysis{
			Templates: []api.AnalysisTemplateRef{{TemplateName: "minutes"}},
		}}
	})
	taken := map[string][]time.Time{}
	w.Answer = func(q Question) judge.Sample {
		taken[q.Metric] = append(taken[q.Metric], w.Now)
		if q.N%10 == 0 { // an error now and then must not set the others back
			return failing(judge.Unreachable, "no answer from the server")(q)
		}
		return number(0.001)
	}
	return taken
}

// trouble is a fate that goes round: every third write crashes the controller, every fourth look is old,
// every fifth action is lost, every seventh comes twice.
type trouble struct{ writes, looks, actions int }

// Crash implements Fate.
func (f *trouble) Crash() bool { f.writes++; return f.writes%3 == 0 }

// Lose implements Fate.
func (f *trouble) Lose(decide.Action) bool { f.actions++; return f.actions%5 == 0 }

// Repeat implements Fate.
func (f *trouble) Repeat() bool { return f.actions%7 == 0 }

// Stale implements Fate.
func (f *trouble) Stale() int {
	f.looks++
	if f.looks%4 == 0 {
		return 2
	}
	return 0
}
