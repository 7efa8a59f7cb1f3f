package simulate

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/decide"
)

// foresee plays the seed's rollout with a scenario in JSON.
func foresee(t *testing.T, text string) Result {
	t.Helper()
	s := seedSetup(t)
	s.Scenario = scene(t, text)
	return foreseen(t, s)
}

func foreseen(t *testing.T, s Setup) Result {
	t.Helper()
	if wrong := s.Check(); len(wrong) > 0 {
		t.Fatalf("the scenario is refused: %v", &wrong[0])
	}
	r, err := Simulate(s)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// shown is a timeline for a failing test.
func shown(r Result) string {
	var b strings.Builder
	for _, row := range r.Timeline {
		fmt.Fprintf(&b, "%6s %-8s %3.0f %v %s\n", row.At, row.Kind, row.Weight, row.Pods, row.Text)
	}
	return b.String()
}

func TestScenariosEndAsTheyMust(t *testing.T) {
	tests := []struct{ name, scenario string }{
		{"nothing goes wrong", `{"expect":{"ends":"promoted","within":"95s","minAvailable":4,"unserved":0,"safeWithin":"30s"}}`},
		{"a bad value takes it back at its first weight", `{"metrics":[{"name":"success-rate","version":"new","values":[{"at":0,"is":0.001},{"at":"20s","is":0.0123}]}],
			"expect":{"ends":"aborted","within":"40s","maxWeight":20,"because":"3.1 times the limit","decisions":["Aborted"],"unserved":0}}`},
		{"a bad value of the old version means nothing", `{"metrics":[{"name":"success-rate","version":"old","is":1}],"expect":{"ends":"promoted"}}`},
		{"a ramp crosses the limit", `{"metrics":[{"name":"success-rate","values":[{"at":0,"is":0},{"at":"100s","is":0.01,"ramp":true}]}],
			"expect":{"ends":"aborted","because":"result[0]"}}`},
		{"no data is no success", `{"metrics":[{"name":"success-rate","is":"empty"}],"expect":{"ends":"aborted","because":"no data","maxWeight":20}}`},
		{"NaN is no success", `{"metrics":[{"name":"success-rate","is":"NaN"}],"expect":{"ends":"aborted","maxWeight":20}}`},
		{"a server that answers with errors", `{"metrics":[{"name":"success-rate","is":"error"}],"expect":{"ends":"aborted","because":"answer with an error"}}`},
		{"a verdict that is assumed", `{"metrics":[{"name":"success-rate","is":"inconclusive"}],"expect":{"ends":"paused","maxWeight":20}}`},
		{"a Job that fails", `{"jobs":[{"exitCode":3,"takes":"10s"}],"expect":{"ends":"aborted","within":"25s","because":"exit code 3"}}`},
		{"a Job that never ends", `{"jobs":[{"never":true}],"expect":{"maxWeight":20,"unserved":0}}`},
		{"a Job that can tell nothing", `{"jobs":[{"report":{"inconclusive":true,"why":"too few requests"}}],"expect":{"ends":"paused"}}`},
		{"pods that start slowly", `{"pods":[{"version":"new","startup":"2m"}],"expect":{"ends":"promoted","minAvailable":4,"unserved":0}}`},
		{"pods that never serve", `{"pods":[{"version":"new","never":true}],"expect":{"because":"ProgressDeadlineExceeded","maxWeight":0,"minAvailable":4}}`},
		{"crashed pods come back", `{"events":[{"at":"20s","crash":{"for":"60s"}}],"expect":{"ends":"promoted","minAvailable":4}}`},
		{"pods are evicted", `{"events":[{"at":"20s","evict":{"version":"old","pods":1}}],"expect":{"ends":"promoted","minAvailable":4}}`},
		{"a node dies", `{"events":[{"at":"20s","nodeLoss":{"pods":2}}],"expect":{"ends":"promoted","minAvailable":3,"unserved":0}}`},
		{"somebody aborts", `{"events":[{"at":"40%","do":"abort"}],"expect":{"ends":"aborted","because":"by hand","maxWeight":50}}`},
		{"somebody goes back", `{"events":[{"at":"30s","do":"undo"}],"expect":{"ends":"reverted","maxWeight":20}}`},
		{"abort and retry", `{"events":[{"at":"20s","do":"abort"},{"at":"2m","do":"retry"}],"expect":{"ends":"promoted","decisions":["Aborted","Retried","Promoted"]}}`},
		{"a pause by hand that nobody ends", `{"events":[{"at":"20s","do":"pause"}],"expect":{"ends":"paused","maxWeight":20}}`},
		{"a pause by hand that somebody ends", `{"promoteAfter":"5m","events":[{"at":"20s","do":"pause"}],"expect":{"ends":"promoted"}}`},
		{"promotion in full", `{"events":[{"at":"20s","do":"promote-full"}],"expect":{"ends":"promoted","within":"60s","minAvailable":4}}`},
		{"a third version after a bad one", `{"events":[{"at":"30s","apply":"v3"}],"metrics":[{"name":"success-rate","version":"new","is":1}],
			"expect":{"ends":"promoted","maxWeight":20,"decisions":["Aborted","UpdateStarted","Promoted"]}}`},
		{"the same as a good version", `{"events":[{"at":"12s","apply":"v3"}],"metrics":[{"name":"success-rate","version":"new","values":[{"at":"12s","is":1}]}],"expect":{"ends":"promoted","maxWeight":20}}`},
		{"scaled on the way", `{"events":[{"at":"20s","scale":10}],"expect":{"ends":"promoted","minAvailable":4}}`},
		{"scaled, and applied again by GitOps", `{"reapplyEvery":"10s","events":[{"at":"21s","scale":10}],"expect":{"ends":"promoted","minAvailable":4}}`},
		{"a growing load", `{"autoscaler":{"min":5,"max":12,"perPod":100,"load":[{"at":0,"is":500},{"at":"30s","is":1000}]},"expect":{"ends":"promoted","minAvailable":4}}`},
		{"no controller for a while", `{"events":[{"at":"20s","outage":"2m"}],"expect":{"ends":"promoted","minAvailable":4}}`},
		{"everything is a little broken", `{"faults":{"conflicts":3,"crashes":5,"losses":4,"repeats":2,"stale":1},"expect":{"ends":"promoted","minAvailable":4,"unserved":0}}`},
		{"everything that is read is old", `{"faults":{"stale":3},"expect":{"ends":"promoted","minAvailable":4,"unserved":0}}`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := foresee(t, test.scenario)
			for _, e := range r.Expected {
				if !e.Met {
					t.Errorf("not met: %s, but %s", e.Text, e.But)
				}
			}
			if t.Failed() {
				t.Log("\n" + shown(r))
			}
		})
	}
}

func TestWhatIsAssumedIsSaid(t *testing.T) {
	r := foresee(t, `{"jobs":[{"metric":"trigger-load-test"}]}`)
	want := []Assumption{{Metric: "success-rate", Message: "the scenario has no values for it"}}
	if diff := cmp.Diff(want, r.Assumed); diff != "" {
		t.Errorf("assumed (-want +got):\n%s", diff)
	}
	if r = foresee(t, `{"jobs":[{}],"metrics":[{"name":"success-rate","is":0.001}]}`); len(r.Assumed) != 0 {
		t.Errorf("assumed: %+v", r.Assumed)
	}
}

func TestRequestsThatNobodyCouldHaveServedAreTold(t *testing.T) {
	r := foresee(t, `{"events":[{"at":"20s","crash":{"version":"old","for":"30s"}},{"at":"20s","crash":{"version":"new","for":"10s"}}],"expect":{"unserved":0}}`)
	if r.As || len(r.Unserved) != 1 {
		t.Fatalf("as expected %v, gaps %+v\n%s", r.As, r.Unserved, shown(r))
	}
	g := r.Unserved[0]
	if g.From != Duration(20*time.Second) || g.To != Duration(30*time.Second) || g.Percent != 100 || !strings.Contains(g.Why, "no pod is available") {
		t.Errorf("the gap is %+v", g)
	}
	if r.Fewest != 0 || r.FewestAt != g.From || !strings.Contains(r.Verdict, "up to 100 % of them") {
		t.Errorf("fewest %d at %s, verdict %s", r.Fewest, r.FewestAt, r.Verdict)
	}
}

func TestAnAbortIsMeasuredAtEveryStep(t *testing.T) {
	r := foresee(t, `{"metrics":[{"name":"success-rate","is":1}]}`)
	if len(r.Aborts) != 9 {
		t.Fatalf("%d steps, also those that this scenario never comes to: %+v", len(r.Aborts), r.Aborts)
	}
	for i, a := range r.Aborts {
		if a.Step != int32(i+1) || a.SafeAfter == nil || a.FullAfter == nil || *a.FullAfter > Duration(30*time.Second) || a.Fewest < 4 || a.Unserved != 0 {
			t.Errorf("step %d: %+v", i+1, a)
		}
	}
	if first, last := r.Aborts[0], r.Aborts[8]; first.At != "setWeight: 20" || first.Weight != 20 || last.Weight != 100 || *last.FullAfter <= *first.FullAfter {
		t.Errorf("first %+v, last %+v", first, last)
	}
}

// A pause without a duration holds the update, and not the question what an abort would do after it.
func TestAPauseWithoutADurationWaitsForSomebody(t *testing.T) {
	s := seedSetup(t)
	s.Rollout.Spec.Strategy.Canary.Steps[1].Pause.Duration = nil
	r := foreseen(t, s)
	if r.Ends != EndsPaused || r.As || !strings.Contains(r.Reason, "the pause has no duration") || len(r.Aborts) != 9 {
		t.Errorf("ends %s (%s), %d aborts", r.Ends, r.Reason, len(r.Aborts))
	}
	s.Scenario.PromoteAfter = Duration(time.Hour)
	if r = foreseen(t, s); r.Ends != EndsPromoted || r.EndsAt < Duration(time.Hour) {
		t.Errorf("ends %s after %s", r.Ends, r.EndsAt)
	}
}

func TestAScenarioMayLastLonger(t *testing.T) {
	s := seedSetup(t)
	s.Rollout.Spec.Strategy.Canary.Steps[1].Pause = &api.RolloutPause{Duration: new(intstr.FromString("48h"))}
	if r := foreseen(t, s); r.Ends != EndsPaused {
		t.Errorf("after a day it is %s", r.Ends)
	}
	lasts := Duration(72 * time.Hour)
	s.Scenario.Lasts = &lasts
	if r := foreseen(t, s); r.Ends != EndsPromoted {
		t.Errorf("after three days it is %s", r.Ends)
	}
}

// stepwise is a canary behind a router, with Services, whose stable side shrinks as the canary grows.
func stepwise() Setup {
	weight := func(w int32) api.CanaryStep { return api.CanaryStep{SetWeight: &w} }
	pause := api.CanaryStep{Pause: &api.RolloutPause{Duration: new(intstr.FromString("5m"))}}
	return Setup{Rollout: &api.Rollout{
		ObjectMeta: metav1.ObjectMeta{Name: "checkout"},
		Spec: api.RolloutSpec{
			Replicas: new(int32(8)), Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "shop"}}, Template: slow(20),
			Strategy: api.RolloutStrategy{Canary: &api.CanaryStrategy{
				CanaryService: "canary", StableService: "stable", DynamicStableScale: true,
				TrafficRouting: &api.RolloutTrafficRouting{Nginx: &api.NginxTrafficRouting{StableIngress: "checkout"}},
				Steps:          []api.CanaryStep{weight(25), pause, weight(75), pause},
			}},
		},
	}}
}

// slow is a template whose pods need so many seconds.
func slow(seconds int32) corev1.PodTemplateSpec {
	t := Template("1")
	t.Spec.Containers[0].ReadinessProbe = &corev1.Probe{InitialDelaySeconds: seconds}
	return t
}

func TestAWeightedCanaryIsAbortedWhenMostRequestsGoToIt(t *testing.T) {
	s := stepwise()
	s.Scenario = scene(t, `{"router":{"lag":"10s"},"events":[{"at":"75%","do":"abort"}],
		"expect":{"ends":"aborted","maxWeight":75,"unserved":0,"minAvailable":8,"safeWithin":"1m"}}`)
	r := foreseen(t, s)
	if !r.As || !r.Router || r.EndsAt != Duration(6*time.Minute) {
		t.Errorf("ends %s at %s: %+v\n%s", r.Ends, r.EndsAt, r.Expected, shown(r))
	}
	last := r.Timeline[len(r.Timeline)-1]
	if last.Weight != 0 || last.Pods[0] != (Side{versionOld, 8, 8}) || last.Pods[1] != (Side{versionNew, 0, 0}) {
		t.Errorf("at the end %+v", last.State)
	}
}

func TestARouterThatDoesNothingHoldsTheUpdate(t *testing.T) {
	for _, router := range []string{`{"never":true}`, `{"refuses":true}`} {
		s := stepwise()
		s.Scenario = scene(t, `{"lasts":"20m","router":`+router+`,"expect":{"maxWeight":0,"unserved":0,"minAvailable":8}}`)
		if r := foreseen(t, s); !r.As || r.Ends == EndsPromoted {
			t.Errorf("router %s: ends %s, %+v\n%s", router, r.Ends, r.Expected, shown(r))
		}
	}
}

// switching is a blue-green rollout that is measured after the switch.
func switching() Setup {
	count := intstr.FromInt32(4)
	return Setup{
		Rollout: &api.Rollout{
			ObjectMeta: metav1.ObjectMeta{Name: "catalog"},
			Spec: api.RolloutSpec{
				Replicas: new(int32(4)), Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "shop"}}, Template: slow(15),
				Strategy: api.RolloutStrategy{BlueGreen: &api.BlueGreenStrategy{
					ActiveService: "catalog", PreviewService: "preview", AutoPromotionSeconds: 60,
					PostPromotionAnalysis: &api.RolloutAnalysis{Templates: []api.AnalysisTemplateRef{{TemplateName: "errors"}}},
				}},
			},
		},
		Templates: map[decide.TemplateKey]api.AnalysisTemplateSpec{{Name: "errors"}: {Metrics: []api.Metric{{
			Name: "error-rate", Interval: "30s", Count: &count, SuccessCondition: "result[0] <= 0.01",
			Provider: api.MetricProvider{Prometheus: &api.PrometheusMetric{Query: "errors"}},
		}}}},
	}
}

func TestABlueGreenUpdateGoesBackWhenItsAnalysisFails(t *testing.T) {
	s := switching()
	if r := foreseen(t, s); !r.As || r.Strategy != "blueGreen" || len(r.Aborts) < 3 {
		t.Errorf("without trouble: %s %+v\n%s", r.Verdict, r.Aborts, shown(r))
	}
	s.Scenario = scene(t, `{"metrics":[{"name":"error-rate","version":"new","values":[{"at":"2m","is":0.05}]}],
		"expect":{"ends":"aborted","within":"140s","unserved":0,"minAvailable":4,"because":"5 times the limit"}}`)
	r := foreseen(t, s)
	if !r.As || r.MaxWeight != 100 {
		t.Errorf("%+v\n%s", r.Expected, shown(r))
	}
	switched := false
	for _, row := range r.Timeline {
		switched = switched || row.Active == versionNew
	}
	if last := r.Timeline[len(r.Timeline)-1]; !switched || last.Active != versionOld {
		t.Errorf("the active version was new: %v; at the end it is %s", switched, last.Active)
	}
}

// Programs read the result: its names must not change by accident.
func TestTheResultHasTheseFields(t *testing.T) {
	raw, err := json.Marshal(foresee(t, `{}`))
	if err != nil {
		t.Fatal(err)
	}
	var fields map[string]any
	if err := json.Unmarshal(raw, &fields); err != nil {
		t.Fatal(err)
	}
	for _, name := range strings.Fields("rollout strategy replicas steps mayMiss router startup assumed timeline ends endsAt reason promotedAt fullAt worst fewest fewestAt unserved maxWeight aborts decisions expected asExpected verdict") {
		if _, there := fields[name]; !there {
			t.Errorf("the result has no %s", name)
		}
	}
	row := fields["timeline"].([]any)[1].(map[string]any)
	for _, name := range strings.Fields("at kind text reason phase step weight pods unserved") {
		if _, there := row[name]; !there {
			t.Errorf("a row has no %s: %v", name, row)
		}
	}
	if fields["endsAt"] != 92.0 {
		t.Errorf("a time is %v, want seconds", fields["endsAt"])
	}
}

// Whoever adds a field to the world says here that a fork has its own, or why sharing does no harm.
func TestAForkSharesNothingThatIsEdited(t *testing.T) {
	own := strings.Fields("Templates Resized Evicted Repointed Rescaled Redirected sets experiments services runs evicted born events past")
	shared := strings.Fields("Now Boot Answer Work Invalid Unsupported Fate Refuse DeploymentBoot InvalidExperiment TakenNames Quick Away Clinging gone routing version uid reason wake writes passes") // values, and functions
	replaced := strings.Fields("deployment router rollout")                                                                                                                                             // objects that are never edited
	known := map[string]bool{}
	for _, names := range [][]string{own, shared, replaced} {
		for _, name := range names {
			known[name] = true
		}
	}
	world := reflect.TypeFor[World]()
	for field := range world.Fields() {
		if !known[field.Name] {
			t.Errorf("World.%s: what becomes of it in Fork?", field.Name)
		}
	}
	w := seed(t)
	w.Until(w.Now.Add(20*time.Second), func() {})
	before, version := sized(w), w.version
	f := w.Fork()
	f.Apply(func(ro *api.Rollout) { ro.Spec.Template.Spec.Containers[0].Env[0].Value = "2" })
	f.Until(f.Now.Add(10*time.Minute), func() {})
	if sized(w) != before || w.version != version || len(w.Runs()) != 0 || w.Writes() == f.Writes() {
		t.Errorf("the world has changed with its fork: %s, was %s", sized(w), before)
	}
}

func sized(w *World) string {
	wanted, available := w.Totals()
	return fmt.Sprint(wanted, available, len(w.sets), w.Rollout().Status.CurrentPodHash, len(w.Events()))
}

// FuzzScenario plays whatever passes the check: it ends, and nothing panics.
func FuzzScenario(f *testing.F) {
	for _, text := range []string{
		`{}`, `{"metrics":[{"name":"success-rate","values":[{"at":0,"is":0},{"at":"100s","is":0.01,"ramp":true}]}]}`,
		`{"faults":{"conflicts":2,"crashes":2,"losses":2,"repeats":2,"stale":7}}`, `{"lasts":"1s","events":[{"at":0,"do":"abort"},{"at":0,"do":"retry"},{"at":0,"apply":"old"}]}`,
		`{"autoscaler":{"max":9,"perPod":0.1,"load":[{"at":0,"is":1e300},{"at":60,"is":-1}]}}`, `{"events":[{"at":"step 9","crash":{"for":"1h"}},{"at":"100%","nodeLoss":{"pods":99}},{"at":1,"scale":0}]}`,
		`{"pods":[{"never":true}],"expect":{"ends":"aborted","decisions":["x"],"safeWithin":1}}`, `{"jobs":[{"report":{"inconclusive":1},"exitCode":-1}],"promoteAfter":1,"reapplyEvery":1,"lasts":"2m"}`,
	} {
		f.Add(text)
	}
	setup := seedSetup(f)
	f.Fuzz(func(t *testing.T, text string) {
		s := setup
		if json.Unmarshal([]byte(text), &s.Scenario) != nil || len(s.Check()) > 0 {
			return
		}
		lasts := Duration(10 * time.Minute)
		if asked := s.Scenario.Lasts; asked != nil {
			lasts = min(max(*asked, Duration(time.Second)), lasts)
		}
		s.Scenario.Lasts = &lasts
		r, err := Simulate(s)
		if err == nil && (r.Verdict == "" || len(r.Timeline) == 0 || len(r.Expected) == 0 && s.Scenario.Expect == nil) {
			t.Errorf("nothing is told of %s: %+v", text, r)
		}
		if err != nil && s.Scenario.Faults.none() {
			t.Errorf("%s: %v", text, err)
		}
	})
}
