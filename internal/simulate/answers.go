package simulate

import (
	"fmt"
	"math"
	"time"

	corev1 "k8s.io/api/core/v1"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/judge"
)

// What is assumed where a scenario says nothing.
const (
	defaultStartup = 5 * time.Second
	defaultJob     = 30 * time.Second
)

// boot is how long a pod of a revision needs to be available.
func (p *player) boot(hash string) time.Duration {
	if p.began.IsZero() {
		return time.Second
	}
	version := p.version(hash)
	startup, _ := p.startup(version)
	if until, loops := p.looping[version]; loops && until.IsZero() {
		return -1
	} else if loops && startup >= 0 {
		startup += until.Sub(p.w.Now)
	}
	return startup
}

// startup is how long pods of a version need when nothing goes wrong, and whether the scenario says so.
func (p *player) startup(version string) (needs time.Duration, said bool) {
	if needs = probed(&p.manifest.Spec.Template.Spec); needs == 0 {
		needs = defaultStartup
	}
	for _, rule := range p.plot.Pods {
		switch {
		case rule.Version != "" && rule.Version != version:
		case rule.Never:
			needs, said = -1, true
		case rule.Startup > 0:
			needs, said = time.Duration(rule.Startup), true
		}
	}
	if needs < 0 {
		return needs, said
	}
	return needs + time.Duration(p.manifest.Spec.MinReadySeconds)*time.Second, said
}

// probed is the least that readiness probes ask for, 0 when they ask for nothing.
func probed(spec *corev1.PodSpec) time.Duration {
	least := time.Duration(0)
	for _, c := range spec.Containers {
		if probe := c.ReadinessProbe; probe != nil {
			least = max(least, time.Duration(probe.InitialDelaySeconds)*time.Second)
		}
	}
	return least
}

// answer is what the metric server says.
func (p *player) answer(q Question) judge.Sample {
	version := p.version(q.Revision)
	value, known := Value{}, false
	for _, s := range p.plot.Metrics {
		if s.Name == q.Metric && (s.Version == "" || s.Version == version) {
			if v, ok := s.at(q.At.Sub(p.began)); ok {
				value, known = v, true
			}
		}
	}
	if !known {
		p.assume(q.Metric, "the scenario has no values for it", false)
		return judge.Sample{Forced: api.AnalysisPhaseSuccessful, Text: "assumed", Message: "Assumed: the scenario has no values for this metric."}
	}
	return value.sample(q.Spec)
}

// at is the value so long after the beginning; false before the first.
func (s Series) at(after time.Duration) (value Value, known bool) {
	if s.Is != nil {
		value, known = *s.Is, true
	}
	for i, point := range s.Values {
		at := time.Duration(point.At)
		if at > after {
			if next := s.Values[i]; known && next.Ramp && i > 0 && value.single && next.Is.single {
				begin := time.Duration(s.Values[i-1].At)
				done := float64(after-begin) / float64(at-begin)
				value = numeric(value.Numbers[0] + done*(next.Is.Numbers[0]-value.Numbers[0]))
			}
			return value, known
		}
		value, known = point.Is, true
	}
	return value, known
}

// sample is the value in the shape in which the metric's provider gives it.
func (v Value) sample(m api.Metric) judge.Sample {
	s := judge.Sample{Text: v.String()}
	switch v.Word {
	case wordError:
		return judge.Sample{Failure: &judge.Failure{Class: judge.ServerError, Message: "the scenario lets the metric server answer with an error"}}
	case wordPass, wordFail, wordInconclusive:
		s.Forced = map[string]api.AnalysisPhase{
			wordPass: api.AnalysisPhaseSuccessful, wordFail: api.AnalysisPhaseFailed, wordInconclusive: api.AnalysisPhaseInconclusive,
		}[v.Word]
		s.Message = "The scenario says so: " + v.Word + "."
		return s
	case wordEmpty:
		s.Result, s.Text = []float64{}, "[]"
		if m.Provider.Web != nil {
			s.Result, s.Text = nil, ""
		}
		return s
	}
	switch {
	case v.Tree != nil:
		s.Result = v.Tree
	case m.Provider.Prometheus != nil:
		s.Result = v.Numbers
		if v.single {
			s.Text = "[" + s.Text + "]"
		}
	case v.single:
		s.Result = v.Numbers[0]
	default:
		items := make([]any, len(v.Numbers))
		for i, n := range v.Numbers {
			items[i] = n
		}
		s.Result = items
	}
	return s
}

// work is what a Job comes to.
func (p *player) work(q Question) (judge.Sample, time.Duration) {
	version := p.version(q.Revision)
	plan, known := JobPlan{}, false
	for _, j := range p.plot.Jobs {
		if (j.Metric == "" || j.Metric == q.Metric) && (j.Version == "" || j.Version == version) {
			plan, known = j, true
		}
	}
	takes := time.Duration(plan.Takes)
	if takes == 0 {
		takes = defaultJob
	}
	if !known {
		p.assume(q.Metric, fmt.Sprintf("its Job is taken to succeed after %s", Duration(takes)), true)
		return judge.Sample{
			Result: 0.0, Text: "0", Forced: api.AnalysisPhaseSuccessful, Message: "Assumed: the scenario says nothing about this Job.",
		}, takes
	}
	if plan.Never {
		takes = -1
	}
	if q.Spec.Provider.LoadTest != nil {
		return plan.loadSample(), takes
	}
	return plan.sample(), takes
}

// sample is what the Job's end says, as the Job provider reads it.
func (j JobPlan) sample() judge.Sample {
	s := judge.Sample{Result: float64(j.ExitCode), Text: fmt.Sprint(j.ExitCode), Report: j.Report}
	if j.ExitCode != 0 {
		s.NeverSuccessful = true
		s.Message = fmt.Sprintf("The Job failed: its container ended with exit code %d.", j.ExitCode)
	}
	undecided, _ := j.Report["inconclusive"].(bool)
	if verdict, _ := j.Report["verdict"].(string); undecided || verdict == wordInconclusive {
		s.Forced, s.Message = api.AnalysisPhaseInconclusive, "The Job's report says that nothing can be concluded."
		if why, ok := j.Report["why"].(string); ok {
			s.Message = why
		}
	}
	return s
}

// loadSample is what the end of a load test says, as its provider reads it: by its exit code, or the verdict of its report.
func (j JobPlan) loadSample() judge.Sample {
	verdict, _ := j.Report["verdict"].(string)
	undecided, _ := j.Report["inconclusive"].(bool)
	because, _ := j.Report["why"].(string)
	if because != "" {
		because = ": " + because
	}
	switch {
	case undecided || verdict == wordInconclusive || j.ExitCode == 3:
		return judge.Sample{Result: 3.0, Text: "3", Report: j.Report, Forced: api.AnalysisPhaseInconclusive, Message: "The load test is inconclusive" + because + "."}
	case verdict == wordFail || j.ExitCode == 1 || j.ExitCode == 21:
		return judge.Sample{Result: 1.0, Text: "1", Report: j.Report, NeverSuccessful: true, Message: "The load test failed" + because + "."}
	case j.ExitCode != 0:
		return judge.Sample{Failure: &judge.Failure{Class: judge.BadAnswer,
			Message: fmt.Sprintf("the load test left no result that can be read: it ended with exit code %d", j.ExitCode)}}
	}
	return judge.Sample{Result: 0.0, Text: "0", Report: j.Report}
}

// assume remembers that a verdict rests on nothing.
func (p *player) assume(metric, because string, job bool) {
	if p.tape != nil {
		p.tape.assume(Assumption{Metric: metric, Job: job, Message: because})
	}
}

// percent is a share as people write it.
func percent(share float64) string {
	return fmt.Sprintf("%g %%", math.Round(share*10)/10)
}
