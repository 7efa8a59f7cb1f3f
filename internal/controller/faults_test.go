package controller_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/cluster"
	"sluice.dev/sluice/internal/controller"
)

var errDead = errors.New("the process is dead")

// dyingAfter is a wire that lets n writes through and then neither requests nor answers: the server
// has done what the n-th asked for, and the process never hears of it.
func dyingAfter(n int64, died chan<- struct{}) func(*controller.Options) {
	var count atomic.Int64
	var once sync.Once
	return over(wire{
		seen: func(r *http.Request) error {
			if n > 0 && count.Load() >= n {
				return errDead
			}
			return nil
		},
		answered: func(r *http.Request, _ int) error {
			if writes(r) && count.Add(1) >= n {
				once.Do(func() { close(died) })
				return errDead
			}
			return nil
		},
	})
}

// TestAControllerKilledAfterAnyWriteLeavesNoTrace kills the controller after its first write, its
// second and so on, until the whole story happens before it dies. It always ends the same.
func TestAControllerKilledAfterAnyWriteLeavesNoTrace(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a minute")
	}
	for _, story := range []struct {
		title string
		play  func(p *place, a *answers, look looking)
	}{
		{"canary", twoVersionsStepByStep},
		{"blue-green", twoVersionsAndTheWayBack},
	} {
		t.Run(story.title, func(t *testing.T) {
			t.Parallel()
			const lanes = 3
			var survived atomic.Bool
			var group sync.WaitGroup
			for lane := range lanes {
				group.Go(func() {
					for n := lane + 1; n < 120 && !survived.Load() && !t.Failed(); n += lanes {
						t.Run(fmt.Sprintf("after write %d", n), func(t *testing.T) {
							if !withDeath(newPlace(t), int64(n), story.play) {
								survived.Store(true)
							}
						})
					}
				})
			}
			group.Wait()
			if !survived.Load() && !t.Failed() {
				t.Error("the story never ended before the controller died: it writes without end")
			}
		})
	}
}

// looking is done by whoever looks at a place: it replaces the controller as soon as that is dead.
type looking func(check func() string) func() string

// withDeath plays a story while its controller dies after n writes and another one takes over. It reports
// whether the first one died.
func withDeath(p *place, n int64, play func(p *place, a *answers, look looking)) (died bool) {
	death, a := make(chan struct{}), &answers{}
	first := p.start(dyingAfter(n, death), a.given)
	var once sync.Once
	replaced := func() {
		first.stop()
		p.start(a.given)
		died = true
	}
	play(p, a, func(check func() string) func() string {
		return func() string {
			select {
			case <-death:
				once.Do(replaced)
			default:
			}
			return check()
		}
	})
	return died
}

// twoVersionsStepByStep updates the shop to the end.
func twoVersionsStepByStep(p *place, _ *answers, look looking) {
	sizes := p.record()
	p.create(shop(`[{setWeight: 40}, {setWeight: 60}]`))
	var stable string
	p.eventually("the first version serves", look(func() string {
		r := p.rollout("shop")
		stable = r.Status.StableRS
		if got := phase(r); got != "Healthy" {
			return fmt.Sprintf("it is %q", got)
		}
		return ""
	}))
	p.patch("shop", image("shop:2"), false)
	var canary string
	p.eventually("the second version serves", look(func() string {
		r := p.rollout("shop")
		canary = r.Status.StableRS
		if got := phase(r); got != "Healthy" || canary == stable {
			return fmt.Sprintf("it is %q, sizes %v", got, p.sizes())
		}
		return ""
	}))
	p.eventually("the sizes at the end", look(func() string {
		return cmp.Diff(map[string]int32{stable: 0, canary: 5}, p.sizes())
	}))
	if diff := cmp.Diff([]int32{0, 2, 3, 5}, sizes.of(canary)); diff != "" {
		p.Errorf("sizes of the canary on the way (-want +got):\n%s", diff)
	}
	r := p.rollout("shop")
	if r.Annotations["rollout.argoproj.io/revision"] != "2" {
		p.Errorf("revision is %q, want 2", r.Annotations["rollout.argoproj.io/revision"])
	}
}

// twoVersionsAndTheWayBack switches to a good version, and to one that turns out bad after its switch. Whenever
// the controller dies, all pods of some version always answer.
func twoVersionsAndTheWayBack(p *place, a *answers, look looking) {
	p.record()
	ways := p.entrances()
	p.create(append(questions(), plainService("active"), plainService("preview"),
		twoColoured(measuredTwice+"scaleDownDelaySeconds: 0\n      abortScaleDownDelaySeconds: 1"))...)
	ends := func(want string, active func(*api.Rollout) string) (r *api.Rollout) {
		p.Helper()
		p.eventually("the rollout becomes "+want, look(func() string {
			r = p.rollout("shop")
			if got := phase(r); !strings.HasPrefix(got, want) {
				return fmt.Sprintf("it is %q, sizes %v", got, p.sizes())
			}
			return cmp.Diff(pointing{active(r), "shop"}, p.pointing("active")) + cmp.Diff(pointing{r.Status.CurrentPodHash, "shop"}, p.pointing("preview"))
		}))
		return r
	}
	current := func(r *api.Rollout) string { return r.Status.CurrentPodHash }
	first := ends("Healthy", current).Status.StableRS
	p.patch("shop", image("shop:2"), false)
	second := ends("Healthy", current).Status.StableRS
	a.set("after", 1)
	p.patch("shop", image("shop:3"), false)
	third := ends("Degraded RolloutAborted", func(*api.Rollout) string { return second }).Status.CurrentPodHash
	p.eventually("only the second version is left", look(func() string {
		return cmp.Diff(map[string]int32{first: 0, second: 5, third: 0}, p.sizes())
	}))
	p.served(ways, first, second, third, second)
	for hash, want := range map[string]int{first: 0, second: 2, third: 2} {
		if got := append(p.runsOf(api.RolloutTypePrePromotion, hash), p.runsOf(api.RolloutTypePostPromotion, hash)...); len(got) != want {
			p.Errorf("revision %s was measured %d times, want %d: %v", hash, len(got), want, got)
		}
	}
}

func TestAtRestNothingIsAsked(t *testing.T) {
	p := newPlace(t)
	p.record()
	var asked sync.Map
	var listening atomic.Bool
	p.start(over(wire{seen: func(r *http.Request) error {
		if listening.Load() {
			asked.Store(r.Method+" "+r.URL.String(), true)
		}
		return nil
	}}))
	p.create(shop(`[{setWeight: 20}, {pause: {}}]`))
	p.becomes("Healthy")
	p.patch("shop", image("shop:2"), false)
	p.becomes("Paused")
	time.Sleep(2 * time.Second) // the events are on their way
	listening.Store(true)
	time.Sleep(5 * time.Second)
	asked.Range(func(request, _ any) bool {
		t.Errorf("asked at rest: %v", request)
		return true
	})
}

// TestSomebodyElseWritesAllTheTime has a third party change the rollout and its ReplicaSets while
// an update goes on: every conflict leads to the same end.
func TestSomebodyElseWritesAllTheTime(t *testing.T) {
	p := newPlace(t)
	sizes := p.record()
	p.start()
	p.create(shop(`[{setWeight: 20}, {setWeight: 40}, {setWeight: 60}, {setWeight: 80}]`))
	p.becomes("Healthy")
	ctx, cancel := context.WithCancel(t.Context())
	var busy sync.WaitGroup
	busy.Go(func() {
		for n := 0; ctx.Err() == nil; n++ {
			noise := fmt.Sprintf(`{"metadata":{"annotations":{"noise":"%d"}}}`, n)
			_ = p.client.Patch(ctx, p.named("shop"), client.RawPatch(types.MergePatchType, []byte(noise)))
			var list appsv1.ReplicaSetList
			if p.client.List(ctx, &list, client.InNamespace(p.namespace)) != nil {
				return
			}
			for i := range list.Items {
				noisy := list.Items[i].DeepCopy()
				noisy.Annotations["noise"] = fmt.Sprint(n)
				_ = p.client.Patch(ctx, noisy, client.MergeFrom(&list.Items[i]))
			}
			time.Sleep(2 * time.Millisecond)
		}
	})
	p.patch("shop", image("shop:2"), false)
	end := p.becomes("Healthy")
	cancel()
	busy.Wait()
	if diff := cmp.Diff([]int32{0, 1, 2, 3, 4, 5}, sizes.of(end.Status.StableRS)); diff != "" {
		t.Errorf("sizes of the canary (-want +got):\n%s", diff)
	}
}

func TestASecondReplicaTakesOver(t *testing.T) {
	p := newPlace(t)
	p.record()
	elected := func(o *controller.Options) {
		o.LeaseNamespace, o.Lease = "argo-rollouts", 3*time.Second
		o.Scope = cluster.Scope{Namespace: p.namespace, InstanceID: p.namespace}
	}
	var followerWrites atomic.Int64
	first := p.start(elected)
	p.create(labelled(shop(`[{setWeight: 20}, {pause: {}}]`), p.namespace))
	p.becomes("Healthy")
	second := p.start(elected, over(wire{seen: func(r *http.Request) error {
		if writes(r) {
			followerWrites.Add(1)
		}
		return nil
	}}))
	p.patch("shop", image("shop:2"), false)
	p.becomes("Paused")
	if n := followerWrites.Load(); n > 0 {
		t.Errorf("the follower wrote %d times", n)
	}
	ended := time.Now()
	first.stop()
	p.patch("shop", `{"status":{"abort":true}}`, true)
	p.becomes("Degraded RolloutAborted")
	if took := time.Since(ended); took > 2500*time.Millisecond {
		t.Errorf("taking over took %s although the lease was given back", took)
	}
	second.stop()
}

// labelled puts a rollout into the care of the controller with this instance id.
func labelled(rollout, id string) string {
	return strings.Replace(rollout, "{name: shop}", "{name: shop, labels: {argo-rollouts.argoproj.io/controller-instance-id: "+id+"}}", 1)
}

// TestAControllerThatLostItsLeaseWritesNoMore cuts the leader off from its lease only. It must end
// before another one begins.
func TestAControllerThatLostItsLeaseWritesNoMore(t *testing.T) {
	p := newPlace(t)
	p.record()
	elected := func(o *controller.Options) {
		o.LeaseNamespace, o.Lease = "argo-rollouts", 3*time.Second
		o.Scope = cluster.Scope{Namespace: p.namespace, InstanceID: p.namespace}
	}
	var cut atomic.Bool
	var lastOfFirst, firstOfSecond atomic.Int64
	first := p.start(elected, over(wire{seen: func(r *http.Request) error {
		if cut.Load() && strings.Contains(r.URL.Path, "/leases") {
			return errDead
		}
		if writes(r) {
			lastOfFirst.Store(time.Now().UnixNano())
		}
		return nil
	}}))
	p.create(labelled(shop(`[{setWeight: 20}, {pause: {}}]`), p.namespace))
	p.becomes("Healthy")
	p.start(elected, over(wire{seen: func(r *http.Request) error {
		if writes(r) {
			firstOfSecond.CompareAndSwap(0, time.Now().UnixNano())
		}
		return nil
	}}))
	cut.Store(true)
	for n := range 40 { // there is something to write all the time
		p.patch("shop", image(fmt.Sprintf("shop:%d", n+2)), false)
		time.Sleep(200 * time.Millisecond)
	}
	<-first.done
	if first.err == nil {
		t.Error("losing the lease is no error")
	}
	if firstOfSecond.Load() == 0 {
		t.Fatal("nobody took over")
	}
	if late := time.Duration(lastOfFirst.Load() - firstOfSecond.Load()); late > 0 {
		t.Errorf("it wrote %s after another one had taken over", late)
	}
	p.becomes("Paused")
}
