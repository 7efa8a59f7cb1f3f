package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/test/stage"
)

// limit is the seed's threshold: CPU cores of one canary pod.
const limit = 0.004

// outcome is what the story came to.
type outcome struct {
	good, bad versionEnd
	signed    string
	err       error
}

// versionEnd is how one version fared.
type versionEnd struct {
	shipped bool
	phase   api.RolloutPhase
	message string
	values  []float64
	took    time.Duration
}

// play ships the first, a good and a bad version.
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
	rolledBack := o.bad.phase == api.RolloutPhaseDegraded && strings.Contains(o.bad.message, "RolloutAborted")
	if !rolledBack || !strings.Contains(o.bad.message, `"success-rate"`) {
		wrong = append(wrong, fmt.Errorf("the bad version was not rolled back by the query: %s %s", o.bad.phase, o.bad.message))
	}
	return errors.Join(wrong...)
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
			if m.Name == "success-rate" {
				end.values = append(end.values, values(m)...)
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
