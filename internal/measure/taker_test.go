package measure

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/decide"
	"sluice.dev/sluice/internal/judge"
	"sluice.dev/sluice/internal/metric"
)

// server is a metric server that answers with the number of questions it got, after a while.
type server struct {
	after time.Duration
	err   error

	mu      sync.Mutex
	asked   []metric.Query
	at      []time.Time
	now     int
	mostNow int
	gaveUp  int
}

// Query implements metric.Reader.
func (s *server) Query(ctx context.Context, q metric.Query) (judge.Sample, error) {
	s.mu.Lock()
	s.asked, s.at = append(s.asked, q), append(s.at, time.Now())
	s.now++
	s.mostNow = max(s.mostNow, s.now)
	number := float64(len(s.asked))
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.now--
	}()
	select {
	case <-time.After(s.after):
		return judge.Sample{Result: number}, s.err
	case <-ctx.Done():
		s.mu.Lock()
		defer s.mu.Unlock()
		s.gaveUp++
		return judge.Sample{}, ctx.Err()
	}
}

// bench is a Taker and what happened around it, inside a bubble with its own time.
type bench struct {
	*Taker
	server *server

	mu       sync.Mutex
	notified []types.NamespacedName
	seen     []int // how many samples could be fetched at each notification
}

// measuring runs a test in a bubble in which time moves only when everybody waits for it.
func measuring(t *testing.T, c Config, s *server, test func(t *testing.T, b *bench)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := &bench{server: s}
		c.Readers = map[string]metric.Reader{"prometheus": s}
		c.Notify = func(name types.NamespacedName) {
			seen := len(b.Samples(types.UID(name.Name)))
			b.mu.Lock()
			defer b.mu.Unlock()
			b.notified, b.seen = append(b.notified, name), append(b.seen, seen)
		}
		b.Taker = New(c)
		test(t, b)
		if err := b.Stop(t.Context()); err != nil {
			t.Errorf("stopping: %v", err)
		}
	})
}

// pass lets time pass, and what it sets off end.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func runNamed(name string) *api.AnalysisRun {
	return &api.AnalysisRun{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name, UID: types.UID(name)}}
}

func due(name string, n int32, at time.Time) decide.Due {
	return decide.Due{
		SampleKey: decide.SampleKey{Metric: name, N: n, At: at},
		Spec: api.Metric{Name: name, Provider: api.MetricProvider{Prometheus: &api.PrometheusMetric{
			Address: "http://prometheus", Query: "up",
		}}},
		Within: 20 * time.Second,
	}
}

func saved(run *api.AnalysisRun, name string, count int32) *api.AnalysisRun {
	run = run.DeepCopy()
	run.Status = api.AnalysisRunStatus{
		Phase:         api.AnalysisPhaseRunning,
		MetricResults: []api.MetricResult{{Name: name, Phase: api.AnalysisPhaseRunning, Count: count}},
	}
	return run
}

func (s *server) times() int { return s.counts().asked }

// counts are how many questions a server got, how many are under way, were at most, and were given up.
type counts struct{ asked, now, mostNow, gaveUp int }

func (s *server) counts() counts {
	s.mu.Lock()
	defer s.mu.Unlock()
	return counts{len(s.asked), s.now, s.mostNow, s.gaveUp}
}

// holds is how much a Taker keeps.
type holds struct{ runs, ahead, running, lanes int }

func (b *bench) holds() holds {
	b.Taker.mu.Lock()
	defer b.Taker.mu.Unlock()
	return holds{len(b.runs), len(b.ahead), b.running, len(b.lanes)}
}

func (b *bench) told() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.notified)
}

func TestAMeasurementIsTakenOnTimeAndOnce(t *testing.T) {
	measuring(t, Config{}, &server{after: time.Second}, func(t *testing.T, b *bench) {
		begun := time.Now()
		want := []decide.Due{due("cpu", 1, begun.Add(20*time.Second)), due("errors", 1, begun)}
		for range 5 {
			b.Want(runNamed("r"), want)
		}
		pass(30 * time.Second)
		b.Want(runNamed("r"), want)
		pass(30 * time.Second)

		if diff := cmp.Diff([]time.Time{begun, begun.Add(20 * time.Second)}, b.server.at); diff != "" {
			t.Errorf("times of questions (-want +got):\n%s", diff)
		}
		samples := b.Samples("r")
		if len(samples) != 2 {
			t.Fatalf("got %d samples, want 2", len(samples))
		}
		if diff := cmp.Diff(want[0].SampleKey, samples[0].Key); diff != "" {
			t.Errorf("identity (-want +got):\n%s", diff)
		}
		cpu := samples[0].Sample
		if !cpu.StartedAt.Equal(begun.Add(20*time.Second)) || !cpu.FinishedAt.Equal(begun.Add(21*time.Second)) {
			t.Errorf("taken from %s to %s, want 20 s to 21 s after the beginning", cpu.StartedAt, cpu.FinishedAt)
		}
	})
}

func TestAQuestionSaysWhenItIsAboutAndHowLongItMayTake(t *testing.T) {
	measuring(t, Config{}, &server{}, func(t *testing.T, b *bench) {
		overdue := time.Now().Add(-time.Minute)
		b.Want(runNamed("r"), []decide.Due{due("cpu", 3, overdue)})
		synctest.Wait()
		q := b.server.asked[0]
		if !q.At.Equal(overdue) || q.Within != 20*time.Second || q.Namespace != "shop" || q.Secret {
			t.Errorf("asked about %s within %s for %s, secret %v", q.At, q.Within, q.Namespace, q.Secret)
		}
	})
}

func TestTheRunIsToldWhenItsSampleCanBeFetched(t *testing.T) {
	measuring(t, Config{}, &server{}, func(t *testing.T, b *bench) {
		now := time.Now()
		b.Want(runNamed("a"), []decide.Due{due("cpu", 1, now.Add(2*time.Second))})
		b.Want(runNamed("b"), []decide.Due{due("cpu", 1, now.Add(time.Second))})
		pass(time.Minute)
		want := []types.NamespacedName{{Namespace: "shop", Name: "b"}, {Namespace: "shop", Name: "a"}}
		if diff := cmp.Diff(want, b.notified); diff != "" {
			t.Errorf("notified (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]int{1, 1}, b.seen); diff != "" {
			t.Errorf("samples at the time (-want +got):\n%s", diff)
		}
	})
}

func TestASampleStaysUntilAStatusWithItWasSaved(t *testing.T) {
	measuring(t, Config{}, &server{}, func(t *testing.T, b *bench) {
		first := []decide.Due{due("cpu", 1, time.Now())}
		b.Want(runNamed("r"), first)
		synctest.Wait()
		b.Saved(saved(runNamed("r"), "cpu", 0))
		b.Want(runNamed("r"), nil)
		if n := len(b.Samples("r")); n != 1 {
			t.Fatalf("got %d samples before the save, want 1", n)
		}
		b.Saved(saved(runNamed("r"), "cpu", 1))
		if n := len(b.Samples("r")); n != 0 {
			t.Errorf("got %d samples after the save, want none", n)
		}
		b.Want(runNamed("r"), first) // from a stale cache
		synctest.Wait()
		if n := b.server.times(); n != 1 {
			t.Errorf("asked %d times, want once", n)
		}
	})
}

func TestASampleGivesWayToTheNextAttemptAtTheSameNumber(t *testing.T) {
	measuring(t, Config{}, &server{}, func(t *testing.T, b *bench) {
		b.Want(runNamed("r"), []decide.Due{due("cpu", 1, time.Now())})
		synctest.Wait()
		next := due("cpu", 1, time.Now().Add(10*time.Second)) // there was no data yet
		b.Want(runNamed("r"), []decide.Due{next})
		if n := len(b.Samples("r")); n != 0 {
			t.Errorf("got %d samples, want none", n)
		}
		pass(11 * time.Second)
		if samples := b.Samples("r"); len(samples) != 1 || !samples[0].Key.At.Equal(next.At) {
			t.Errorf("got %+v, want the sample of %s", samples, next.At)
		}
	})
}

func TestWhatIsNoLongerWantedIsCancelled(t *testing.T) {
	measuring(t, Config{}, &server{after: time.Hour}, func(t *testing.T, b *bench) {
		b.Want(runNamed("r"), []decide.Due{due("cpu", 1, time.Now()), due("later", 1, time.Now().Add(time.Minute))})
		synctest.Wait()
		b.Want(runNamed("r"), nil)
		pass(2 * time.Minute)
		if got, want := b.server.counts(), (counts{asked: 1, mostNow: 1, gaveUp: 1}); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
		if b.told() != 0 || len(b.Samples("r")) != 0 {
			t.Errorf("notified %d times with samples %v, want nothing", b.told(), b.Samples("r"))
		}
	})
}

func TestACompletedRunIsForgotten(t *testing.T) {
	measuring(t, Config{}, &server{after: time.Hour}, func(t *testing.T, b *bench) {
		b.Want(runNamed("r"), []decide.Due{due("cpu", 1, time.Now())})
		synctest.Wait()
		run := runNamed("r")
		run.Status.Phase = api.AnalysisPhaseFailed
		b.Saved(run)
		synctest.Wait()
		if b.server.counts().gaveUp != 1 || b.holds() != (holds{}) {
			t.Errorf("%d given up, %+v kept; want 1 and nothing", b.server.counts().gaveUp, b.holds())
		}
	})
}

func TestAfterARestartADueReadIsTakenAgainForTheSameTime(t *testing.T) {
	s := &server{after: time.Second}
	var scheduled time.Time
	measuring(t, Config{}, s, func(t *testing.T, b *bench) {
		scheduled = time.Now()
		b.Want(runNamed("r"), []decide.Due{due("cpu", 1, scheduled)})
		pass(500 * time.Millisecond) // the process ends before the answer is there
	})
	measuring(t, Config{}, s, func(t *testing.T, b *bench) {
		pass(5 * time.Second)
		b.Want(runNamed("r"), []decide.Due{due("cpu", 1, scheduled)})
		pass(2 * time.Second)
		if len(b.Samples("r")) != 1 {
			t.Fatalf("got %d samples, want 1", len(b.Samples("r")))
		}
		for i, q := range s.asked {
			if !q.At.Equal(scheduled) {
				t.Errorf("question %d is about %s, want %s", i+1, q.At, scheduled)
			}
		}
	})
}

func TestEachBackendHasItsLimitAndASlowOneDelaysOnlyItsOwn(t *testing.T) {
	slow := &server{after: 10 * time.Second}
	measuring(t, Config{PerBackend: 4}, slow, func(t *testing.T, b *bench) {
		begun := time.Now()
		for i := range 20 {
			b.Want(runNamed(fmt.Sprintf("slow-%d", i)), []decide.Due{due("cpu", 1, begun)})
		}
		other := due("cpu", 1, begun)
		other.Spec.Provider.Prometheus.Address = "http://other"
		b.Want(runNamed("other"), []decide.Due{other})
		synctest.Wait()
		if now := slow.counts().now; now != 5 {
			t.Errorf("%d questions under way, want 4 of one backend and 1 of the other", now)
		}
		pass(time.Minute)
		if most := slow.counts().mostNow; most != 5 || b.told() != 21 {
			t.Errorf("%d at once and %d notified, want 5 and 21", most, b.told())
		}
	})
}

func TestAThousandRunsAtRestCostOneGoroutine(t *testing.T) {
	s := &server{after: time.Second}
	measuring(t, Config{AtOnce: 50, PerBackend: 50}, s, func(t *testing.T, b *bench) {
		at := time.Now().Add(time.Hour)
		for i := range 1000 {
			b.Want(runNamed(fmt.Sprintf("run-%d", i)), []decide.Due{due("cpu", 1, at)})
		}
		synctest.Wait()
		if got, want := b.holds(), (holds{runs: 1000, ahead: 1000}); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
		pass(2 * time.Hour)
		if most := s.counts().mostNow; most != 50 || b.told() != 1000 {
			t.Errorf("%d at once and %d notified, want 50 and 1000", most, b.told())
		}
		if got, want := b.holds(), (holds{runs: 1000}); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
	})
}

func TestStopEndsWhatIsUnderWayAndNothingStartsAfterwards(t *testing.T) {
	measuring(t, Config{}, &server{after: time.Hour}, func(t *testing.T, b *bench) {
		b.Want(runNamed("r"), []decide.Due{due("cpu", 1, time.Now())})
		synctest.Wait()
		if err := b.Stop(t.Context()); err != nil {
			t.Fatalf("stopping: %v", err)
		}
		b.Want(runNamed("s"), []decide.Due{due("cpu", 1, time.Now())})
		synctest.Wait()
		if got, want := b.server.counts(), (counts{asked: 1, mostNow: 1, gaveUp: 1}); got != want || b.told() != 0 {
			t.Errorf("got %+v and %d notified, want %+v and none", got, b.told(), want)
		}
	})
}
