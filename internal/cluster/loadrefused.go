package cluster

import (
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/decide"
	"sluice.dev/sluice/internal/judge"
	"sluice.dev/sluice/internal/metric"
)

// reasonNotCreated is in the evidence of a load test whose Job could not be created.
const reasonNotCreated = "NotCreated"

// lesson is what a refusal teaches about the Job of a metric. A load test waits for what people can mend as long as it
// would for its pods: a version is not bad because a ConfigMap is missing.
func (r refusal) lesson(m *api.Metric) lesson {
	what := lesson{refused: r.why, final: r.final}
	test := m.Provider.LoadTest
	if test == nil {
		return what
	}
	what.load, what.remedy, what.within = true, r.remedy, refusedJobWithin
	if r.remedy == "" {
		return what
	}
	what.within = metric.LoadPlacing
	if deadline, err := test.Deadline.Duration(); err == nil && deadline > 0 {
		what.within = min(what.within, deadline)
	}
	return what
}

// refusedLoad is a load test whose Job cannot be created: it waits, and nothing can be concluded from one that never
// began.
func refusedLoad(refusal lesson, now time.Time) decide.Job {
	until := refusal.since.Add(refusal.within)
	if !refusal.final && now.Before(until) {
		text := "The load test could not begin yet: " + strings.TrimSuffix(refusal.refused, ".")
		if refusal.remedy != "" {
			text += "; " + refusal.remedy + ", and it begins by itself"
		}
		return decide.Job{Ours: true, Missing: true, Ended: true, Again: until, Waiting: text + "."}
	}
	text := "The load test could not begin"
	if refusal.remedy != "" {
		text += " within " + spoken(refusal.within)
	}
	text += ": " + strings.TrimSuffix(refusal.refused, ".")
	if refusal.remedy != "" {
		text += "; " + refusal.remedy + ", and measure again"
	}
	return decide.Job{Ours: true, Missing: true, Done: true, Ended: true, Sample: judge.Sample{
		Forced: api.AnalysisPhaseInconclusive, Message: text + ".", StartedAt: now, FinishedAt: now,
		Metadata: map[string]string{api.EvidenceReason: reasonNotCreated},
	}}
}

func spoken(d time.Duration) string {
	if d == metric.LoadPlacing {
		return "five minutes"
	}
	return d.String()
}

// overQuota reports whether a quota is against an object: that changes when the quota does, or what uses it up ends.
// Nothing but the words tells this refusal from those of policies.
func overQuota(err error) bool {
	return apierrors.IsForbidden(err) &&
		(strings.Contains(err.Error(), "exceeded quota: ") || strings.Contains(err.Error(), "status unknown for quota: "))
}
