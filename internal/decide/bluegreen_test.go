package decide

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	api "sluice.dev/sluice/api/v1alpha1"
)

// newSwitchScene is the scene with a blue-green strategy: Service live leads to the stable revision, which has
// all four pods, and so has the new one.
func newSwitchScene(changes ...func(*api.BlueGreenStrategy)) *scene {
	s := newScene()
	b := &api.BlueGreenStrategy{ActiveService: "live"}
	for _, change := range changes {
		change(b)
	}
	s.Rollout.Spec.Strategy = api.RolloutStrategy{BlueGreen: b}
	s.Rollout.Status.CurrentStepHash, s.Rollout.Status.CurrentStepIndex = "", nil
	s.pods(4, 4)
	s.leads(s.stable().Hash)
	return s
}

// leads makes Service live name a revision.
func (s *scene) leads(hash string) {
	s.Observed.Services = map[string]Service{"live": {Name: "live", Hash: hash, ManagedBy: "web"}}
	s.Rollout.Status.BlueGreen.ActiveSelector = hash
}

// asked lists what a plan makes of Service live and of the sizes, by role.
func (s *scene) asked(p Plan[api.RolloutStatus]) map[string]any {
	role := map[string]string{s.fresh().Hash: "new", s.stable().Hash: "stable", s.fresh().Name: "new", s.stable().Name: "stable"}
	all := map[string]any{}
	for _, action := range p.Actions {
		switch a := action.(type) {
		case ServiceSelects:
			all[a.Service] = role[a.To]
		case ReplicaSetWants:
			all[role[a.Name]] = a.To
		case ReplicaSetCarries:
			if at, ok := a.Annotations[api.AnnotationScaleDownDeadline]; ok {
				all["time of "+role[a.Name]] = at
			}
		}
	}
	return all
}

func TestTheActiveServiceIsSwitched(t *testing.T) {
	abort := func(s *scene) {
		at := metav1.NewTime(noon)
		s.Rollout.Status.Abort, s.Rollout.Status.AbortedAt = true, &at
		s.leads(s.fresh().Hash)
	}
	ten := func(s *scene, fresh, stable int32) {
		s.replicas(10)
		s.pods(10, 10)
		s.fresh().Available, s.stable().Available = fresh, stable
		s.fresh().DesiredReplicas, s.stable().DesiredReplicas = 10, 10
	}
	remade := func(s *scene) {
		s.leads("")
		s.Rollout.Status.Conditions = append(s.Rollout.Status.Conditions, api.RolloutCondition{Type: api.RolloutHealthy})
	}
	cases := []struct {
		name  string
		given func(*scene)
		want  map[string]any
	}{
		{"forward when every pod serves", func(*scene) {}, map[string]any{"live": "new"}},
		{"not forward when one is missing", func(s *scene) { s.fresh().Available = 3 }, map[string]any{}},
		{"not forward while somebody has paused it", func(s *scene) { s.Rollout.Spec.Paused = true }, map[string]any{}},
		{"not forward when the spec is invalid", func(s *scene) { s.Observed.Invalid = []string{"spec.replicas: is wrong"} }, map[string]any{}},
		{"back when every pod serves", abort, map[string]any{"live": "stable"}},
		{"back although it is paused", func(s *scene) { abort(s); s.Rollout.Spec.Paused = true }, map[string]any{"live": "stable"}},
		{"back although the spec is invalid", func(s *scene) { abort(s); s.Observed.Invalid = []string{"x"} }, map[string]any{"live": "stable"}},
		{"back when as many serve as must: 8 of 10", func(s *scene) { abort(s); ten(s, 10, 8) }, map[string]any{"live": "stable"}},
		{"not back when fewer do: 7 of 10", func(s *scene) { abort(s); ten(s, 10, 7) }, map[string]any{}},
		{"back when no fewer serve than now", func(s *scene) { abort(s); ten(s, 5, 5) }, map[string]any{"live": "stable"}},
		{"back to one pod when none serves now", func(s *scene) { abort(s); ten(s, 0, 1) }, map[string]any{"live": "stable"}},
		{"paused, to the stable one when it names none", func(s *scene) { s.Rollout.Spec.Paused = true; remade(s) }, map[string]any{"live": "stable"}},
		{"paused, not away from the new one", func(s *scene) { s.Rollout.Spec.Paused = true; s.leads(s.fresh().Hash) }, map[string]any{}},
		{"from none when as many serve as must: 8 of 10", func(s *scene) { ten(s, 0, 8); remade(s) }, map[string]any{"live": "stable"}},
		{"not from none when fewer do: 7 of 10", func(s *scene) { ten(s, 0, 7); remade(s) }, map[string]any{}},
		{"not from one of others when fewer than all do: 8 of 10", func(s *scene) {
			ten(s, 0, 8)
			s.Observed.Services = map[string]Service{"live": {Name: "live", Hash: "theirs"}}
		}, map[string]any{}},
		{"not back to nobody", func(s *scene) { abort(s); ten(s, 0, 0) }, map[string]any{}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := newSwitchScene()
			c.given(s)
			if diff := cmp.Diff(c.want, s.asked(Rollout(s.RolloutInput))); diff != "" {
				t.Errorf("what is asked for (-want +got):\n%s", diff)
			}
		})
	}
}

func TestADecisionAboutTheSwitchCarriesTheWeightAfterIt(t *testing.T) {
	abort := func(s *scene) { s.Rollout.Status.Abort = true; s.leads(s.fresh().Hash) }
	for _, c := range []struct {
		name, reason string
		given        func(*scene)
		want         int32
	}{
		{"everybody after the switch", DecidedSwitched, func(s *scene) {}, 100},
		{"nobody after an abort", DecidedAbort, abort, 0},
		{"nobody after the switch back", DecidedSwitched, abort, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSwitchScene()
			c.given(s)
			for _, made := range Rollout(s.RolloutInput).Status.Decisions {
				if made.Reason == c.reason {
					if *made.Weight != c.want {
						t.Errorf("%s with weight %d, want %d", made.Message, *made.Weight, c.want)
					}
					return
				}
			}
			t.Errorf("nothing was decided that is called %s", c.reason)
		})
	}
}

func TestPodsThatAreLeftOverGoInTime(t *testing.T) {
	seconds := func(n int32) *int32 { return &n }
	promoted := func(s *scene) {
		s.Rollout.Status.StableRS = s.fresh().Hash
		s.leads(s.fresh().Hash)
	}
	rejected := func(s *scene) {
		at := metav1.NewTime(noon)
		s.Rollout.Status.Abort, s.Rollout.Status.AbortedAt = true, &at
	}
	in := func(d time.Duration) string { return noon.Add(d).UTC().Format(time.RFC3339) }
	cases := []struct {
		name  string
		spec  func(*api.BlueGreenStrategy)
		given func(*scene)
		want  map[string]any
	}{
		{"old ones after 30 s", nil, promoted, map[string]any{"time of stable": in(30 * time.Second)}},
		{"old ones after a day", func(b *api.BlueGreenStrategy) { b.ScaleDownDelaySeconds = seconds(86400) }, promoted, map[string]any{"time of stable": in(24 * time.Hour)}},
		{"old ones at once", func(b *api.BlueGreenStrategy) { b.ScaleDownDelaySeconds = seconds(0) }, promoted, map[string]any{"stable": int32(0)}},
		{"old ones beyond the limit at once", func(b *api.BlueGreenStrategy) { b.ScaleDownDelayRevisionLimit = seconds(0) }, promoted, map[string]any{"stable": int32(0)}},
		{"old ones when their time is over", nil, func(s *scene) { promoted(s); s.stable().ScaleDownAt = noon }, map[string]any{"stable": int32(0)}},
		{"old ones not before", nil, func(s *scene) { promoted(s); s.stable().ScaleDownAt = noon.Add(time.Second) }, map[string]any{}},
		{"old ones grow with the Rollout until then", nil, func(s *scene) {
			promoted(s)
			s.stable().ScaleDownAt = noon.Add(time.Second)
			s.replicas(6)
		}, map[string]any{"new": int32(6), "stable": int32(6)}},
		{"old ones stay while the new ones do not serve", nil, func(s *scene) { promoted(s); s.stable().ScaleDownAt = noon; s.fresh().Available = 2 }, map[string]any{}},
		{"old ones stay while Service live leads to them", nil, func(s *scene) {
			s.Rollout.Status.StableRS = s.fresh().Hash
			s.stable().ScaleDownAt = noon
		}, map[string]any{"live": "new"}},
		{"an aborted preview after 30 s", nil, rejected, map[string]any{"time of new": in(30 * time.Second)}},
		{"an aborted preview never", func(b *api.BlueGreenStrategy) { b.AbortScaleDownDelaySeconds = seconds(0) }, rejected, map[string]any{}},
		{"an aborted preview when its time is over", nil, func(s *scene) { rejected(s); s.fresh().ScaleDownAt = noon }, map[string]any{"new": int32(0)}},
		{"nothing while Service live is gone", nil, func(s *scene) { promoted(s); s.Observed.Services = nil; s.stable().ScaleDownAt = noon }, map[string]any{}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := newSwitchScene()
			if c.spec != nil {
				c.spec(s.Rollout.Spec.Strategy.BlueGreen)
			}
			c.given(s)
			if diff := cmp.Diff(c.want, s.asked(Rollout(s.RolloutInput))); diff != "" {
				t.Errorf("what is asked for (-want +got):\n%s", diff)
			}
		})
	}
}

func TestHowManyPodsCountAsServing(t *testing.T) {
	for _, c := range []struct{ replicas, fewest int32 }{{0, 0}, {1, 1}, {2, 1}, {3, 2}, {4, 3}, {10, 8}, {100, 75}} {
		s := newSwitchScene()
		s.replicas(c.replicas)
		if got := look(s.RolloutInput).fewest(); got != c.fewest {
			t.Errorf("of %d pods %d have to serve, want %d", c.replicas, got, c.fewest)
		}
	}
}

func TestAnAutoscalerSeesTheActivePodsOnly(t *testing.T) {
	s := newSwitchScene(func(b *api.BlueGreenStrategy) {
		no := false
		b.AutoPromotionEnabled = &no
	})
	s.fresh().Available = 1
	status := Rollout(s.RolloutInput).Status
	want := "app=web," + api.LabelPodTemplateHash + "=" + s.stable().Hash
	if status.Selector != want || status.HPAReplicas != 4 || status.AvailableReplicas != 4 || status.Replicas != 8 {
		t.Errorf("selector %q, %d pods for the autoscaler, %d available of %d; want %q, 4, 4 and 8",
			status.Selector, status.HPAReplicas, status.AvailableReplicas, status.Replicas, want)
	}
}
