package controller_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/controller"
)

// takeOver starts our controller on what is recorded and waits until it has looked at it and has been at
// rest for a while. It returns how many writes that took.
func (p *place) takeOver(change ...func(*controller.Options)) int64 {
	p.Helper()
	var wrote, last atomic.Int64
	metrics := listen(p.T)
	p.start(append(change, measuredBy(&gauge{}), func(o *controller.Options) { o.Metrics = metrics }, over(wire{seen: func(r *http.Request) error {
		if r.Method == http.MethodGet {
			return nil
		}
		last.Store(time.Now().UnixNano())
		if writes(r) {
			wrote.Add(1)
		}
		return nil
	}}))...)
	p.eventually("the rollouts are looked at", func() string {
		_, text := get(metrics, "/metrics")
		var rollouts api.RolloutList
		if err := p.client.List(p.Context(), &rollouts, client.InNamespace(p.namespace)); err != nil {
			return err.Error()
		}
		for _, r := range rollouts.Items {
			if !strings.Contains(text, fmt.Sprintf("rollout_reconcile_count{name=%q,namespace=%q} ", r.Name, r.Namespace)) {
				return r.Name + " is not"
			}
		}
		return ""
	})
	last.CompareAndSwap(0, time.Now().UnixNano())
	p.eventually("the controller is at rest", func() string {
		if quiet := time.Since(time.Unix(0, last.Load())); quiet < 1500*time.Millisecond {
			return fmt.Sprintf("it has been for %s", quiet)
		}
		return ""
	})
	return wrote.Load()
}

// TestARunningInstallationIsTakenOver compares every object, events included, before and after. The lists are the
// only differences there may be; each recording needs at most one write.
func TestARunningInstallationIsTakenOver(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		recording string
		writes    int64
		allowed   []string
	}{
		{recording: "stable"},
		{recording: "paused"},
		{
			recording: "analysing",
			writes:    1, // the measurement says what its Job does
			allowed: []string{
				"AnalysisRun analysing-5cd4956cd9-2-1: metadata.generation",
				"AnalysisRun analysing-5cd4956cd9-2-1: metadata.resourceVersion",
				"AnalysisRun analysing-5cd4956cd9-2-1: status.metricResults[0].measurements[0].message",
			},
		},
		{
			recording: "aborted",
			writes:    1, // the reference leaves Paused true after an abort
			allowed: []string{
				"Rollout aborted: metadata.resourceVersion",
				"Rollout aborted: status.conditions[Paused].lastTransitionTime",
				"Rollout aborted: status.conditions[Paused].lastUpdateTime",
				"Rollout aborted: status.conditions[Paused].message",
				"Rollout aborted: status.conditions[Paused].status",
			},
		},
	} {
		t.Run(c.recording, func(t *testing.T) {
			p := newPlace(t)
			p.load(c.recording)
			p.givenBack() // the check knows what the reference writes
			before := p.world()
			wrote := p.takeOver()
			p.givenBack()
			if diff := cmp.Diff(c.allowed, changes(before, p.world())); diff != "" {
				t.Errorf("what changed (-want +got):\n%s", diff)
			}
			if wrote != c.writes {
				t.Errorf("it took %d writes, not %d", wrote, c.writes)
			}
		})
	}
}
