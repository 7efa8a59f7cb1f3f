package controller_test

import (
	"strings"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/client"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/decide"
)

// TestADryRunIsToldAndStopsNothing has a gate that would have stopped the release, and has no say yet;
// then the rule is removed.
func TestADryRunIsToldAndStopsNothing(t *testing.T) {
	p := newPlace(t)
	p.record()
	g := &gauge{}
	p.start(measuredBy(g))
	tried := strings.Replace(analysed, "templateName: limit}]", "templateName: limit}], dryRun: [{metricName: ^cpu$}], measurementRetention: [{metricName: cpu, limit: 3}], analysisRunMetadata: {labels: {team: checkout}}", 1)
	p.create(limit(oneReading, "[]"), shop(tried))
	p.becomes("Healthy")
	g.set(0.0123)
	p.patch("shop", image("shop:2"), false)
	p.eventually("the bad version is promoted all the same", func() string {
		r := p.rollout("shop")
		if r.Status.Phase != api.RolloutPhaseHealthy || r.Status.StableRS != r.Status.CurrentPodHash || len(p.decisions(decide.DecidedPromotion)) == 0 {
			return phase(r)
		}
		return ""
	})
	told := p.decisions(decide.DecidedDryRun)
	if len(told) != 1 || !strings.Contains(told[0].Message, `metric "cpu" would have rolled this update back`) || told[0].Evidence[0].Threshold != "0.0123 > 0.004" {
		t.Errorf("it tells %+v", told)
	}
	var runs api.AnalysisRunList
	if err := p.client.List(t.Context(), &runs, client.InNamespace(p.namespace), client.MatchingLabels{"team": "checkout"}); err != nil {
		t.Fatal(err)
	}
	if len(runs.Items) != 1 {
		t.Fatalf("there are %d runs", len(runs.Items))
	}
	s := runs.Items[0].Status
	if s.Phase != api.AnalysisPhaseSuccessful || !s.MetricResults[0].DryRun || s.DryRunSummary == nil || s.DryRunSummary.Failed != 1 || s.RunSummary.Count != 0 {
		t.Errorf("the run says %+v", s)
	}

	p.patch("shop", `{"spec":{"strategy":{"canary":{"steps":[{"setWeight":20},{"analysis":{"templates":[{"templateName":"limit"}]}}]}}}}`, false)
	p.patch("shop", image("shop:3"), false)
	p.becomes("Degraded RolloutAborted")
}

// decisions are those of one kind that the rollout remembers.
func (p *place) decisions(reason string) []api.Decision {
	p.Helper()
	var all []api.Decision
	for _, d := range p.rollout("shop").Status.Decisions {
		if d.Reason == reason {
			all = append(all, d)
		}
	}
	return all
}
