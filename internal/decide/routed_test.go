package decide

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	api "sluice.dev/sluice/api/v1alpha1"
)

// routed puts a router before the scene, with a Service for each side. It was told to send asked of 100 to the
// canary and sends serves; the sides have the pods for a weight of 25.
func (s *scene) routed(asked, serves int32) {
	c := s.canary()
	c.StableService, c.CanaryService = "old", "new"
	c.TrafficRouting = &api.RolloutTrafficRouting{SMI: &api.SMITrafficRouting{}}
	s.pods(1, 4)
	s.Observed.Services = map[string]Service{
		"old": {Name: "old", Hash: s.stable().Hash, ManagedBy: "web"},
		"new": {Name: "new", Hash: s.fresh().Hash, ManagedBy: "web"},
	}
	split := func(canary int32) Split {
		return Split{Canary: Share{Service: "new", Weight: canary}, Stable: Share{Service: "old", Weight: 100 - canary}}
	}
	s.Observed.Routing = &Routing{Asked: split(asked), Serves: split(serves)}
}

// trying puts the scene at an experiment that runs and should get a share, after a weight of 90.
func (s *scene) trying(share int32) {
	ninety := int32(90)
	s.canary().Steps = []api.CanaryStep{{SetWeight: &ninety}, {Experiment: &api.RolloutExperimentStep{
		Templates: []api.RolloutExperimentTemplate{{Name: "trial", SpecRef: api.CanarySpecRef, Weight: &share}},
	}}}
	s.rehash()
	s.step(1)
	ex := &api.Experiment{ObjectMeta: metav1.ObjectMeta{Name: s.fresh().Name + "-2-1"}}
	ex.Status.Phase = api.AnalysisPhaseRunning
	ex.Status.TemplateStatuses = []api.TemplateStatus{{Name: "trial", ServiceName: "trial", PodTemplateHash: "trial", AvailableReplicas: 1}}
	s.Observed.Experiments = []*api.Experiment{ex}
	s.Rollout.Status.Canary.CurrentExperiment = ex.Name
}

// aborted is an abort that was obeyed a minute ago.
func (s *scene) aborted() {
	at := metav1.NewTime(noon.Add(-time.Minute))
	s.Rollout.Status.Abort, s.Rollout.Status.AbortedAt = true, &at
	s.step(0)
}

// stated lists the actions of one kind.
func stated[A Action](p Plan[api.RolloutStatus]) (all []A) {
	for _, action := range p.Actions {
		if a, ok := action.(A); ok {
			all = append(all, a)
		}
	}
	return all
}

// TestAnAbortedCanaryStaysWhileItIsNeeded: the time after which its pods go begins when nobody is sent to them
// any more, and the stable pods are all there.
func TestAnAbortedCanaryStaysWhileItIsNeeded(t *testing.T) {
	tests := []struct {
		name   string
		change func(*scene)
		begins bool
	}{
		{"nobody is sent there", func(*scene) {}, true},
		{"the router still sends 25", func(s *scene) { s.routed(0, 25) }, false},
		{"the router was not told yet", func(s *scene) { s.routed(25, 25) }, false},
		{"the router cannot be read", func(s *scene) { s.Observed.Routing = &Routing{Unknown: "no answer"} }, false},
		{"a stable pod is missing", func(s *scene) { s.stable().Available = 3 }, false},
		{"it is to stay for ever", func(s *scene) { zero := int32(0); s.canary().AbortScaleDownDelaySeconds = &zero }, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newScene()
			s.routed(0, 0)
			s.Observed.Services["new"] = Service{Name: "new", Hash: s.stable().Hash, ManagedBy: "web"}
			s.aborted()
			test.change(s)
			begins := false
			p := Rollout(s.RolloutInput)
			for _, a := range stated[ReplicaSetCarries](p) {
				begins = begins || a.Name == s.fresh().Name && a.Annotations[api.AnnotationScaleDownDeadline] != ""
			}
			if begins != test.begins {
				t.Errorf("its time begins: %v, want %v", begins, test.begins)
			}
			if sizes := stated[ReplicaSetWants](p); len(sizes) > 0 {
				t.Errorf("pods move: %+v", sizes)
			}
		})
	}
}

// TestARetryDoesNotHearARunThatIsGone: the run that failed was deleted meanwhile, so nothing tells its attempt.
func TestARetryDoesNotHearARunThatIsGone(t *testing.T) {
	s := newScene()
	s.aborted()
	s.canary().Analysis = &api.RolloutAnalysisBackground{RolloutAnalysis: *s.canary().Steps[2].Analysis}
	s.Rollout.Status.Canary.CurrentBackgroundAnalysisRunStatus = &api.RolloutAnalysisRunStatus{
		Name: s.fresh().Name + "-2", Status: api.AnalysisPhaseFailed, Message: "bad",
	}
	s.Rollout.Status.Abort = false
	p := Rollout(s.RolloutInput)
	if ref := p.Status.Canary.CurrentBackgroundAnalysisRunStatus; p.Status.Abort || ref == nil || ref.Status != api.AnalysisPhasePending {
		t.Errorf("aborted again: %v, the background analysis is %+v, want it begun anew", p.Status.Abort, ref)
	}
}

// TestWhatALowerCapacityStandsOn: whoever lowers it can see whether that is still true.
func TestWhatALowerCapacityStandsOn(t *testing.T) {
	s := newScene()
	s.routed(25, 25)
	s.canary().Steps[0].SetWeight = nil
	s.canary().Steps[0].SetCanaryScale = &api.SetCanaryScale{Replicas: new(int32)}
	s.rehash()
	s.Observed.Routing.Asked.Canary.Weight, s.Observed.Routing.Serves.Canary.Weight = 0, 0
	s.Observed.Routing.Asked.Stable.Weight, s.Observed.Routing.Serves.Stable.Weight = 100, 100
	s.Observed.Services["new"] = Service{Name: "new", Hash: s.stable().Hash, ManagedBy: "web"}
	sizes := stated[ReplicaSetWants](Rollout(s.RolloutInput))
	if len(sizes) != 1 || sizes[0].Name != s.fresh().Name || sizes[0].To != 0 {
		t.Fatalf("sizes %+v, want the canary's to be 0", sizes)
	}
	if relies := sizes[0].Relies; len(relies) != 1 || relies[0] != (Capacity{ReplicaSet: s.stable().Name, Available: 4}) {
		t.Errorf("it relies on %+v, want the 4 stable pods", relies)
	}
	if seen := sizes[0].Sees; seen.Services["new"] != s.stable().Hash || seen.Services["old"] != s.stable().Hash || seen.Routing == nil {
		t.Errorf("it saw %+v, want both Services at the stable revision, and the router", seen)
	}
}

// moves lists what a plan does to the ways in, with what that relies on.
func (s *scene) moves(p Plan[api.RolloutStatus]) (all []string) {
	names := map[string]string{s.fresh().Hash: "fresh", s.stable().Hash: "stable"}
	on := func(relies []Capacity) (text string) {
		for _, c := range relies {
			text += fmt.Sprintf(", on %d %s", c.Available, names[strings.TrimPrefix(c.ReplicaSet, "web-")])
		}
		return text
	}
	for _, a := range stated[ServiceSelects](p) {
		all = append(all, fmt.Sprintf("%s leads to %s%s", a.Service, names[a.To], on(a.Relies)))
	}
	for _, a := range stated[TrafficSplits](p) {
		text := fmt.Sprintf("%d to %s, %d to %s", a.Want.Canary.Weight, a.Want.Canary.Service, a.Want.Stable.Weight, a.Want.Stable.Service)
		for _, share := range a.Want.Additional {
			text += fmt.Sprintf(", %d to %s", share.Weight, share.Service)
		}
		all = append(all, text+on(a.Relies))
	}
	return all
}

// TestWhereRequestsGoAndWhatThatReliesOn: an entrance is given to a revision when nobody can come there too early,
// and whoever does it can see whether what it rests on is still true.
func TestWhereRequestsGoAndWhatThatReliesOn(t *testing.T) {
	leads := func(s *scene, service string, to *ReplicaSet) {
		s.Observed.Services[service] = Service{Name: service, Hash: to.Hash, ManagedBy: "web"}
	}
	tests := []struct {
		name   string
		change func(*scene)
		want   []string
	}{
		{"a weight rises when the pods serve", func(*scene) {}, []string{"25 to new, 75 to old, on 1 fresh"}},
		{"a weight does not rise without pods", func(s *scene) { s.fresh().Available = 0 }, nil},
		{"a weight does not rise as the first of its pods serve", func(s *scene) {
			s.routed(25, 25)
			s.pods(2, 4)
			s.fresh().Available = 1
			s.step(3)
		}, nil},
		{"a weight beside an experiment's leaves it its share", func(s *scene) {
			s.routed(90, 90)
			s.pods(4, 4)
			s.trying(20)
		}, []string{"80 to new, 0 to old, 20 to trial"}},
		{"a weight falls when the stable pods can take it", func(s *scene) { s.routed(25, 25); s.aborted() },
			[]string{"new leads to stable, on 4 stable", "0 to new, 100 to old, on 4 stable"}},
		{"a Service without a share leads to pods that serve", func(s *scene) { leads(s, "new", s.stable()) },
			[]string{"new leads to fresh, on 1 fresh"}},
		{"a Service does not lead to pods that do not serve", func(s *scene) { leads(s, "new", s.stable()); s.fresh().Available = 0 }, nil},
		{"a Service keeps its revision while it has a share", func(s *scene) { s.routed(0, 25); leads(s, "new", s.stable()) }, nil},
		{"a Service keeps its revision while nobody knows its share", func(s *scene) {
			leads(s, "new", s.stable())
			s.Observed.Routing = &Routing{Unknown: "no answer"}
		}, nil},
		{"a router that cannot be read is told nothing that is not the way back", func(s *scene) {
			s.Observed.Routing = &Routing{Unknown: "no answer"}
		}, nil},
		{"a Service that selects everything is narrowed when all pods serve", func(s *scene) {
			s.routed(25, 25)
			s.Observed.Services["old"] = Service{Name: "old"}
		}, []string{"old leads to stable, on 4 stable"}},
		{"a Service that selects everything stays so while a pod is missing", func(s *scene) {
			s.routed(25, 25)
			s.Observed.Services["old"] = Service{Name: "old"}
			s.stable().Available = 3
		}, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newScene()
			s.routed(0, 0)
			test.change(s)
			if diff := cmp.Diff(test.want, s.moves(Rollout(s.RolloutInput))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestADelayIsNeverTooShort: the time to go is kept in whole seconds.
func TestADelayIsNeverTooShort(t *testing.T) {
	s := newScene()
	s.routed(0, 0)
	s.aborted()
	s.Now = noon.Add(400 * time.Millisecond)
	for _, a := range stated[ReplicaSetCarries](Rollout(s.RolloutInput)) {
		if got, want := a.Annotations[api.AnnotationScaleDownDeadline], "2026-01-01T12:00:31Z"; got != "" && got != want {
			t.Errorf("30 s after 12:00:00.4 is %s, want %s", got, want)
		}
	}
}

// TestSizesBehindARouter: both sides have what their shares need, unless the steps or the router say otherwise.
func TestSizesBehindARouter(t *testing.T) {
	all, three := int32(100), int32(3)
	whole := func(s *scene) {
		s.routed(100, 100)
		s.canary().Steps = []api.CanaryStep{{SetWeight: &all}, {Pause: &api.RolloutPause{}}}
		s.canary().DynamicStableScale = true
		s.step(1)
	}
	tests := []struct {
		name   string
		change func(*scene)
		want   pair
	}{
		{"a quarter", func(*scene) {}, pair{1, 4}},
		{"a size that was set by hand", func(s *scene) {
			s.canary().Steps[0].SetCanaryScale, s.canary().Steps[0].SetWeight = &api.SetCanaryScale{Replicas: &three}, nil
		}, pair{3, 4}},
		{"and given back to the weight", func(s *scene) {
			s.canary().Steps = append([]api.CanaryStep{
				{SetCanaryScale: &api.SetCanaryScale{Replicas: &three}}, {SetCanaryScale: &api.SetCanaryScale{MatchTrafficWeight: true}},
			}, s.canary().Steps...)
			s.step(2)
		}, pair{1, 4}},
		{"at least so many of each", func(s *scene) { s.canary().MinPodsPerReplicaSet = &three }, pair{3, 4}},
		{"dynamic, all of it moved", whole, pair{4, 0}},
		{"dynamic, before a router that needs a backend with pods", func(s *scene) {
			whole(s)
			s.canary().TrafficRouting = &api.RolloutTrafficRouting{Nginx: &api.NginxTrafficRouting{}}
		}, pair{4, 1}},
		{"dynamic, not all of it moved yet", func(s *scene) { whole(s); s.Observed.Routing.Serves.Stable.Weight = 50 }, pair{4, 2}},
		{"dynamic, while a version that was replaced still has a share", func(s *scene) {
			whole(s)
			s.Observed.Services["new"] = Service{Name: "new", Hash: "replaced", ManagedBy: "web"}
		}, pair{4, 4}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newScene()
			s.routed(25, 25)
			test.change(s)
			s.rehash()
			f := look(s.RolloutInput)
			d := &draft{status: trusted(s.Rollout.Status, f)}
			if got := d.target(f); got != test.want {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}
