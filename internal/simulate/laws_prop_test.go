package simulate

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/decide"
	"sluice.dev/sluice/internal/judge"
)

// dice is a fate drawn by rapid: each fault happens once in so many chances.
type dice struct {
	t      *rapid.T
	odds   int
	off    bool
	faults int // that have happened so far
}

func (d *dice) roll(what string) bool {
	if d.off || rapid.IntRange(1, d.odds).Draw(d.t, what) != 1 {
		return false
	}
	d.faults++
	return true
}

func (d *dice) Crash() bool  { return d.roll("crash") }
func (d *dice) Repeat() bool { return d.roll("repeat") }

// Lose implements Fate.
func (d *dice) Lose(decide.Action) bool { return d.roll("lose") }

// Stale implements Fate.
func (d *dice) Stale() int {
	if !d.roll("stale") {
		return 0
	}
	return rapid.IntRange(1, 3).Draw(d.t, "versions old")
}

// history is a random life of the seed's Rollout. Its Check is the laws.
type history struct {
	w       *World
	fate    *dice
	version int
	stable  string
	// skipped says that a person has skipped something of the present update.
	skipped bool
	aborted *metav1.Time
	broken  string
	turns   int
	// look holds other laws after each turn, those of another strategy.
	look func(before api.RolloutStatus)
	// sized are the runs that have been looked at as they are now.
	sized map[*api.AnalysisRun]bool
}

func (h *history) law(ok bool, format string, args ...any) {
	if !ok && h.broken == "" {
		h.broken = fmt.Sprintf(format, args...)
	}
}

func newHistory(t *testing.T, rt *rapid.T) *history {
	h := &history{w: seed(t), fate: &dice{t: rt, odds: 12}}
	h.w.Quick = rapid.IntRange(0, 3).Draw(rt, "without JSON") > 0
	h.w.Apply(func(ro *api.Rollout) {
		ro.Spec.Strategy.Canary.Analysis = &api.RolloutAnalysisBackground{
			RolloutAnalysis: api.RolloutAnalysis{Templates: []api.AnalysisTemplateRef{{TemplateName: "background"}}},
		}
	})
	h.w.Templates[decide.TemplateKey{Name: "background"}] = api.AnalysisTemplateSpec{Metrics: []api.Metric{{
		Name: "errors", Interval: "5s", SuccessCondition: "result[0] <= 0.004", FailureCondition: "result[0] > 0.008",
		Provider: api.MetricProvider{Prometheus: &api.PrometheusMetric{Query: "errors"}},
	}}}
	metricOf(h.w, "success-rate", func(m *api.Metric) { m.FailureCondition = "result[0] > 0.008" })
	h.w.Fate = h.fate
	h.w.Resized = h.resized
	h.w.Evicted = h.evicted
	return h
}

// limits are those of the rollout as it is now.
func (h *history) limits() (replicas, surge, missing int32) {
	replicas = 1
	if r := h.w.Rollout().Spec.Replicas; r != nil {
		replicas = *r
	}
	return limitsOf(replicas)
}

// limitsOf are the seed's: 25 % surge rounded up, 25 % missing rounded down.
func limitsOf(wanted int32) (replicas, surge, missing int32) {
	return wanted, (wanted + 3) / 4, wanted / 4
}

func (h *history) turn(n int) {
	for range n {
		before := h.w.Rollout().Status
		h.w.Turn()
		h.turns++
		if h.look != nil {
			h.look(before)
			continue
		}
		h.moved(before, h.w.Rollout())
		h.watch()
	}
}

// watch looks at every status that was saved.
func (h *history) watch() {
	s := h.w.Rollout().Status
	if s.StableRS != h.stable {
		if h.stable != "" && !h.skipped && !nobodyServed(s) {
			h.law(h.proved(s.StableRS), "law 6: %s became stable without a successful run of its own", s.StableRS)
		}
		h.stable = s.StableRS
	}
	h.law(s.Phase == "" || s.Phase == api.RolloutPhaseHealthy || s.Message != "", "law 13: %s without a message", s.Phase)
	h.law(s.CurrentStepIndex == nil || (*s.CurrentStepIndex >= 0 && *s.CurrentStepIndex <= 9), "step index %v", s.CurrentStepIndex)
	h.watchAttempt(s)
	h.plan()
	for _, d := range s.Decisions {
		h.law(size(d) <= 1024, "law 12: a decision of %d bytes", size(d))
		for _, e := range d.Evidence {
			h.law(d.Reason != decide.DecidedAbort || strings.Contains(e.Run, d.Revision), "law 7: %s was aborted because of %s", d.Revision, e.Run)
		}
	}
	if h.sized == nil {
		h.sized = map[*api.AnalysisRun]bool{}
	}
	for name, r := range h.w.Runs() {
		if h.sized[r] {
			continue // it is replaced, never edited
		}
		h.sized[r] = true
		h.law(size(r) <= 128<<10, "law 12: run %s has %d bytes", name, size(r))
		if r.Status.Phase != api.AnalysisPhaseSuccessful {
			continue
		}
		for _, m := range r.Status.MetricResults {
			h.law(m.Successful > 0, "law 6: run %s is Successful, metric %s never was", name, m.Name)
		}
	}
}

// nobodyServed says that the new template came while no pods were wanted: there was nothing to measure.
func nobodyServed(s api.RolloutStatus) bool {
	for _, d := range s.Decisions {
		if d.Reason == decide.DecidedSkip && d.Revision == s.StableRS {
			return true
		}
	}
	return false
}

func (h *history) proved(hash string) bool {
	for _, r := range h.w.Runs() {
		if r.Labels[api.LabelPodTemplateHash] == hash && r.Labels[api.LabelRolloutType] == api.RolloutTypeStep &&
			r.Status.Phase == api.AnalysisPhaseSuccessful && !r.Spec.Terminate {
			return true
		}
	}
	for _, ex := range h.w.Experiments() {
		if ex.Labels[api.LabelPodTemplateHash] == hash && ex.Status.Phase == api.AnalysisPhaseSuccessful && !ex.Spec.Terminate {
			return true
		}
	}
	return false
}

func size(v any) int {
	raw, _ := json.Marshal(v)
	return len(raw)
}

func (h *history) Ship(*rapid.T) {
	h.version++
	replicas, _, _ := h.limits()
	h.skipped = replicas == 0
	h.w.Apply(func(ro *api.Rollout) {
		ro.Spec.Template.Spec.Containers[0].Env[0].Value = fmt.Sprint("v", h.version)
	})
	h.turn(2)
}

func (h *history) GoBack(t *rapid.T) {
	back := rapid.IntRange(0, h.version).Draw(t, "version")
	h.skipped = true // an old version may have been proved long ago, its runs deleted since
	h.w.Apply(func(ro *api.Rollout) {
		ro.Spec.Template.Spec.Containers[0].Env[0].Value = fmt.Sprint("v", back)
	})
	h.turn(2)
}

func (h *history) Abort(*rapid.T) {
	h.w.Apply(func(ro *api.Rollout) { ro.Status.Abort = true })
	h.turn(1)
}

func (h *history) Retry(*rapid.T) {
	was := h.w.Rollout().Status
	h.w.Apply(func(ro *api.Rollout) { ro.Status.Abort = false })
	h.turn(1)
	now := h.w.Rollout().Status
	same := now.CurrentPodHash == was.CurrentPodHash && now.CurrentStepHash == was.CurrentStepHash
	if same && was.AbortedAt != nil && now.AbortedAt == nil && was.StableRS != was.CurrentPodHash {
		h.law(now.Attempt == was.Attempt+1, "law 7: a retry is a new attempt: %d after %d", now.Attempt, was.Attempt)
	}
}

func (h *history) Promote(*rapid.T) {
	h.skipped = true
	h.w.Apply(func(ro *api.Rollout) {
		ro.Status.PauseConditions = nil
		if i := ro.Status.CurrentStepIndex; i != nil {
			next := min(*i+1, 9)
			ro.Status.CurrentStepIndex = &next
		}
	})
	h.turn(1)
}

func (h *history) PromoteFull(*rapid.T) {
	h.skipped = true
	h.w.Apply(func(ro *api.Rollout) { ro.Status.PromoteFull = true })
	h.turn(1)
}

func (h *history) Resume(*rapid.T) {
	h.w.Apply(func(ro *api.Rollout) { ro.Status.PauseConditions = nil })
	h.turn(1)
}

func (h *history) Pause(t *rapid.T) {
	h.w.Apply(func(ro *api.Rollout) { ro.Spec.Paused = rapid.Bool().Draw(t, "paused") })
	h.turn(1)
}

func (h *history) Scale(t *rapid.T) {
	n := rapid.Int32Range(0, 12).Draw(t, "replicas")
	h.w.Apply(func(ro *api.Rollout) { ro.Spec.Replicas = &n })
	h.turn(2)
}

func (h *history) EditSteps(t *rapid.T) {
	h.w.Apply(func(ro *api.Rollout) {
		w := rapid.Int32Range(0, 100).Draw(t, "weight")
		ro.Spec.Strategy.Canary.Steps[0].SetWeight = &w
	})
	h.turn(1)
}

// Mistake makes the spec invalid, or valid again.
func (h *history) Mistake(t *rapid.T) {
	h.w.Invalid = nil
	if rapid.Bool().Draw(t, "invalid") {
		h.w.Invalid = func(*api.Rollout) []string { return []string{"spec.strategy.canary.steps[0].setWeight: is 200"} }
	}
	h.turn(2)
}

// Foreign adds a block that is not supported, or takes it away.
func (h *history) Foreign(t *rapid.T) {
	h.w.Unsupported = nil
	if rapid.Bool().Draw(t, "unsupported") {
		h.w.Unsupported = func(*api.Rollout) []string { return []string{"spec.workloadRef: not supported yet"} }
	}
	h.turn(1)
}

func (h *history) Break(t *rapid.T) {
	s := h.w.Rollout().Status
	hash := rapid.SampledFrom([]string{s.StableRS, s.CurrentPodHash}).Draw(t, "revision")
	h.w.Break(hash, rapid.IntRange(1, 4).Draw(t, "pods"))
	h.turn(1)
}

func (h *history) Mend(*rapid.T) {
	h.w.Mend()
	h.turn(1)
}

func (h *history) Answer(t *rapid.T) {
	answers := map[string]judge.Sample{
		"good": number(0.001), "bad": number(0.02), "unsure": number(0.006), "nothing": {Result: []float64{}, Text: "[]"},
		"NaN": {Result: []float64{nan()}, Text: "[NaN]"}, "403": unauthorized(Question{}),
	}
	kind := rapid.SampledFrom([]string{"good", "good", "good", "bad", "unsure", "nothing", "NaN", "403"}).Draw(t, "answer")
	h.w.Answer = func(Question) judge.Sample { return answers[kind] }
}

func (h *history) Job(t *rapid.T) {
	ends := rapid.SampledFrom([]time.Duration{-1, time.Second, 30 * time.Second}).Draw(t, "ends")
	code := rapid.SampledFrom([]int{0, 0, 1}).Draw(t, "exit code")
	h.w.Work = func(Question) (judge.Sample, time.Duration) { return exit(code), ends }
}

func (h *history) Wait(t *rapid.T) {
	for range rapid.IntRange(1, 20).Draw(t, "moments") {
		h.turn(1)
		h.w.Now = h.w.Now.Add(rapid.SampledFrom([]time.Duration{100 * time.Millisecond, time.Second, 7 * time.Second}).Draw(t, "time"))
	}
	h.turn(1)
}

// Calm lets everything heal and come to an end, without faults: the state then depends on what
// people asked for alone, not on what went wrong on the way.
func (h *history) Calm(t *rapid.T) {
	h.fate.off = true
	defer func() { h.fate.off = false }()
	h.w.Mend()
	h.w.Refuse, h.w.past = nil, nil
	invalid := h.w.Invalid != nil || h.w.Unsupported != nil
	if invalid {
		// With a mistake in the spec nothing goes forward, but the way back is open.
		h.law(h.w.Until(h.w.Now.Add(20*time.Minute), h.watch), "law 8: the world never came to rest")
		h.reverted()
		h.w.Invalid, h.w.Unsupported = nil, nil
	}
	h.law(h.w.Until(h.w.Now.Add(20*time.Minute), h.watch), "law 8: the world never came to rest")
	if h.broken != "" {
		return
	}
	before := h.w.Writes()
	h.w.Turn()
	h.law(h.w.Writes() == before, "law 8: %d writes at rest", h.w.Writes()-before)
	h.roles()
	h.settled(t)
}

// reverted is what must hold at rest while the spec is invalid: an abort has come to its end.
func (h *history) reverted() {
	s := h.w.Rollout().Status
	replicas, _, _ := h.limits()
	canary, _ := h.w.Pods(s.CurrentPodHash)
	if _, stable := h.w.Pods(s.StableRS); s.Abort && s.AbortedAt != nil {
		h.law(canary == 0 && stable == replicas, "law 5: with an invalid spec an abort left %d canary and %d of %d stable pods", canary, stable, replicas)
	}
	h.law(h.w.liveJobs() == 0, "%d Jobs outlive their runs", h.w.liveJobs())
}

// settled is what must hold at the end of every story.
func (h *history) settled(*rapid.T) {
	ro := h.w.Rollout()
	s := ro.Status
	replicas, _, _ := h.limits()
	_, stable := h.w.Pods(s.StableRS)
	canary, _ := h.w.Pods(s.CurrentPodHash)
	h.law(h.w.liveJobs() == 0, "%d Jobs outlive their runs", h.w.liveJobs())
	h.restarted()
	switch {
	case replicas == 0 && s.StableRS != s.CurrentPodHash && !s.Abort:
		h.law(s.Phase == api.RolloutPhaseProgressing || s.Phase == api.RolloutPhasePaused, "held without pods, but %s", s.Phase)
	case s.Abort:
		h.law(s.Phase == api.RolloutPhaseDegraded, "aborted, but %s", s.Phase)
		h.law(canary == 0 && stable == replicas, "law 5: after an abort %d canary and %d of %d stable pods", canary, stable, replicas)
	case ro.Spec.Paused:
		h.law(s.Phase == api.RolloutPhasePaused, "spec.paused, but %s", s.Phase)
	case s.StableRS == s.CurrentPodHash:
		h.law(s.Phase == api.RolloutPhaseHealthy, "promoted, but %s %s", s.Phase, s.Message)
		h.law(stable == replicas, "promoted with %d of %d pods", stable, replicas)
	default:
		for _, ref := range refs(s) {
			bad := ref.Status == api.AnalysisPhaseFailed || ref.Status == api.AnalysisPhaseError
			h.law(!bad, "law 5: %s came to %s and the update goes on", ref.Name, ref.Status)
		}
		held := s.Phase == api.RolloutPhasePaused || h.waitsForJob()
		h.law(held, "neither promoted nor stopped nor waiting: %s %s (%s)", s.Phase, s.Message, h.w.Reason().Message)
	}
}

// waitsForJob says whether a Job that never ends holds the update.
func (h *history) waitsForJob() bool {
	_, ends := h.w.Work(Question{})
	for _, r := range h.w.runs {
		for _, j := range r.jobs {
			if j.never && !r.object.Status.Phase.Completed() {
				return true
			}
		}
	}
	return ends < 0
}

func (h *history) Check(t *rapid.T) {
	if h.broken != "" {
		s, _ := json.MarshalIndent(h.w.Rollout().Status, "", "  ")
		t.Fatalf("%s\nafter %d turns, status %s", h.broken, h.turns, s)
	}
}

func nan() float64 {
	zero := 0.0
	return zero / zero
}

func TestLaws(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		h := newHistory(t, rt)
		h.turn(5)
		rt.Repeat(rapid.StateMachineActions(h))
		h.Calm(rt)
		h.Check(rt)
	})
}

// TestMain holds the laws over 200 histories unless the command line asks for another number.
func TestMain(m *testing.M) {
	flag.Parse()
	const given = "100" // what rapid does by itself
	if checks := flag.Lookup("rapid.checks"); checks != nil && checks.Value.String() == given {
		_ = checks.Value.Set("200")
	}
	os.Exit(m.Run())
}
