package simulate

import (
	"testing"
	"time"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/decide"
)

// gone takes the ReplicaSet of a revision away with its pods, as somebody would by hand.
func gone(w *World, tr *Transcript, hash string) {
	tr.Say("kubectl delete replicaset of %s", hash)
	delete(w.sets, "rollouts-demo-"+hash)
	w.touch()
}

// TestTrafficTroubleStories tells what becomes of the traffic when the ground moves under it.
func TestTrafficTroubleStories(t *testing.T) {
	tell(t, []story{
		{name: "the last pods of a canary that carries everything do not carry it alone", in: weighted(10, setWeight(20)), tell: func(t *testing.T, w *World, tr *Transcript) {
			background(w, true)
			deploy(t, w, tr)
			ship(w, tr, "2")
			until(t, w, tr, func() bool { _, s, _ := w.Traffic(); return s.Canary.Weight == 100 })
			if s := w.Rollout().Status; s.StableRS == s.CurrentPodHash {
				t.Fatalf("promoted before the verdict:\n%s", tr)
			}
			tr.Say("8 of 10 canary pods break")
			w.Break(w.Rollout().Status.CurrentPodHash, 8)
			pass(t, w, tr, 5*time.Second)
			sends(t, w, 20)
		}},
		{name: "setCanaryScale below the present share keeps the pods that the share needs", in: weighted(10, setWeight(50), setScale(api.SetCanaryScale{Replicas: ptr(3)}), waitFor(5)), tell: func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			lost := spoils(w)
			ship(w, tr, "2")
			pass(t, w, tr, 3*time.Minute)
			is(t, w, api.RolloutPhaseHealthy, "")
			unspoiled(t, lost, 0)
		}},
		{name: "a canary without pods has no weight and its steps go on", in: weighted(10, setScale(api.SetCanaryScale{Replicas: ptr(0)}), setWeight(20), wait()), tell: func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			ship(w, tr, "2")
			pass(t, w, tr, time.Minute)
			is(t, w, api.RolloutPhasePaused, "CanaryPauseStep")
			sends(t, w, 0)
			serves(t, w, 0, 10)
		}},
		{name: "a stable ReplicaSet that was deleted behind a router leaves everything to the new version", in: weighted(10, setWeight(50), wait()), tell: func(t *testing.T, w *World, tr *Transcript) {
			atWait(t, w, tr, 50)
			gone(w, tr, w.Rollout().Status.StableRS)
			pass(t, w, tr, time.Minute)
			if n := w.Unserved(); n != 0 {
				t.Errorf("%d of the traffic reaches nobody", n)
			}
			does(t, w, tr, "abort", abort())
			pass(t, w, tr, time.Minute)
			if _, n := w.Pods(w.Rollout().Status.CurrentPodHash); n != 10 || w.Unserved() != 0 {
				t.Errorf("%d pods of the only revision serve and %d of the traffic reach nobody, want 10 and 0", n, w.Unserved())
			}
		}},
		{name: "after a moment without pods the requests stay with the side that has some", in: weighted(5, setWeight(50), wait()), tell: func(t *testing.T, w *World, tr *Transcript) {
			canaryOf(w, dynamic)
			atWait(t, w, tr, 50)
			none := w.sets["rollouts-demo-"+w.Rollout().Status.StableRS]
			tr.Say("all stable pods are gone, somebody has led the canary's Service to them as well, and new ones take a while")
			w.Boot = func(string) time.Duration { return 20 * time.Second }
			none.pods = nil
			w.EditService("canary", func(s *decide.Service) { s.Hash = none.Hash })
			pass(t, w, tr, 5*time.Second)
			sends(t, w, 50)
			pass(t, w, tr, time.Minute)
			is(t, w, api.RolloutPhasePaused, "CanaryPauseStep")
			sends(t, w, 50)
		}},
		{name: "an abort does not lead both sides at once to fewer pods than they need", in: routedBy(Routing{Subsets: true}, 5, setWeight(50), wait()), tell: func(t *testing.T, w *World, tr *Transcript) {
			canaryOf(w, dynamic)
			atWait(t, w, tr, 50)
			lost := spoils(w)
			w.Boot = func(string) time.Duration { return 10 * time.Second }
			tr.Say("somebody takes the revision from the stable subset, and abort")
			w.Steer(func(s *decide.Split) { s.Stable.Hash = "" })
			does(t, w, tr, "abort", abort())
			pass(t, w, tr, time.Minute)
			sends(t, w, 0)
			serves(t, w, 0, 5)
			unspoiled(t, lost, 1) // maxUnavailable
		}},
		{name: "an abort sends nobody to a stable Service that does not exist", in: weighted(10, setWeight(50), wait()), tell: func(t *testing.T, w *World, tr *Transcript) {
			atWait(t, w, tr, 50)
			tr.Say("kubectl delete service stable")
			w.DeleteService("stable")
			does(t, w, tr, "abort", abort())
			pass(t, w, tr, 5*time.Second)
			if _, serves, _ := w.Traffic(); serves.Stable.Weight > 50 {
				t.Errorf("%d are sent to a Service that does not exist, want no more than before", serves.Stable.Weight)
			}
			tr.Say("it is made anew")
			w.CreateService("stable")
			pass(t, w, tr, 2*time.Minute)
			sends(t, w, 0)
			serves(t, w, 0, 10)
		}},
		{name: "a stable Service moves only to as many pods as may be missing from those it had", in: served(10, setWeight(50), waitFor(5)), tell: func(t *testing.T, w *World, tr *Transcript) {
			canaryOf(w, func(c *api.CanaryStrategy) {
				c.ReplicaProgressThreshold = &api.ReplicaProgressThreshold{Type: api.ProgressThresholdPercent, Value: 30}
			})
			deploy(t, w, tr)
			booted := 0
			w.Boot = func(string) time.Duration {
				if booted++; booted > 3 {
					return -1
				}
				return time.Second
			}
			fewest := int32(10)
			look := func() { fewest = min(fewest, w.Serving("stable")) }
			w.Repointed = func(Repoint) { look() }
			ship(w, tr, "2")
			pass(t, w, tr, 3*time.Minute)
			look()
			if fewest < 5 {
				t.Errorf("the stable Service had %d pods at one moment, want at least the 5 it had before", fewest)
			}
		}},
	})
}
