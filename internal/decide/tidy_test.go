package decide

import (
	"fmt"
	"testing"
	"time"
)

// TestAnOldReplicaSetGoesOnlyWhenNothingIsLeftOfIt lists what keeps one beyond the limit of the history.
func TestAnOldReplicaSetGoesOnlyWhenNothingIsLeftOfIt(t *testing.T) {
	tests := []struct {
		name   string
		change func(*scene, *ReplicaSet)
		goes   bool
	}{
		{"nothing", func(*scene, *ReplicaSet) {}, true},
		{"pods that are wanted", func(_ *scene, rs *ReplicaSet) { rs.Wanted = 1 }, false},
		{"pods that are on their way out", func(_ *scene, rs *ReplicaSet) { rs.Replicas = 1 }, false},
		{"a status that may not know of its pods yet", func(_ *scene, rs *ReplicaSet) { rs.Observed = false }, false},
		{"a Service that leads to it", func(s *scene, rs *ReplicaSet) {
			s.Observed.Services = map[string]Service{"web": {Name: "web", Hash: rs.Hash}}
		}, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newScene()
			limit := int32(0)
			s.Rollout.Spec.RevisionHistoryLimit = &limit
			old := podTemplate("0")
			hash := PodHash(&old, nil)
			s.Observed.ReplicaSets = append(s.Observed.ReplicaSets, ReplicaSet{
				Name: "web-" + hash, Hash: hash, CreatedAt: noon.Add(-2 * time.Hour), Template: old, Observed: true,
			})
			test.change(s, &s.Observed.ReplicaSets[2])
			got := fmt.Sprint(stated[ReplicaSetGone](Rollout(s.RolloutInput)))
			if want := map[bool]string{true: "[{web-" + hash + "}]", false: "[]"}[test.goes]; got != want {
				t.Errorf("deleted: %s, want %s", got, want)
			}
		})
	}
}
