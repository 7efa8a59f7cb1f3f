package simulate

import (
	"testing"
	"time"

	api "sluice.dev/sluice/api/v1alpha1"
)

func header(name string, match bool) api.CanaryStep {
	route := &api.SetHeaderRoute{Name: name}
	if match {
		route.Match = []api.HeaderRoutingMatch{{HeaderName: "x-canary", HeaderValue: &api.StringMatch{Exact: "yes"}}}
	}
	return api.CanaryStep{SetHeaderRoute: route}
}

func setScale(s api.SetCanaryScale) api.CanaryStep { return api.CanaryStep{SetCanaryScale: &s} }

func managed(names ...string) func(*api.CanaryStrategy) {
	return func(c *api.CanaryStrategy) {
		for _, n := range names {
			c.TrafficRouting.ManagedRoutes = append(c.TrafficRouting.ManagedRoutes, api.ManagedRoutes{Name: n})
		}
	}
}

func abortDelay(seconds int32) func(*api.CanaryStrategy) {
	return func(c *api.CanaryStrategy) { c.AbortScaleDownDelaySeconds = &seconds }
}

// routes counts the managed routes that the router has.
func routes(w *World) int { _, s, _ := w.Traffic(); return len(s.Routes) }

// TestTrafficAbortStories tells the failure stories of series B and D that need weights: the way back is always
// open, and numbers stay what they are.
func TestTrafficAbortStories(t *testing.T) {
	tell(t, []story{
		{name: "B1 no circular wait on an abort", in: weighted(10, setWeight(50), wait()), tell: func(t *testing.T, w *World, tr *Transcript) {
			canaryOf(w, dynamic)
			canaryOf(w, abortDelay(30))
			atWait(t, w, tr, 50)
			lost := spoils(w)
			w.Boot = func(string) time.Duration { return 10 * time.Second }
			does(t, w, tr, "abort", abort())
			pass(t, w, tr, 15*time.Second)
			sends(t, w, 0)
			serves(t, w, 5, 10)
			pass(t, w, tr, time.Minute)
			serves(t, w, 0, 10)
			unspoiled(t, lost, 0)
		}},
		{name: "B2 a floor on pods does not keep the weight up", in: weighted(10, setWeight(5), setWeight(50), wait(), setWeight(100)), tell: func(t *testing.T, w *World, tr *Transcript) {
			least := int32(3)
			canaryOf(w, dynamic)
			canaryOf(w, func(c *api.CanaryStrategy) { c.MinPodsPerReplicaSet = &least })
			atWait(t, w, tr, 50)
			does(t, w, tr, "abort", abort())
			pass(t, w, tr, time.Minute)
			sends(t, w, 0)
			serves(t, w, 0, 10)
		}},
		{name: "B3 an autoscaler does not hide the abort", in: weighted(10, setWeight(50), wait()), tell: func(t *testing.T, w *World, tr *Transcript) {
			atWait(t, w, tr, 50)
			does(t, w, tr, "abort, and at once the autoscaler sets 14", abort(), scale(14))
			pass(t, w, tr, 5*time.Second)
			sends(t, w, 0)
			serves(t, w, 5, 14)
			pass(t, w, tr, time.Minute)
			serves(t, w, 0, 14)
		}},
		{name: "B4 an aborted canary does not come back", in: weighted(10, setWeight(50), wait()), tell: func(t *testing.T, w *World, tr *Transcript) {
			canaryOf(w, dynamic)
			atWait(t, w, tr, 50)
			does(t, w, tr, "abort", abort())
			pass(t, w, tr, time.Minute)
			serves(t, w, 0, 10)
			moved := 0
			w.Repointed = func(Repoint) { moved++ }
			does(t, w, tr, "the autoscaler sets 15", scale(15))
			pass(t, w, tr, time.Minute)
			tr.Say("a stable pod breaks")
			w.Break(w.Rollout().Status.StableRS, 1)
			pass(t, w, tr, time.Minute)
			serves(t, w, 0, 14)
			sends(t, w, 0)
			if moved != 0 {
				t.Errorf("Services were re-pointed %d times, want never", moved)
			}
		}},
		{name: "B6 an abort wins over a full promotion", in: weighted(10, setWeight(20), wait()), tell: func(t *testing.T, w *World, tr *Transcript) {
			atWait(t, w, tr, 20)
			w.Boot = func(string) time.Duration { return -1 }
			patch(w, tr, "promote --full, but the new pods never serve", func(s *api.RolloutStatus) { s.PromoteFull, s.PauseConditions = true, nil })
			pass(t, w, tr, time.Minute)
			does(t, w, tr, "abort", abort())
			pass(t, w, tr, 2*time.Minute)
			is(t, w, api.RolloutPhaseDegraded, "RolloutAborted")
			sends(t, w, 0)
			serves(t, w, 0, 10)
		}},
		{name: "B11 an abort after the promotion changes nothing behind a router", in: weighted(10, setWeight(20)), tell: func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			ship(w, tr, "2")
			pass(t, w, tr, 3*time.Minute)
			before := w.Writes()
			does(t, w, tr, "abort", abort())
			pass(t, w, tr, 3*time.Minute)
			is(t, w, api.RolloutPhaseHealthy, "")
			if n := w.Writes() - before; n > 1 {
				t.Errorf("%d writes, want the one that takes the flag back", n)
			}
		}},
		{name: "B15 an abort behind a router needs nothing from a canary that crashes", in: weighted(10, setWeight(50), wait()), tell: func(t *testing.T, w *World, tr *Transcript) {
			canaryOf(w, dynamic)
			atWait(t, w, tr, 50)
			tr.Say("every canary pod crashes")
			w.Break(w.Rollout().Status.CurrentPodHash, 5)
			does(t, w, tr, "abort", abort())
			pass(t, w, tr, 30*time.Second)
			sends(t, w, 0)
			names(t, w, "canary", w.Rollout().Status.StableRS)
			serves(t, w, 0, 10)
		}},
		{name: "B16 the ways to the canary end with an abort, before its pods do", in: weighted(10, setScale(api.SetCanaryScale{Replicas: ptr(2)}), header("beta", true), wait()), tell: func(t *testing.T, w *World, tr *Transcript) {
			canaryOf(w, managed("beta"))
			deploy(t, w, tr)
			ship(w, tr, "2")
			pass(t, w, tr, time.Minute)
			if routes(w) != 1 {
				t.Fatalf("%d routes, want the header route:\n%s", routes(w), tr)
			}
			w.Resized = func(r Resize) {
				if r.To == 0 && (routes(w) > 0 || behindService(w, "canary") != w.Rollout().Status.StableRS) {
					t.Errorf("%s is emptied while somebody is led there", r.Name)
				}
			}
			does(t, w, tr, "abort", abort())
			pass(t, w, tr, 2*time.Minute)
			serves(t, w, 0, 10)
		}},
		{name: "B18 a managed route stays until the step that removes it", in: weighted(10, setScale(api.SetCanaryScale{Replicas: ptr(2)}), header("beta", true), wait(), setWeight(20), wait(), header("beta", false), wait()), tell: func(t *testing.T, w *World, tr *Transcript) {
			canaryOf(w, managed("beta"))
			deploy(t, w, tr)
			ship(w, tr, "2")
			pass(t, w, tr, time.Minute)
			fewest := 9
			w.Redirected = func(string) { fewest = min(fewest, routes(w)) }
			does(t, w, tr, "promote", resume()...)
			pass(t, w, tr, 30*time.Second)
			tr.Say("a pod of each side breaks, and is well again")
			w.Break(w.Rollout().Status.StableRS, 1)
			w.Break(w.Rollout().Status.CurrentPodHash, 1)
			pass(t, w, tr, 30*time.Second)
			w.Mend()
			pass(t, w, tr, 30*time.Second)
			if fewest != 1 || routes(w) != 1 {
				t.Errorf("the route was lost: %d now, %d at least, want 1", routes(w), fewest)
			}
			does(t, w, tr, "promote", resume()...)
			pass(t, w, tr, 30*time.Second)
			if routes(w) != 0 {
				t.Errorf("%d routes after the step that removes it, want none", routes(w))
			}
		}},
		{name: "D1 more stable pods than wanted give no negative weight", in: weighted(10, setWeight(50), wait()), tell: func(t *testing.T, w *World, tr *Transcript) {
			atWait(t, w, tr, 50)
			canaryOf(w, dynamic)
			shares := inRange(t, w)
			does(t, w, tr, "dynamicStableScale is added, the autoscaler sets 5, and abort", abort(), scale(5))
			pass(t, w, tr, time.Minute)
			shares()
			sends(t, w, 0)
			serves(t, w, 0, 5)
		}},
		{name: "D2 more canary pods than wanted give no weight above the whole", in: weighted(1, setScale(api.SetCanaryScale{Replicas: ptr(2)}), wait()), tell: func(t *testing.T, w *World, tr *Transcript) {
			canaryOf(w, dynamic)
			deploy(t, w, tr)
			ship(w, tr, "2")
			pass(t, w, tr, time.Minute)
			shares := inRange(t, w)
			promotedFull(t, w, tr)
			shares()
			serves(t, w, 0, 1)
		}},
		{name: "D3 a very large whole does not overflow", in: weighted(30, setWeight(50_000_000), wait()), tell: func(t *testing.T, w *World, tr *Transcript) {
			whole := int32(100_000_000)
			canaryOf(w, func(c *api.CanaryStrategy) {
				c.TrafficRouting = &api.RolloutTrafficRouting{Nginx: &api.NginxTrafficRouting{StableIngress: "shop"}, MaxTrafficWeight: &whole}
			})
			w.UseRouter(Routing{})
			deploy(t, w, tr)
			ship(w, tr, "2")
			pass(t, w, tr, time.Minute)
			sends(t, w, 50_000_000)
			serves(t, w, 15, 30)
		}},
		{name: "D9 any list of weights ends with the new version", in: weighted(7, setWeight(15), setWeight(61), setWeight(61), setWeight(0), setWeight(30), setWeight(100)), tell: func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			lost := spoils(w)
			ship(w, tr, "2")
			pass(t, w, tr, 3*time.Minute)
			is(t, w, api.RolloutPhaseHealthy, "")
			serves(t, w, 0, 7)
			unspoiled(t, lost, 0)
		}},
		{name: "E11 no pods are promoted at once and routed to", in: weighted(0, setScale(api.SetCanaryScale{Replicas: ptr(1)}), wait()), tell: func(t *testing.T, w *World, tr *Transcript) {
			deploy(t, w, tr)
			ship(w, tr, "2")
			pass(t, w, tr, time.Minute)
			is(t, w, api.RolloutPhaseHealthy, "")
			names(t, w, "stable", w.Rollout().Status.CurrentPodHash)
			if wanted, _ := w.Totals(); wanted != 0 {
				t.Errorf("%d pods appeared, want none", wanted)
			}
		}},
		{name: "E16 a router that comes with the new version is used for it", tell: func(t *testing.T, w *World, tr *Transcript) {
			w.CreateService("canary")
			w.CreateService("stable")
			canaryOf(w, func(c *api.CanaryStrategy) { c.Steps = []api.CanaryStep{setWeight(20), waitFor(10)} })
			deploy(t, w, tr)
			tr.Say("the same update adds Services and a router")
			canaryOf(w, func(c *api.CanaryStrategy) {
				c.CanaryService, c.StableService = "canary", "stable"
				c.TrafficRouting = &api.RolloutTrafficRouting{SMI: &api.SMITrafficRouting{}}
			})
			w.UseRouter(Routing{})
			ship(w, tr, "2")
			pass(t, w, tr, 3*time.Minute)
			is(t, w, api.RolloutPhaseHealthy, "")
			serves(t, w, 0, 5)
		}},
		{name: "a dynamic canary that is aborted at 75 drains as the stable pods come back", in: weighted(8, setWeight(25), waitFor(30), setWeight(75), wait()), tell: func(t *testing.T, w *World, tr *Transcript) {
			canaryOf(w, dynamic)
			deploy(t, w, tr)
			ship(w, tr, "2")
			pass(t, w, tr, time.Minute)
			sends(t, w, 75)
			serves(t, w, 6, 2)
			lost := spoils(w)
			slow := time.Duration(0)
			w.Boot = func(string) time.Duration { slow += 3 * time.Second; return slow }
			does(t, w, tr, "abort", abort())
			pass(t, w, tr, 2*time.Minute)
			sends(t, w, 0)
			serves(t, w, 0, 8)
			unspoiled(t, lost, 2) // maxUnavailable
		}},
		{name: "ping and pong take turns and nothing is re-pointed at the end", in: weighted(5, setWeight(40), waitFor(5)), tell: func(t *testing.T, w *World, tr *Transcript) {
			w.CreateService("ping")
			w.CreateService("pong")
			canaryOf(w, func(c *api.CanaryStrategy) {
				c.CanaryService, c.StableService = "", ""
				c.PingPong = &api.PingPongSpec{PingService: "ping", PongService: "pong"}
			})
			w.UseRouter(Routing{})
			deploy(t, w, tr)
			lost := spoils(w)
			for _, version := range []string{"2", "3"} {
				ship(w, tr, version)
				pass(t, w, tr, 2*time.Minute)
				is(t, w, api.RolloutPhaseHealthy, "")
				serves(t, w, 0, 5)
			}
			unspoiled(t, lost, 0)
		}},
	})
}

func ptr(n int32) *int32 { return &n }

// atWait ships a version and waits for the pause in which the canary has this weight.
func atWait(t *testing.T, w *World, tr *Transcript, weight int32) {
	t.Helper()
	deploy(t, w, tr)
	ship(w, tr, "2")
	pass(t, w, tr, time.Minute)
	is(t, w, api.RolloutPhasePaused, "CanaryPauseStep")
	sends(t, w, weight)
}

// inRange watches that every share stays within the whole; the function it returns says so at the end.
func inRange(t *testing.T, w *World) (check func()) {
	t.Helper()
	var wrong []int32
	w.Redirected = func(string) {
		asked, serves, _ := w.Traffic()
		for _, n := range []int32{asked.Canary.Weight, asked.Stable.Weight, serves.Canary.Weight, serves.Stable.Weight} {
			if n < 0 || n > w.whole() {
				wrong = append(wrong, n)
			}
		}
	}
	return func() {
		t.Helper()
		if len(wrong) > 0 {
			t.Errorf("shares of %v, want 0 to %d", wrong, w.whole())
		}
	}
}
