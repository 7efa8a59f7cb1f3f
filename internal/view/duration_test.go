package view

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	api "sluice.dev/sluice/api/v1alpha1"
)

func TestHowLongAnUpdateTookIsShown(t *testing.T) {
	at := func(s int64) *metav1.Time { return &metav1.Time{Time: time.Unix(1000+s, 0)} }
	for _, c := range []struct {
		name string
		d    *api.RolloutDuration
		want string
	}{
		{"nobody has counted", nil, ""},
		{"under way", &api.RolloutDuration{RolloutStartedAt: at(0)}, "10m, so far"},
		{"under way and held by a person", &api.RolloutDuration{RolloutStartedAt: at(0), ManualPauseStartedAt: at(540), TotalManualPauseDurationSeconds: 30}, "10m, so far; 1m30s of it waiting for people"},
		{"promoted", &api.RolloutDuration{RolloutStartedAt: at(0), FinishedAt: at(48), CompletionStatus: api.CompletionPromoted}, "48s, promoted"},
		{"promoted in full after a pause", &api.RolloutDuration{RolloutStartedAt: at(0), FinishedAt: at(48), CompletionStatus: api.CompletionFastPromoted, TotalManualPauseDurationSeconds: 40}, "48s, promoted in full by hand; 40s of it waiting for people"},
		{"back without steps", &api.RolloutDuration{RolloutStartedAt: at(0), FinishedAt: at(3), CompletionStatus: api.CompletionFastRolledBack}, "3s, rolled back without steps"},
		{"as another controller calls it", &api.RolloutDuration{RolloutStartedAt: at(0), FinishedAt: at(3), CompletionStatus: "Lost"}, "3s, Lost"},
	} {
		s := Scene{Rollout: &api.Rollout{Status: api.RolloutStatus{Duration: c.d}}, Now: at(600).Time}
		if got := s.duration(); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}
