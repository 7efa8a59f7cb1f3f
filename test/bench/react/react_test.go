package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"

	api "sluice.dev/sluice/api/v1alpha1"
)

func ask(t *testing.T, url string) string {
	t.Helper()
	response, err := http.Post(url+"/api/v1/query", "application/x-www-form-urlencoded", strings.NewReader("query=errors"))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func TestOnlyTheFirstBadAnswerIsTimed(t *testing.T) {
	m := &metrics{}
	server := httptest.NewServer(m)
	defer server.Close()
	if body := ask(t, server.URL); !strings.Contains(body, `"0"]`) {
		t.Errorf("a good server answered %s", body)
	}
	turned := m.turnBad()
	if n := m.answers(); n != 0 {
		t.Errorf("%d answers right after the turn", n)
	}
	before := time.Now()
	for range 2 {
		if body := ask(t, server.URL); !strings.Contains(body, `"2"]`) {
			t.Errorf("a bad server answered %s", body)
		}
	}
	if at := <-turned; at.Before(before) || time.Since(at) > time.Minute {
		t.Errorf("the first bad answer is said to have left at %s, it was asked for at %s", at, before)
	}
	select {
	case at := <-turned:
		t.Errorf("a second bad answer was timed: %s", at)
	default:
	}
	m.turnGood()
	if body := ask(t, server.URL); !strings.Contains(body, `"0"]`) || m.answers() != 1 {
		t.Errorf("after turning good again it answered %s, %d times", body, m.answers())
	}
}

func TestAReactionIsOneSightingOfEachPart(t *testing.T) {
	start := time.Now()
	at := func(ms int) time.Time { return start.Add(time.Duration(ms) * time.Millisecond) }
	meta := func(name string) metav1.ObjectMeta { return metav1.ObjectMeta{Name: name} }
	set := func(name string, replicas int32) runtime.Object {
		return &appsv1.ReplicaSet{ObjectMeta: meta(name), Spec: appsv1.ReplicaSetSpec{Replicas: &replicas}}
	}
	run := func(uid types.UID, phase api.AnalysisPhase) runtime.Object {
		return &api.AnalysisRun{ObjectMeta: metav1.ObjectMeta{Name: "run", UID: uid}, Status: api.AnalysisRunStatus{Phase: phase}}
	}
	ro := func(abort bool) runtime.Object {
		return &api.Rollout{ObjectMeta: meta("shop"), Status: api.RolloutStatus{Abort: abort}}
	}
	w := newWatcher()
	hear := func(ms int, o runtime.Object) { w.hear(watch.Event{Type: watch.Modified, Object: o}, at(ms)) }

	w.begin()
	for _, o := range []runtime.Object{set("canary", 1), set("stable", 4), run("a", api.AnalysisPhaseFailed), ro(true), set("canary", 0)} {
		hear(1, o) // the round before
	}
	hear(2, ro(false))
	hear(2, set("canary", 1))

	done := w.begin()
	hear(10, run("a", api.AnalysisPhaseFailed)) // failed in the round before
	hear(11, set("stable", 5))                  // grows
	hear(12, run("b", api.AnalysisPhaseRunning))
	hear(20, run("b", api.AnalysisPhaseFailed))
	hear(30, ro(true))
	hear(31, ro(true))
	select {
	case <-done:
		t.Fatal("complete before the canary was scaled down")
	default:
	}
	hear(40, set("canary", 0))
	<-done
	got, err := w.seen()
	if want := (sightings{judged: at(20), aborted: at(30), grown: at(11), scaled: at(40)}); err != nil || got != want {
		t.Errorf("saw %+v, %v; want %+v", got, err, want)
	}
}

func TestSummaryComparesMedianAndWorst(t *testing.T) {
	reactions := func(scaled ...int) (all []reaction) {
		for _, n := range scaled {
			all = append(all, reaction{scaled: time.Duration(n) * time.Millisecond})
		}
		return all
	}
	cases := []struct {
		name   string
		all    []reaction
		met    bool
		median string
	}{
		{"both targets are met", reactions(60, 10, 40, 150), true, "50.0 ms  target   50.0 ms"},
		{"the median is too slow", reactions(51, 51, 51), false, "51.0 ms  target   50.0 ms"},
		{"the worst is too slow", reactions(10, 10, 151), false, "10.0 ms  target   50.0 ms"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			text, met := summary(c.all)
			if met != c.met || !strings.Contains(text, c.median) {
				t.Errorf("met is %v, want %v, and %q in:\n%s", met, c.met, c.median, text)
			}
		})
	}
}
