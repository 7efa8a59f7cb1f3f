package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/test/stage"
)

// limit is the seed's threshold: CPU cores of one canary pod.
const limit = 0.004

// outcome is what the story came to.
type outcome struct {
	good, bad, slow versionEnd
	signed          string
	err             error
}

// versionEnd is how one version fared.
type versionEnd struct {
	shipped bool
	phase   api.RolloutPhase
	message string
	values  []float64
	took    time.Duration
	// canary and stable are the p95 of both sides in milliseconds, 0 when nothing was compared.
	canary, stable float64
}

// play ships the first, a good, a bad and a slow version.
func (t *teller) play(ctx context.Context) (end outcome) {
	t.chapter("Version 1: the first apply is stable at once, without analysis")
	if end.err = t.first(ctx); end.err != nil {
		return end
	}
	before, err := t.stats(ctx)
	if err != nil {
		end.err = err
		return end
	}
	t.chapter("Version 2, a good one: 20 % of the pods, measured under load, then 40, 60, 100 %")
	end.good, end.err = t.ship(ctx, stage.Version{Name: "2-good"})
	if end.err != nil {
		return end
	}
	t.chapter("Version 3, a bad one: it burns 10 ms of CPU for every request")
	end.bad, end.err = t.ship(ctx, stage.Version{Name: "3-bad", CPU: 10 * time.Millisecond})
	if end.err != nil {
		return end
	}
	t.chapter("Version 4, a slow one: each request takes 40 ms longer. The CPU is idle, and a limit of 6 s sees nothing")
	if end.err = t.compare(ctx); end.err != nil {
		return end
	}
	end.slow, end.err = t.ship(ctx, stage.Version{Name: "4-slow", Env: map[string]string{"SHOP_LATENCY": "40ms"}})
	if end.err != nil {
		return end
	}
	end.signed = t.signed(ctx, before)
	end.err = end.judge()
	return end
}

// judge says whether the story ended as it should.
func (o outcome) judge() error {
	var wrong []error
	if o.good.phase != api.RolloutPhaseHealthy {
		wrong = append(wrong, fmt.Errorf("the good version was not promoted: %s %s", o.good.phase, o.good.message))
	}
	if !o.bad.rolledBackBy("success-rate") {
		wrong = append(wrong, fmt.Errorf("the bad version was not rolled back by the query: %s %s", o.bad.phase, o.bad.message))
	}
	if !o.slow.rolledBackBy("side-by-side") || o.slow.canary <= o.slow.stable {
		wrong = append(wrong, fmt.Errorf("the slow version was not rolled back by the load test: %s %s", o.slow.phase, o.slow.message))
	}
	return errors.Join(wrong...)
}

// rolledBackBy says whether a version was taken back because of this metric.
func (v versionEnd) rolledBackBy(metric string) bool {
	return v.phase == api.RolloutPhaseDegraded && strings.Contains(v.message, "RolloutAborted") && strings.Contains(v.message, `"`+metric+`"`)
}

// compare gives each side of the Rollout a Service and lets a load test stand beside the seed's analysis.
func (t *teller) compare(ctx context.Context) error {
	if err := t.stage.ApplyFile(ctx, "examples/load/side-by-side.yaml"); err != nil {
		return err
	}
	t.line("applied examples/load/side-by-side.yaml: the canary is loaded beside the stable version")
	ro, err := t.stage.Rollout(ctx)
	if err != nil {
		return err
	}
	before := ro.DeepCopy()
	canary := ro.Spec.Strategy.Canary
	canary.CanaryService, canary.StableService = "rust-app-canary", "rust-app-stable"
	for _, step := range canary.Steps {
		if step.Analysis != nil {
			step.Analysis.Templates = append(step.Analysis.Templates, api.AnalysisTemplateRef{TemplateName: "side-by-side"})
		}
	}
	if err := t.stage.Client.Patch(ctx, ro, client.MergeFrom(before)); err != nil {
		return fmt.Errorf("adding the load test: %w", err)
	}
	return nil
}

func (t *teller) first(ctx context.Context) error {
	if err := t.stage.Reset(ctx); err != nil {
		return err
	}
	for _, file := range []string{"service.yaml", "analysis-template.yaml", "rollout.yaml"} {
		if err := t.stage.ApplyFile(ctx, "examples/seed/"+file); err != nil {
			return err
		}
		t.line("applied examples/seed/%s", file)
	}
	_, err := t.follow(ctx, func(ro *api.Rollout) bool { return ro.Status.Phase == api.RolloutPhaseHealthy })
	return err
}

func (t *teller) ship(ctx context.Context, v stage.Version) (versionEnd, error) {
	began := time.Now()
	if err := t.stage.Ship(ctx, v); err != nil {
		return versionEnd{}, err
	}
	ro, err := t.follow(ctx, func(ro *api.Rollout) bool {
		return ro.Status.Phase == api.RolloutPhaseHealthy || ro.Status.Phase == api.RolloutPhaseDegraded
	})
	if err != nil {
		return versionEnd{}, err
	}
	end := versionEnd{shipped: true, phase: ro.Status.Phase, message: ro.Status.Message, took: time.Since(began)}
	runs, err := t.stage.Runs(ctx, ro.Status.CurrentPodHash)
	for _, r := range runs {
		for _, m := range r.Status.MetricResults {
			switch m.Name {
			case "success-rate":
				end.values = append(end.values, values(m)...)
			case "side-by-side":
				end.canary, end.stable = percentiles(m)
			}
		}
	}
	if err == nil && ro.Status.Phase == api.RolloutPhaseDegraded {
		err = t.goneBack(ctx)
	}
	return end, err
}

// goneBack waits until the canary is gone and all stable pods serve again.
func (t *teller) goneBack(ctx context.Context) error {
	ro, err := t.stage.Until(ctx, time.Minute, "the canary to go", func(ro *api.Rollout) bool {
		return ro.Status.UpdatedReplicas == 0 && ro.Status.AvailableReplicas == 5
	})
	if err == nil {
		t.line("the canary is gone, all %d stable pods serve", ro.Status.AvailableReplicas)
	}
	return err
}

// values are the numbers a metric measured; "[0.0012]" is one.
func values(m api.MetricResult) (all []float64) {
	for _, measurement := range m.Measurements {
		var numbers []float64
		if json.Unmarshal([]byte(measurement.Value), &numbers) == nil && len(numbers) > 0 {
			all = append(all, numbers[0])
		}
	}
	return all
}

// percentiles are the p95 of both sides of a load test, in milliseconds.
func percentiles(m api.MetricResult) (canary, stable float64) {
	type side struct {
		Latency struct{ P95 float64 }
	}
	var report struct{ Canary, Stable side }
	for _, measurement := range m.Measurements {
		if json.Unmarshal([]byte(measurement.Metadata[api.EvidenceReport]), &report) == nil {
			return report.Canary.Latency.P95, report.Stable.Latency.P95
		}
	}
	return 0, 0
}

// stats are the counts of the AMP stand-in since it started.
type stats struct{ Verified, Refused int }

func (t *teller) stats(ctx context.Context) (s stats, err error) {
	answer, err := t.stage.AMP(ctx, "GET", "/stats", "")
	if err == nil {
		err = json.Unmarshal([]byte(answer), &s)
	}
	return s, err
}

// signed says how many queries the AMP stand-in accepted and refused since before.
func (t *teller) signed(ctx context.Context, before stats) string {
	now, err := t.stats(ctx)
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%d queries with a valid SigV4 signature answered, %d refused", now.Verified-before.Verified, now.Refused-before.Refused)
}
