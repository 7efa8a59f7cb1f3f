package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/test/stage"
)

// longest is how long one version may take before the demo gives up.
const longest = 5 * time.Minute

// teller prints the story as it happens.
type teller struct {
	out     io.Writer
	started time.Time
	stage   *stage.Stage
	last    string
	told    map[string]bool
}

func (t *teller) clock() string {
	d := time.Since(t.started).Round(time.Second)
	return fmt.Sprintf("%02d:%02d", int(d.Minutes()), int(d.Seconds())%60)
}

func (t *teller) chapter(title string) {
	fmt.Fprintf(t.out, "\n%s  ── %s\n", t.clock(), title)
}

func (t *teller) line(format string, args ...any) {
	fmt.Fprintf(t.out, "%s     %s\n", t.clock(), fmt.Sprintf(format, args...))
}

// follow prints every change of the Rollout and its runs until done.
func (t *teller) follow(ctx context.Context, done func(*api.Rollout) bool) (*api.Rollout, error) {
	t.last, t.told = "", map[string]bool{}
	return t.stage.Until(ctx, longest, "the update to end", func(ro *api.Rollout) bool {
		t.rollout(ro)
		t.runs(ctx, ro)
		return done(ro)
	})
}

// rollout prints where the update is, when that changed.
func (t *teller) rollout(ro *api.Rollout) {
	s := ro.Status
	canary := s.UpdatedReplicas
	if s.StableRS == s.CurrentPodHash {
		canary = 0
	}
	steps := len(ro.Spec.Strategy.Canary.Steps)
	step := "all steps done"
	if i := s.CurrentStepIndex; i != nil && int(*i) < steps {
		step = fmt.Sprintf("step %d/%d %s", *i+1, steps, name(ro.Spec.Strategy.Canary.Steps[*i]))
	}
	now := fmt.Sprintf("%-11s %-22s %d canary, %d stable pods; %d available", s.Phase, step, canary, s.Replicas-canary, s.AvailableReplicas)
	if s.Phase == api.RolloutPhaseDegraded {
		now += "\n           " + s.Message
	}
	if now != t.last {
		t.line("%s", now)
		t.last = now
	}
}

func name(step api.CanaryStep) string {
	switch {
	case step.SetWeight != nil:
		return fmt.Sprintf("setWeight %d", *step.SetWeight)
	case step.Pause != nil:
		return "pause"
	case step.Analysis != nil:
		return "analysis"
	}
	return ""
}

// runs prints every measurement once, when it is finished.
func (t *teller) runs(ctx context.Context, ro *api.Rollout) {
	runs, err := t.stage.Runs(ctx, ro.Status.CurrentPodHash)
	if err != nil {
		return
	}
	for _, r := range runs {
		for _, metric := range r.Status.MetricResults {
			for i, m := range metric.Measurements {
				key := fmt.Sprint(r.Name, metric.Name, i)
				if m.FinishedAt == nil || t.told[key] {
					continue
				}
				t.told[key] = true
				t.line("  α %-18s %s", metric.Name, measurement(m)+compared(m))
			}
		}
	}
}

func measurement(m api.Measurement) string {
	text := string(m.Phase)
	if m.Value != "" {
		text += ": " + m.Value
	}
	if numbers := values(api.MetricResult{Measurements: []api.Measurement{m}}); len(numbers) > 0 {
		text += fmt.Sprintf(" CPU cores, %.0f %% of the limit %g", 100*numbers[0]/limit, limit)
	}
	if m.Phase != api.AnalysisPhaseSuccessful && m.Message != "" {
		text += "\n             " + m.Message
	}
	return text
}

// compared tells the p95 of both sides of a load test.
func compared(m api.Measurement) string {
	canary, stable := percentiles(api.MetricResult{Measurements: []api.Measurement{m}})
	if stable == 0 {
		return ""
	}
	return fmt.Sprintf("\n             p95 under the same load: canary %.1f ms, stable %.1f ms, %.1f times as long", canary, stable, canary/stable)
}

// summary tells how it ended, with the margins.
func (t *teller) summary(o outcome) {
	t.chapter("Summary")
	t.version("good version", o.good)
	t.version("bad version", o.bad)
	t.version("slow version", o.slow)
	if o.signed != "" {
		t.line("AMP stand-in    %s", o.signed)
	}
}

func (t *teller) version(what string, v versionEnd) {
	if !v.shipped {
		t.line("%-15s was not shipped", what)
		return
	}
	verdict := "PROMOTED"
	if v.phase != api.RolloutPhaseHealthy {
		verdict = "ROLLED BACK"
	}
	t.line("%-15s %s after %s", what, verdict, v.took.Round(time.Second))
	if len(v.values) > 0 {
		highest := slices.Max(v.values)
		t.line("%-15s highest CPU under load %.4f cores = %.0f %% of the limit %g", "", highest, 100*highest/limit, limit)
	}
	if v.stable > 0 {
		t.line("%-15s p95 under the same load: canary %.1f ms, stable %.1f ms", "", v.canary, v.stable)
	}
}

// lookAround says what to try next.
func (t *teller) lookAround() {
	fmt.Fprint(t.out, "\n"+strings.TrimLeft(fmt.Sprintf(`
The cluster is still up. Look around:

  export KUBECONFIG=%s
  bin/sluice get rollout rollouts-demo -n argo-rollouts
  bin/sluice why rollouts-demo -n argo-rollouts
  bin/sluice retry rollout rollouts-demo -n argo-rollouts

make demo-down removes everything.
`, t.stage.Kubeconfig), "\n"))
}
