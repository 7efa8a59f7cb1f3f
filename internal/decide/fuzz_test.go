package decide

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/judge"
)

// document is everything a pass over a Rollout, and one over a run, looks at; a fuzzer writes it.
type document struct {
	Rollout  api.Rollout
	Observed struct {
		ReplicaSets []ReplicaSet
		Runs        []*api.AnalysisRun
		Templates   map[string]api.AnalysisTemplateSpec
		Taken       map[string]bool
		Invalid     []string
		Refused     string
	}
	Run     api.AnalysisRun
	Jobs    map[string]Job
	Samples []Taken
	Now     int64
}

func (d document) observed() Observed {
	o := Observed{
		ReplicaSets: d.Observed.ReplicaSets, Taken: d.Observed.Taken, Invalid: d.Observed.Invalid, Refused: d.Observed.Refused,
		Templates: map[TemplateKey]api.AnalysisTemplateSpec{},
	}
	for _, r := range d.Observed.Runs {
		if r != nil {
			o.Runs = append(o.Runs, r)
		}
	}
	for name, spec := range d.Observed.Templates {
		o.Templates[TemplateKey{Name: name}] = spec
	}
	return o
}

// FuzzDecide feeds both decisions whatever JSON can say: they must not panic, must not edit what
// they were given, and must say the same when asked twice.
func FuzzDecide(f *testing.F) {
	for _, path := range []string{"seed/rollout.yaml", "seed/analysis-template.yaml"} {
		raw, err := os.ReadFile(filepath.Join("..", "..", "examples", path))
		if err != nil {
			f.Fatal(err)
		}
		object, err := yaml.YAMLToJSON(raw)
		if err != nil {
			f.Fatal(err)
		}
		f.Add([]byte(`{"Rollout":` + string(object) + `,"Run":` + string(object) + `,"Now":1767225600}`))
	}
	f.Add([]byte(`{"Rollout":{"spec":{"strategy":{"canary":{"steps":[{"pause":{}},{"analysis":{"templates":[{"templateName":"t"}]}}]}}},
		"status":{"currentStepIndex":-3,"abort":true,"controllerPause":true,"stableRS":"x"}},"Observed":{"ReplicaSets":[{"Hash":"x","Wanted":-1}]}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		var d document
		if json.Unmarshal(raw, &d) != nil {
			t.Skip("not a document")
		}
		now := time.Unix(d.Now%(1<<33), 0).UTC()
		rollout := RolloutInput{Rollout: &d.Rollout, Observed: d.observed(), Now: now}
		unchanged(t, rollout, Rollout)
		analysis := AnalysisInput{Run: &d.Run, Samples: d.Samples, Jobs: d.Jobs, Now: now}
		unchanged(t, analysis, Analysis)
		Reads(&d.Run)
	})
}

func unchanged[I, S any](t *testing.T, in I, decision func(I) Plan[S]) {
	t.Helper()
	before := text(t, in)
	first := decision(in)
	if diff := cmp.Diff(before, text(t, in)); diff != "" {
		t.Fatalf("the input was edited (-before +after):\n%s", diff)
	}
	if diff := cmp.Diff(text(t, first.Status), text(t, decision(in).Status)); diff != "" {
		t.Fatalf("asked twice, two answers:\n%s", diff)
	}
}

// text is a value as JSON, in which maps have one order.
func text(t *testing.T, v any) string {
	t.Helper()
	if in, ok := v.(RolloutInput); ok {
		in.Observed.Templates = nil // a map with keys JSON cannot write
		v = in
	}
	raw, err := json.Marshal(v)
	if err != nil {
		t.Skip("not a value JSON can write")
	}
	return string(raw)
}

// TestDecideKeepsItsInput is the fuzz target's claim on a run in the middle of its life.
func TestDecideKeepsItsInput(t *testing.T) {
	started := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	run := &api.AnalysisRun{Spec: api.AnalysisRunSpec{Metrics: []api.Metric{
		{Name: "m", Interval: "5s", SuccessCondition: "result[0] < 1", Provider: api.MetricProvider{Prometheus: &api.PrometheusMetric{Query: "q"}}},
		{Name: "j", Provider: api.MetricProvider{Job: &api.JobMetric{}}},
	}}}
	plan := Analysis(AnalysisInput{Run: run, Now: started})
	run.Status = plan.Status
	due := Reads(run)
	if len(due) != 1 {
		t.Fatalf("%d reads are due, want one", len(due))
	}
	in := AnalysisInput{
		Run: run, Now: started.Add(time.Second),
		Samples: []Taken{{Key: due[0].SampleKey, Sample: judge.Sample{Result: []float64{2}, Text: "[2]", Metadata: map[string]string{"k": "v"}}}},
		Jobs:    map[string]Job{JobName("", "j", 1): {Ours: true, Waiting: "The Job is running."}},
	}
	unchanged(t, in, Analysis)
	if got := Analysis(in).Status.Phase; got != api.AnalysisPhaseFailed {
		t.Errorf("phase %s, want Failed", got)
	}
}
