package vu

import (
	"context"
	"net/http"
	"net/http/httptest"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"sluice.dev/sluice/internal/load/schedule"
	"sluice.dev/sluice/internal/load/script"
	"sluice.dev/sluice/internal/load/series"
	"sluice.dev/sluice/internal/load/stats"
)

func compile(t *testing.T, target, phases, flow string) *script.Script {
	t.Helper()
	s, err := script.Load([]byte("config: {phases: "+phases+"}\nscenarios: [{flow: "+flow+"}]"), script.Options{File: "s.yaml", Target: target})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSharesSendThePlanTogether(t *testing.T) {
	var asked atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	t.Cleanup(server.Close)
	s := compile(t, server.URL, "[{duration: 0.1, arrivalCount: 7}]", "[{get: {url: /}}]")
	total := stats.NewSet()
	var offered int64
	for i := range int64(3) {
		r := stats.NewRecorder(2)
		pace := Run(t.Context(), s, Config{Recorder: r, Share: schedule.Share{Index: i, Of: 3}})
		offered += pace.Offered
		total.Merge(r.Drain())
	}
	if n := total.Counter(series.VUsersCompleted); n != 7 || asked.Load() != 7 || offered != 7 {
		t.Errorf("%d users completed, %d requests came, %d were due; want 7 each", n, asked.Load(), offered)
	}
}

func TestTheBoundTurnsArrivalsAway(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { time.Sleep(500 * time.Millisecond) }))
	t.Cleanup(server.Close)
	s := compile(t, server.URL, "[{duration: 0.1, arrivalCount: 5}]", "[{get: {url: /}}]")
	r := stats.NewRecorder(1)
	pace := Run(t.Context(), s, Config{Recorder: r, Share: schedule.Whole, Bound: 2})
	set := r.Drain()
	if pace.Achieved != 2 || pace.Offered != 5 || set.Counter(series.Overflow) != 3 || set.Counter(series.VUsersSkipped) != 3 {
		t.Errorf("%d of %d started, %d overflowed and %d were skipped", pace.Achieved, pace.Offered, set.Counter(series.Overflow), set.Counter(series.VUsersSkipped))
	}
}

// A moment in which many users wait, for a server that stalls, is not paid for to the end of the run.
func TestAGoroutineOfABurstEndsWithIt(t *testing.T) {
	s := compile(t, "http://127.0.0.1:1", "[{duration: 0.05, arrivalCount: 3000}, {duration: 3, arrivalRate: 20}]", "[{think: 300ms}]")
	before := runtime.NumGoroutine()
	var most int
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan Pace, 1)
	go func() { ended <- Run(ctx, s, Config{Recorder: stats.NewRecorder(1), Share: schedule.Whole}) }()
	for left := 0; ; left = runtime.NumGoroutine() {
		if most = max(most, left-before); most >= 2500 && left-before < 2*idleWorkers {
			break
		}
		select {
		case <-ended:
			t.Fatalf("of %d goroutines %d were left when the run ended", most, left-before)
		case <-time.After(10 * time.Millisecond):
		}
	}
	cancel()
	<-ended
}

// A server that stalls delays what comes after it in one user's walk, and the
// time from the intended start shows the whole of a pause that came too late.
func TestTimeFromTheIntendedStart(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { time.Sleep(20 * time.Millisecond) }))
	t.Cleanup(server.Close)
	s := compile(t, server.URL, "[{duration: 0.05, arrivalCount: 2}]", "[{think: 30ms}, {get: {url: /}}, {think: 10ms}, {get: {url: /}}]")
	r := stats.NewRecorder(1)
	Run(t.Context(), s, Config{Recorder: r, Share: schedule.Whole})
	set := r.Drain()
	from, own := set.Histogram(series.DurationFromIntended).Summary(), set.Histogram(series.Duration).Summary()
	if own.Min < 20 || from.Min < own.Min || from.Count != 4 {
		t.Errorf("%d requests took at least %.1f ms, %.1f ms from when they were intended", from.Count, own.Min, from.Min)
	}
	if length := set.Histogram(series.SessionLength).Summary().Min; length < 80 {
		t.Errorf("a session of two pauses and two requests took %.1f ms, want at least 80", length)
	}
}

func TestAFailedRequestEndsItsUser(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
			_ = conn.Close()
		}
	}))
	t.Cleanup(server.Close)
	s := compile(t, server.URL, "[{duration: 0.05, arrivalCount: 2}]", "[{get: {url: /}}, {get: {url: /never}}]")
	r := stats.NewRecorder(1)
	Run(t.Context(), s, Config{Recorder: r, Share: schedule.Whole})
	set := r.Drain()
	for name, want := range map[string]int64{
		series.Requests: 2, series.Responses: 0, series.VUsersFailed: 2, series.VUsersCompleted: 0,
		series.Errors + "ECONNRESET": 2, series.ErrorClass + "conn_reset": 2,
	} {
		if got := set.Counter(name); got != want {
			t.Errorf("%s = %d, want %d", name, got, want)
		}
	}
}

func TestAURLThatOnlyTheRunShowsToBeNone(t *testing.T) {
	s := compile(t, "http://127.0.0.1:1", "[{duration: 0.02, arrivalCount: 1}]", "[{get: {url: '{{ $testId }}'}}]")
	r := stats.NewRecorder(1)
	Run(t.Context(), s, Config{Recorder: r, Share: schedule.Whole})
	if set := r.Drain(); set.Counter(series.ErrorClass+"script") != 1 || set.Counter(series.VUsersFailed) != 1 {
		t.Errorf("counters: %v", set.Counters())
	}
}
