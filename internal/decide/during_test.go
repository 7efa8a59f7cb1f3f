package decide

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"pgregory.net/rapid"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/judge"
)

var duringStart = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

// field is a run with a load test and a metric that is measured during it, second by second.
type field struct {
	run  *api.AnalysisRun
	now  time.Time
	jobs map[string]*loaded
	// boots is how long a load test takes to begin, lasts how long it goes on then; ends is what it comes to, the n-th time.
	boots, lasts time.Duration
	ends         func(n int) judge.Sample
	// value is what the metric server says about a time.
	value   func(about time.Time) judge.Sample
	samples []Taken
	asked   []time.Time        // about when, in order
	kept    map[time.Time]bool // what the measurements that were saved are about
	// crash says that this pass ends before its status is saved, and that what was measured is forgotten.
	crash func() bool
}

type loaded struct {
	from, to time.Time
	sample   judge.Sample
}

func newField(metric api.Metric) *field {
	load := api.Metric{Name: "load", Provider: api.MetricProvider{Job: &api.JobMetric{Report: &api.JobReport{Format: api.ReportResult}}}}
	f := &field{
		run:   &api.AnalysisRun{Spec: api.AnalysisRunSpec{Metrics: []api.Metric{metric, load}}},
		now:   duringStart,
		jobs:  map[string]*loaded{},
		kept:  map[time.Time]bool{},
		boots: 3 * time.Second, lasts: 60 * time.Second,
		ends:  func(int) judge.Sample { return exits(0) },
		value: func(time.Time) judge.Sample { return counts(0) },
		crash: func() bool { return false },
	}
	f.run.UID = "uid"
	return f
}

func exits(code float64) judge.Sample { return judge.Sample{Result: code, Text: fmt.Sprint(code)} }
func counts(n float64) judge.Sample {
	return judge.Sample{Result: []float64{n}, Text: fmt.Sprintf("[%v]", n)}
}

// measured is a metric of Prometheus with `during`.
func measured(during string, interval, delay api.DurationString) api.Metric {
	return api.Metric{
		Name: "errors", During: during, Interval: interval, InitialDelay: delay, SuccessCondition: "result[0] < 1",
		Provider: api.MetricProvider{Prometheus: &api.PrometheusMetric{Query: "q"}},
	}
}

// look is what the cluster shows of the Jobs.
func (f *field) look() map[string]Job {
	seen := map[string]Job{}
	for name, l := range f.jobs {
		job := Job{Ours: true, Waiting: "The Job is running."}
		if !f.now.Before(l.from) {
			job.LoadFrom = l.from
		}
		if !f.now.Before(l.to) {
			job.Done, job.Ended, job.LoadTo, job.Sample = true, true, l.to, l.sample
			job.Sample.FinishedAt = f.now
		}
		seen[name] = job
	}
	return seen
}

// tick is one second: what is due is measured, and passes follow each other until nothing changes.
func (f *field) tick() {
	for range 100 {
		for _, due := range Reads(f.run) {
			if due.At.After(f.now) || slices.ContainsFunc(f.samples, func(t Taken) bool { return t.Key == due.SampleKey }) {
				continue
			}
			s := f.value(due.Asked())
			s.StartedAt, s.FinishedAt = f.now, f.now
			f.asked = append(f.asked, due.Asked())
			f.samples = append(f.samples, Taken{Key: due.SampleKey, Sample: s})
		}
		before, _ := json.Marshal(f.run.Status)
		plan := Analysis(AnalysisInput{Run: f.run.DeepCopy(), Samples: f.samples, Jobs: f.look(), Now: f.now})
		if f.crash() {
			f.samples = nil
			return
		}
		text, err := json.Marshal(plan.Status)
		if err != nil {
			panic(err)
		}
		f.run.Status = api.AnalysisRunStatus{}
		if err := json.Unmarshal(text, &f.run.Status); err != nil {
			panic(err)
		}
		if r := entry(f.run.Status.MetricResults, "errors"); r != nil {
			for i := range r.Measurements {
				f.kept[aboutOf(&r.Measurements[i]).UTC()] = true
			}
		}
		if f.crash() {
			f.samples = nil
			return // before it acts
		}
		for _, action := range plan.Actions {
			if wanted, ok := action.(JobExists); ok && f.jobs[wanted.Name] == nil {
				from := f.now.Add(f.boots)
				f.jobs[wanted.Name] = &loaded{from, from.Add(f.lasts), f.ends(len(f.jobs) + 1)}
			}
		}
		if string(before) == string(text) {
			return
		}
	}
	panic("the run does not come to rest")
}

// play lets at most so many seconds pass, until the run has ended.
func (f *field) play(seconds int) {
	for range seconds {
		f.tick()
		if f.run.Status.Phase.Completed() {
			return
		}
		f.now = f.now.Add(time.Second)
	}
}

// began is when the newest load test did.
func (f *field) began() time.Time {
	var from time.Time
	for _, l := range f.jobs {
		from = later(from, l.from)
	}
	return from
}

func reports(phases map[string]any) judge.Sample {
	s := exits(0)
	s.Report = map[string]any{"phases": phases}
	return s
}

func TestAMetricIsMeasuredDuringALoadTest(t *testing.T) {
	minute := api.DurationString("1m")
	span := func(from, to float64) map[string]any { return map[string]any{"from": from, "to": to} }
	web := func(m api.Metric) api.Metric {
		m.Provider = api.MetricProvider{Web: &api.WebMetric{URL: "http://x"}}
		m.SuccessCondition = "len(result) > 0"
		return m
	}
	for _, c := range []struct {
		name   string
		metric api.Metric
		change func(f *field)
		asked  string // seconds after the load began
		want   api.AnalysisPhase
		says   string
	}{
		{"every interval, and as of its end", measured("load", "25s", ""), nil, "0 25 50 60", api.AnalysisPhaseSuccessful, ""},
		{"after its initial delay", measured("load", "25s", "10s"), nil, "10 35 60", api.AnalysisPhaseSuccessful, ""},
		{"once, as of its end", measured("load", "", ""), nil, "60", api.AnalysisPhaseSuccessful, ""},
		{"once, after a delay", measured("load", "", "20s"), nil, "20", api.AnalysisPhaseSuccessful, ""},
		{"a delay that is longer than it", measured("load", "10s", "2m"), nil, "60", api.AnalysisPhaseSuccessful, ""},
		{"an interval that is longer than it", measured("load", minute+"30s", ""), nil, "0 60", api.AnalysisPhaseSuccessful, ""},
		{"one bad answer fails at once", measured("load", "25s", ""), func(f *field) {
			f.value = func(about time.Time) judge.Sample { return counts(about.Sub(f.began()).Seconds() / 25) }
		}, "0 25", api.AnalysisPhaseFailed, "result[0] is 1"},
		{"a load test that does badly has been there all the same", measured("load", "25s", ""), func(f *field) {
			f.ends = func(int) judge.Sample {
				s := exits(1)
				s.NeverSuccessful, s.Forced = true, api.AnalysisPhaseFailed
				return s
			}
			f.run.Spec.DryRun = []api.DryRun{{MetricName: "load"}}
		}, "0 25 50 60", api.AnalysisPhaseSuccessful, ""},
		{"a load test that cannot tell proves nothing", measured("load", "25s", ""), func(f *field) {
			f.ends = func(int) judge.Sample {
				s := exits(3)
				s.Forced = api.AnalysisPhaseInconclusive
				return s
			}
			f.run.Spec.DryRun = []api.DryRun{{MetricName: "load"}}
		}, "0 25 50", api.AnalysisPhaseInconclusive, `load test "load" came to no result (Inconclusive)`},
		{"a load test that breaks is measured again when it is tried again", measured("load", "25s", ""), func(f *field) {
			f.ends = func(n int) judge.Sample {
				if n == 1 {
					return judge.Sample{Failure: &judge.Failure{Class: judge.BadAnswer, Message: "broke"}}
				}
				return exits(0)
			}
		}, "-73 -48 -23 2 27 52 60", api.AnalysisPhaseSuccessful, ""},
		{"a load test that never starts", measured("load", "25s", ""), func(f *field) {
			f.boots, f.lasts = 1000*time.Hour, -1000*time.Hour+5*time.Second
			f.ends = func(int) judge.Sample {
				return judge.Sample{Forced: api.AnalysisPhaseFailed, NeverSuccessful: true, Message: "No pod."}
			}
			f.run.Spec.DryRun = []api.DryRun{{MetricName: "load"}}
		}, "", api.AnalysisPhaseInconclusive, `it is not known when load test "load" ran`},
		{"a phase, when it is known", measured("load/Burn", "10s", "5s"), func(f *field) {
			f.ends = func(int) judge.Sample {
				return reports(map[string]any{"Warm": span(0, 20), "Burn": span(20.4, 50.7)})
			}
		}, "26 36 46 50", api.AnalysisPhaseSuccessful, ""},
		{"a phase at its end", measured("load/Burn", "", ""), func(f *field) {
			f.ends = func(int) judge.Sample { return reports(map[string]any{"Burn": span(20, 50)}) }
		}, "50", api.AnalysisPhaseSuccessful, ""},
		{"a phase that is said to go on after the end", measured("load/Burn", "", ""), func(f *field) {
			f.ends = func(int) judge.Sample { return reports(map[string]any{"Burn": span(20, 1e9)}) }
		}, "60", api.AnalysisPhaseSuccessful, ""},
		{"a phase that nobody reports", measured("load/Burn", "", ""), func(f *field) {
			f.ends = func(int) judge.Sample { return reports(map[string]any{"Warm": span(0, 20)}) }
		}, "", api.AnalysisPhaseInconclusive, `the report of load test "load" tells of no phase "Burn"`},
		{"no answer at the end is asked for again, about the same time", measured("load", "", ""), func(f *field) {
			n := 0
			f.value = func(time.Time) judge.Sample {
				if n++; n < 3 {
					return judge.Sample{Failure: &judge.Failure{Class: judge.Unreachable, Message: "down"}}
				}
				return counts(0)
			}
		}, "60 60 60", api.AnalysisPhaseSuccessful, ""},
		{"no answer at all", measured("load", "30s", ""), func(f *field) {
			f.value = func(time.Time) judge.Sample {
				return judge.Sample{Failure: &judge.Failure{Class: judge.Unreachable, Message: "down"}}
			}
		}, "0 10 20 30 40", api.AnalysisPhaseError, "consecutiveErrors (5)"},
		{"no data yet is asked for again, about the same time", func() api.Metric {
			m := measured("load", "", "")
			m.NoData = api.NoDataHold
			return m
		}(), func(f *field) {
			n := 0
			f.value = func(time.Time) judge.Sample {
				if n++; n < 3 {
					return judge.Sample{Result: []float64{}}
				}
				return counts(0)
			}
		}, "60 60 60", api.AnalysisPhaseSuccessful, ""},
		{"what cannot look back is measured while it lasts", web(measured("load", "25s", "")), nil, "0 25 50", api.AnalysisPhaseSuccessful, ""},
		{"what cannot look back is measured once, at its beginning", web(measured("load", "", "")), nil, "0", api.AnalysisPhaseSuccessful, ""},
		{"what cannot look back and comes too late", web(measured("load", "", "2m")), nil, "", api.AnalysisPhaseInconclusive, `nothing was measured while load test "load" ran`},
		{"failures that are tolerated", func() api.Metric {
			m := measured("load", "25s", "")
			one := intstr.FromInt32(1)
			m.FailureLimit = &one
			return m
		}(), func(f *field) {
			f.value = func(about time.Time) judge.Sample { return counts(about.Sub(f.began()).Seconds() / 60) }
		}, "0 25 50 60", api.AnalysisPhaseSuccessful, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newField(c.metric)
			if c.change != nil {
				c.change(f)
			}
			f.play(600)
			var asked []string
			for _, about := range f.asked {
				asked = append(asked, fmt.Sprint(about.Sub(f.began()).Seconds()))
			}
			if got := strings.Join(asked, " "); got != c.asked {
				t.Errorf("asked about %s, want %s", got, c.asked)
			}
			got := entry(f.run.Status.MetricResults, "errors")
			if !f.run.Status.Phase.Completed() || got.Phase != c.want || !strings.Contains(got.Message, c.says) {
				t.Errorf("the run is %s, the metric %s: %q; want %s with %q", f.run.Status.Phase, got.Phase, got.Message, c.want, c.says)
			}
		})
	}
}

func TestAMetricThatIsStoppedDuringItsLoadTestIsNotSuccessful(t *testing.T) {
	for _, by := range []string{"", api.StoppedByRollout} {
		f := newField(measured("load", "10s", ""))
		f.play(40)
		f.run.Spec.Terminate = true
		f.run.Annotations = map[string]string{api.AnnotationStoppedBy: by}
		f.play(10)
		got := entry(f.run.Status.MetricResults, "errors")
		want := `stopped before load test "load", during which it is measured, came to a result`
		if got.Successful == 0 || got.Phase != api.AnalysisPhaseInconclusive || !strings.Contains(got.Message, want) {
			t.Errorf("stopped by %q: %d good, %s: %q; want Inconclusive with %q", by, got.Successful, got.Phase, got.Message, want)
		}
		if !judge.OnlyStopped(*got) {
			t.Errorf("it does not count as only stopped: %q", got.Message)
		}
	}
}

// TestLawOfWindows: whatever the metric, the load test, the answers and the crashes, what was measured during a load test is
// about a time in it, and is a success only with a load test that came to a result.
func TestLawOfWindows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seconds := func(name string, from, to int) time.Duration {
			return time.Duration(rapid.IntRange(from, to).Draw(t, name)) * time.Second
		}
		m := measured("load", "", "")
		if rapid.Bool().Draw(t, "repeats") {
			m.Interval = api.DurationString(seconds("interval", 1, 40).String())
		}
		if rapid.Bool().Draw(t, "waits") {
			m.InitialDelay = api.DurationString(seconds("delay", 0, 90).String())
		}
		phase := rapid.Bool().Draw(t, "phase")
		if phase {
			m.During = "load/Burn"
		}
		if rapid.Bool().Draw(t, "holds") {
			m.NoData = api.NoDataHold
		}
		f := newField(m)
		f.boots, f.lasts = seconds("boots", 0, 20)+300*time.Millisecond, seconds("lasts", 0, 60)+time.Duration(rapid.IntRange(0, 999).Draw(t, "ms"))*time.Millisecond
		f.run.Spec.DryRun = []api.DryRun{{MetricName: "load"}}
		f.ends = func(int) judge.Sample {
			s := reports(map[string]any{"Burn": map[string]any{"from": rapid.Float64Range(-10, 70).Draw(t, "from"), "to": rapid.Float64Range(-10, 70).Draw(t, "to")}})
			switch rapid.IntRange(0, 4).Draw(t, "end") {
			case 0:
				return judge.Sample{Failure: &judge.Failure{Class: judge.BadAnswer, Message: "broke"}}
			case 1:
				s.Forced = api.AnalysisPhaseInconclusive
			case 2:
				s.Forced = api.AnalysisPhaseFailed
			}
			return s
		}
		f.value = func(time.Time) judge.Sample {
			switch rapid.IntRange(0, 9).Draw(t, "answer") {
			case 0:
				return judge.Sample{Failure: &judge.Failure{Class: judge.Unreachable, Message: "down"}}
			case 1:
				return judge.Sample{Result: []float64{}}
			case 2:
				return counts(rapid.Float64Range(0, 1.2).Draw(t, "value"))
			}
			return counts(0)
		}
		crashes := rapid.IntRange(0, 5).Draw(t, "crashes")
		f.crash = func() bool {
			if crashes > 0 && rapid.IntRange(0, 20).Draw(t, "crash") == 0 {
				crashes--
				return true
			}
			return false
		}
		f.play(1500)
		if !f.run.Status.Phase.Completed() {
			t.Fatalf("the run has not ended: %+v", f.run.Status)
		}
		for about := range f.kept {
			if !slices.ContainsFunc(f.windows(), func(l *loaded) bool {
				return !about.Before(l.from.Truncate(time.Second)) && !about.After(l.to)
			}) {
				for _, l := range f.windows() {
					t.Logf("from %s to %s", l.from, l.to)
				}
				text, _ := json.MarshalIndent(f.run.Status, "", " ")
				t.Errorf("a measurement is about %s, which lies in no window:\n%s", about, text)
			}
		}
		got, load := entry(f.run.Status.MetricResults, "errors"), entry(f.run.Status.MetricResults, "load")
		if got.Phase == api.AnalysisPhaseSuccessful && (got.Successful == 0 || load.Successful+load.Failed == 0) {
			t.Errorf("Successful, with %d good measurements, and a load test that is %s", got.Successful, load.Phase)
		}
	})
}

func (f *field) windows() []*loaded {
	var all []*loaded
	for _, l := range f.jobs {
		all = append(all, l)
	}
	return all
}

// shown is a status whose load test began at duringStart, and ended after so long; zero lasts.
func shown(lasted time.Duration) api.AnalysisRunStatus {
	begun := metav1.NewTime(duringStart)
	m := api.Measurement{Phase: api.AnalysisPhaseRunning, StartedAt: &begun, Metadata: map[string]string{
		api.EvidenceLoadStartedAt: duringStart.Format(time.RFC3339Nano),
	}}
	r := api.MetricResult{Name: "load", Phase: api.AnalysisPhaseRunning}
	if lasted > 0 {
		over := metav1.NewTime(duringStart.Add(lasted))
		m.Phase, m.FinishedAt, r.Phase = api.AnalysisPhaseSuccessful, &over, api.AnalysisPhaseSuccessful
		m.Metadata[api.EvidenceLoadEndedAt] = over.Format(time.RFC3339Nano)
	}
	r.Measurements = []api.Measurement{m}
	return api.AnalysisRunStatus{MetricResults: []api.MetricResult{r}}
}

func TestASampleOutsideOfItsWindowIsLate(t *testing.T) {
	web := api.Metric{Name: "errors", During: "load", Provider: api.MetricProvider{Web: &api.WebMetric{}}}
	back := measured("load", "10s", "")
	for _, c := range []struct {
		name string
		m    api.Metric
		load time.Duration
		at   time.Duration
		want bool
	}{
		{"in it", web, time.Minute, 30 * time.Second, false},
		{"behind it", web, time.Minute, 61 * time.Second, true},
		{"while it lasts", web, 0, time.Hour, false},
		{"of what can be asked about the past", back, time.Minute, time.Hour, false},
	} {
		if got := late(shown(c.load), c.m, judge.Sample{StartedAt: duringStart.Add(c.at)}); got != c.want {
			t.Errorf("%s: late is %v", c.name, got)
		}
	}
}

func TestAMetricWithoutAnIntervalIsMeasuredOnceInItsWindow(t *testing.T) {
	at := metav1.NewTime(duringStart.Add(10 * time.Second))
	taken := api.MetricResult{Count: 1, Measurements: []api.Measurement{{Phase: api.AnalysisPhaseSuccessful, StartedAt: &at, FinishedAt: &at}}}
	m := measured("load", "", "10s")
	w := windowOf(shown(0), m)
	if next, more := w.next(m, &api.MetricResult{}); !more || !next.at.Equal(at.Time) {
		t.Errorf("first measured at %v, %v", next.at, more)
	}
	if next, more := w.next(m, &taken); more {
		t.Errorf("measured again at %s", next.at)
	}
}

func TestWhenALoadBeganIsNotWrittenOver(t *testing.T) {
	began, later := duringStart.Format(time.RFC3339Nano), duringStart.Add(9*time.Second)
	a := &assay{in: AnalysisInput{Run: &api.AnalysisRun{}, Now: later}}
	load := api.Metric{Name: "load", Provider: api.MetricProvider{LoadTest: &api.LoadTestMetric{}}}
	for noted, want := range map[string]string{began: began, "": later.Format(time.RFC3339Nano)} {
		metadata := map[string]string{api.EvidenceLoadStartedAt: noted}
		a.noteLoad(load, metadata, Job{LoadFrom: later})
		if got := metadata[api.EvidenceLoadStartedAt]; got != want {
			t.Errorf("with %q noted it began at %s, want %s", noted, got, want)
		}
	}
}

func TestEnoughGoodMeasurementsDoNotPassBeforeTheLoadTestHas(t *testing.T) {
	m := measured("load", "10s", "")
	m.Count = new(intstr.FromInt32(1))
	at := metav1.NewTime(duringStart.Add(10 * time.Second))
	r := api.MetricResult{Name: "errors", Count: 1, Successful: 1, Measurements: []api.Measurement{{Phase: api.AnalysisPhaseSuccessful, StartedAt: &at, FinishedAt: &at}}}
	for lasted, want := range map[time.Duration]api.AnalysisPhase{0: api.AnalysisPhaseRunning, 10 * time.Second: api.AnalysisPhaseSuccessful} {
		a := &assay{in: AnalysisInput{Run: &api.AnalysisRun{}, Now: duringStart.Add(11 * time.Second)}, status: shown(lasted)}
		if got, why := a.scoped(m, &r, judge.GoesOn); got != want {
			t.Errorf("after a load of %s it is %s (%s), want %s", lasted, got, why, want)
		}
	}
}
