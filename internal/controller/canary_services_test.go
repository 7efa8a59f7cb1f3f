package controller_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
)

// entered is the shop with a Service for each side.
func entered(steps string) string {
	return strings.Replace(shop(steps), "canary:", "canary:\n      canaryService: canary\n      stableService: stable", 1)
}

func TestTheServicesOfACanaryFollowIt(t *testing.T) {
	p := newPlace(t)
	p.record()
	ways := p.entrances()
	p.start()
	p.create(plainService("stable"), plainService("canary"), entered(`[{setWeight: 20}, {pause: {}}, {setWeight: 60}, {pause: {}}]`))
	first := p.becomes("Healthy").Status.StableRS
	p.points("stable", pointing{first, "shop"})
	p.points("canary", pointing{first, "shop"})

	p.patch("shop", image("shop:2"), false)
	second := p.becomes("Paused").Status.CurrentPodHash
	p.points("canary", pointing{second, "shop"})
	p.points("stable", pointing{first, "shop"})
	p.patch("shop", `{"status":{"promoteFull":true}}`, true)
	p.becomes("Healthy")
	p.points("stable", pointing{second, "shop"})
	p.points("canary", pointing{second, "shop"})
	p.eventually("the old version ends", func() string {
		return cmp.Diff(map[string]int32{first: 0, second: 5}, p.sizes())
	})

	for service, want := range map[string][]string{"stable": {"", first, second}, "canary": {"", first, second}} {
		if diff := cmp.Diff(want, ways.of(service)); diff != "" {
			t.Errorf("Service %s led to (-want +got):\n%s", service, diff)
		}
		if n := ways.fewest(service); n < 1 {
			t.Errorf("nobody answered for Service %s at one time", service)
		}
	}
}

func TestAnAbortTakesTheCanaryServiceBack(t *testing.T) {
	p := newPlace(t)
	p.record()
	ways := p.entrances()
	p.start()
	p.create(plainService("stable"), plainService("canary"), entered(`[{setWeight: 40}, {pause: {}}]`))
	stable := p.becomes("Healthy").Status.StableRS
	p.points("canary", pointing{stable, "shop"})
	p.patch("shop", image("shop:2"), false)
	canary := p.becomes("Paused").Status.CurrentPodHash
	p.points("canary", pointing{canary, "shop"})
	p.patch("shop", `{"status":{"abort":true}}`, true)
	p.becomes("Degraded RolloutAborted")
	p.points("canary", pointing{stable, "shop"})
	p.eventually("the stable version serves alone", func() string {
		return cmp.Diff(map[string]int32{stable: 5, canary: 0}, p.sizes())
	})
	if diff := cmp.Diff([]string{"", stable, canary, stable}, ways.of("canary")); diff != "" {
		t.Errorf("Service canary led to (-want +got):\n%s", diff)
	}
	for _, service := range []string{"stable", "canary"} {
		if n := ways.fewest(service); n < 1 {
			t.Errorf("nobody answered for Service %s at one time", service)
		}
	}
}

// A Rollout without its Services waits for them, and says so; it goes on when they are there.
func TestAMissingServiceIsToldAndNoticedWhenItAppears(t *testing.T) {
	p := newPlace(t)
	p.record()
	p.start()
	p.create(plainService("stable"), entered(`[{setWeight: 40}]`))
	r := p.becomes("Degraded InvalidSpec")
	if !strings.Contains(r.Status.Message, "spec.strategy.canary.canaryService: Service canary does not exist") {
		t.Errorf("the message is %q", r.Status.Message)
	}
	p.create(plainService("canary"))
	p.becomes("Healthy")
}

// Somebody takes the hash out of a selector: it is put back.
func TestAServiceThatSomebodyEditsIsPointedAgain(t *testing.T) {
	p := newPlace(t)
	p.record()
	p.start()
	p.create(plainService("stable"), plainService("canary"), entered(`[{setWeight: 40}]`))
	stable := p.becomes("Healthy").Status.StableRS
	p.points("stable", pointing{stable, "shop"})
	p.edit(&corev1.Service{}, "stable", `{"spec":{"selector":{"rollouts-pod-template-hash":null}}}`)
	p.points("stable", pointing{stable, "shop"})
}

func TestOfTwoRolloutsOneServiceHasOne(t *testing.T) {
	p := newPlace(t)
	p.record()
	p.start()
	p.create(plainService("stable"), plainService("canary"), entered(`[{setWeight: 40}]`))
	stable := p.becomes("Healthy").Status.StableRS
	p.points("stable", pointing{stable, "shop"})
	p.points("canary", pointing{stable, "shop"})

	p.create(strings.Replace(entered(`[{setWeight: 40}]`), "{name: shop}", "{name: second}", 1))
	p.eventually("the second one is told", func() string {
		got := phase(p.rollout("second"))
		if !strings.HasPrefix(got, "Degraded InvalidSpec") || !strings.Contains(got, "Service stable is managed by Rollout shop") {
			return "it is " + got
		}
		return ""
	})
	if got := p.pointing("stable"); got != (pointing{stable, "shop"}) {
		t.Errorf("the first one's Service is %+v", got)
	}
	p.becomes("Healthy")
	if err := p.client.Delete(t.Context(), p.rollout("shop")); err != nil {
		t.Fatal(err)
	}
	p.eventually("the second one has the Services", func() string { return phaseOtherThan("Healthy", p.rollout("second")) })
	p.eventually("they lead to it", func() string {
		want := pointing{p.rollout("second").Status.StableRS, "second"}
		return cmp.Diff(map[string]pointing{"stable": want, "canary": want}, map[string]pointing{"stable": p.pointing("stable"), "canary": p.pointing("canary")})
	})
}
