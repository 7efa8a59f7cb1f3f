package simulate

import (
	"strings"
	"testing"
	"time"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/decide"
)

// wantMet checks which expectations hold.
func wantMet(t *testing.T, r Result, met bool, text, but string) {
	t.Helper()
	for _, e := range r.Expected {
		if strings.Contains(e.Text, text) {
			if e.Met != met || !strings.Contains(e.But, but) {
				t.Errorf("%s: met %v, but %q; want %v and %q\n%s", e.Text, e.Met, e.But, met, but, shown(r))
			}
			return
		}
	}
	t.Errorf("nothing is expected about %q: %+v", text, r.Expected)
}

// switched is a blue-green rollout of four pods that switches after two minutes.
func switched(t *testing.T) Setup {
	t.Helper()
	var ro api.Rollout
	example(t, "simulate/blue-green.yaml", &ro)
	ro.Spec.Strategy.BlueGreen.PostPromotionAnalysis = nil
	return Setup{Rollout: &ro, Templates: map[decide.TemplateKey]api.AnalysisTemplateSpec{}}
}

func played(t *testing.T, s Setup, text string) Result {
	t.Helper()
	s.Scenario = scene(t, text)
	return foreseen(t, s)
}

func TestPodsCountWhereTheRequestsGo(t *testing.T) {
	r := played(t, switched(t), `{"events":[{"at":"2m","crash":{"version":"new","pods":3}}],"lasts":"4m","expect":{"minAvailable":4}}`)
	wantMet(t, r, false, "at least 4 pods", "1 can serve at 2m")
	if r.Fewest != 1 || r.FewestOf != 4 || !strings.Contains(r.Verdict, "at least 1 of 4 pods could serve") {
		t.Errorf("fewest %d of %d: %s", r.Fewest, r.FewestOf, r.Verdict)
	}
}

func TestAnOutageThatDoesNotEndIsTold(t *testing.T) {
	for _, text := range []string{
		`{"events":[{"at":"20m","crash":{"version":"new"}}],"expect":{"unserved":0}}`,
		`{"events":[{"at":"20m","crash":{"version":"new"}}],"expect":{"unserved":"1h"}}`,
		`{"lasts":"3m","events":[{"at":"3m","crash":{"version":"new"}}],"expect":{"unserved":0}}`,
	} {
		r := played(t, switched(t), text)
		wantMet(t, r, false, "requests have nobody", "has not ended")
		if n := len(r.Unserved); n != 1 || !r.Unserved[0].Open || strings.Contains(r.Verdict, "Every request") {
			t.Errorf("gaps %+v, verdict %s", r.Unserved, r.Verdict)
		}
	}
	r := played(t, switched(t), `{"events":[{"at":"20m","crash":{"version":"new","for":"10s"}}],"expect":{"unserved":"1m"}}`)
	wantMet(t, r, true, "requests have nobody", "")
}

func TestNoPodsAreNoPods(t *testing.T) {
	r := foresee(t, `{"events":[{"at":"5s","scale":0}],"expect":{"minAvailable":4}}`)
	wantMet(t, r, false, "at least 4 pods", "no pods are wanted from 5s on")
	if !strings.Contains(r.Verdict, "No pods were wanted from 5s on.") {
		t.Error(r.Verdict)
	}
	s := seedSetup(t)
	s.Rollout.Spec.Replicas = new(int32)
	if r := played(t, s, `{"lasts":"1m"}`); !strings.Contains(r.Verdict, "No pods were wanted") || strings.Contains(r.Verdict, "0 of 0") {
		t.Error(r.Verdict)
	}
}

func TestAnAbortIsTakenAfterTheWeightHasCome(t *testing.T) {
	var ro api.Rollout
	example(t, "simulate/weighted.yaml", &ro)
	for _, text := range []string{`{}`, `{"router":{"lag":"10s"}}`} {
		r := played(t, Setup{Rollout: &ro}, text)
		var got []float64
		for _, a := range r.Aborts {
			got = append(got, a.Weight)
		}
		if len(got) != 4 || got[0] != 25 || got[1] != 25 || got[2] != 75 || got[3] != 75 {
			t.Errorf("%s: weights %v, want 25 25 75 75", text, got)
		}
	}
	if r := foresee(t, `{}`); r.Aborts[7].Weight != 100 {
		t.Errorf("after %s: %v %%, want 100", r.Aborts[7].At, r.Aborts[7].Weight)
	}
}

func TestEventsThatNeverHappenAreTold(t *testing.T) {
	r := foresee(t, `{"events":[{"at":"99h","do":"abort"},{"at":"step 9","scale":6}],"expect":{"ends":"promoted"}}`)
	wantMet(t, r, false, "every event", "abort at 99h never happened")
	if r.As || len(r.Missed) != 1 {
		t.Errorf("as expected %v, missed %q", r.As, r.Missed)
	}
	if r := foresee(t, `{"events":[{"at":"99h","do":"abort"}]}`); !r.As || len(r.Missed) != 1 {
		t.Errorf("without expectations: as expected %v, missed %q", r.As, r.Missed)
	}
}

func TestWhoEndsWatchingIsTold(t *testing.T) {
	for _, text := range []string{`{"lasts":"20s"}`, `{"reapplyEvery":"1ms"}`} {
		r := foresee(t, text)
		if r.Ends != EndsUnfinished && r.Ends != EndsPaused || r.Stopped == "" || !strings.Contains(r.Verdict, "Watching ended as ") || strings.Contains(r.Verdict, "neither") || strings.Contains(r.Verdict, "somebody") {
			t.Errorf("%s: %s", text, r.Verdict)
		}
	}
}

func TestARouterThatHoldsTheUpdateIsNamed(t *testing.T) {
	var ro api.Rollout
	example(t, "simulate/weighted.yaml", &ro)
	r := played(t, Setup{Rollout: &ro}, `{"router":{"never":true}}`)
	if !strings.Contains(r.Reason, "Waiting for the traffic router to send 25 of 100") {
		t.Error(r.Reason)
	}
	if !strings.Contains(shown(played(t, Setup{Rollout: &ro}, `{}`)), "Service checkout-canary leads to version new.") {
		t.Error("no row says that the Service leads to another version")
	}
}

func TestNonsenseIsRefused(t *testing.T) {
	for _, test := range []struct{ scenario, says string }{
		{`{"expect":{"minAvailable":-1}}`, "expect.minAvailable: is -1"},
		{`{"expect":{"maxWeight":101}}`, "expect.maxWeight: is 101"},
		{`{"expect":{"maxWeight":-1}}`, "expect.maxWeight: is -1"},
		{`{"autoscaler":{"max":3,"perPod":1,"load":[{"at":0,"is":-1}]}}`, "autoscaler.load[0].is: is -1"},
		{`{"lasts":0}`, "lasts: is 0s"},
		{`{"metrics":[{"name":"success-rate","is":1},{"name":"success-rate","is":2}]}`, "metrics[1]: is about the same metric"},
		{`{"pods":[{"startup":"1m","never":true}]}`, "pods[0]: says startup and never"},
		{`{"faults":{"conflicts":2}}`, "faults.conflicts: is 2: an action is two writes"},
		{`{"faults":{"crashes":2}}`, "faults.crashes: is 2"},
	} {
		s := seedSetup(t)
		s.Scenario = scene(t, test.scenario)
		wrong := s.Check()
		if len(wrong) != 1 || !strings.HasPrefix(wrong[0].Error(), test.says) {
			t.Errorf("%s: %+v, want %s", test.scenario, wrong, test.says)
		}
	}
	s := seedSetup(t)
	for _, short := range []string{"success-rate=0.001", "success-rate=5%@2m"} {
		if err := s.WhatIf(short); err != nil || len(s.Check()) > 0 {
			t.Errorf("%s: %v, %v: a short form comes after another", short, err, s.Check())
		}
	}
	if err := s.WhatIf("conflicts=0"); err == nil {
		t.Error("conflicts=0 is taken")
	}
}

func TestFullPromotionIsOfTheVersionItEndsWith(t *testing.T) {
	r := foresee(t, `{"events":[{"at":"3m","apply":"v3"}]}`)
	if r.Ends != EndsPromoted || r.PromotedAt == nil || *r.PromotedAt < Duration(3*time.Minute) || r.FullAt == nil || *r.FullAt < *r.PromotedAt {
		t.Errorf("%s at %v, in full at %v\n%s", r.Ends, r.PromotedAt, r.FullAt, shown(r))
	}
	if r = foresee(t, `{"events":[{"at":"30s","do":"undo"}]}`); r.PromotedAt != nil || r.FullAt != nil {
		t.Errorf("%s, and promoted at %v", r.Ends, r.PromotedAt)
	}
}
