package controller_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "sluice.dev/sluice/api/v1alpha1"
)

const scriptOfShop = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: scripts}\ndata: {shop.yaml: 'a'}"

// scripted is a run whose script is in a ConfigMap.
func scripted(name, more string) string {
	return "apiVersion: argoproj.io/v1alpha1\nkind: AnalysisRun\nmetadata: {name: " + name + "}\nspec:\n  metrics: " +
		`[{name: load, provider: {loadTest: {target: "http://canary", script: {configMap: {name: scripts, key: shop.yaml}}` + more + `}}}]`
}

// loadSays waits until the measurement of a run goes on and says something.
func (p *place) loadSays(name, says string) {
	p.Helper()
	p.eventually(name+" says "+says, func() string {
		var run api.AnalysisRun
		if err := p.client.Get(p.Context(), client.ObjectKey{Namespace: p.namespace, Name: name}, &run); err != nil {
			return err.Error()
		}
		if len(run.Status.MetricResults) != 1 || len(run.Status.MetricResults[0].Measurements) != 1 {
			return fmt.Sprintf("%+v", run.Status.MetricResults)
		}
		if m := run.Status.MetricResults[0].Measurements[0]; m.Phase != api.AnalysisPhaseRunning || !strings.Contains(m.Message, says) {
			return fmt.Sprintf("it is %s and says %q", m.Phase, m.Message)
		}
		return ""
	})
}

// onlyOne is the measurement of a run that has ended, which was the only one.
func (p *place) onlyOne(name string, phase api.AnalysisPhase) api.Measurement {
	p.Helper()
	r := p.run(name, phase).Status.MetricResults[0]
	if r.Error != 0 || len(r.Measurements) != 1 {
		p.Fatalf("%s: %+v", name, r)
	}
	return r.Measurements[0]
}

func (p *place) quotaOnJobs(of string) *corev1.ResourceQuota {
	p.Helper()
	none := corev1.ResourceList{corev1.ResourceName(of): resource.MustParse("0")}
	quota := &corev1.ResourceQuota{ObjectMeta: metav1.ObjectMeta{Namespace: p.namespace, Name: "nothing-more"}, Spec: corev1.ResourceQuotaSpec{Hard: none}}
	if err := p.client.Create(p.Context(), quota); err != nil {
		p.Fatal(err)
	}
	p.setStatus(quota, func() { quota.Status = corev1.ResourceQuotaStatus{Hard: none, Used: none} })
	return quota
}

func TestALoadTestWithoutItsScriptWaitsForIt(t *testing.T) {
	for name, c := range map[string]struct{ key, says string }{
		"no ConfigMap": {"", `" does not exist in namespace "%s"; create it, and it begins by itself.`},
		"no key":       {"other.yaml", `" in namespace "%s" has no key "shop.yaml"; add it, and it begins by itself.`},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			p.start(loading(10))
			if c.key != "" {
				p.create("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: scripts}\ndata: {" + c.key + ": a}")
			}
			p.create(scripted("load", ""))
			p.loadSays("load", `The load test could not begin yet: the script's ConfigMap "scripts`+fmt.Sprintf(c.says, p.namespace))
			mended := time.Now()
			if c.key == "" {
				p.create(scriptOfShop)
			} else if err := p.client.Patch(t.Context(), &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: p.namespace, Name: "scripts"}},
				client.RawPatch("application/merge-patch+json", []byte(`{"data":{"shop.yaml":"a"}}`))); err != nil {
				t.Fatal(err)
			}
			job := p.job("load")
			if took := time.Since(mended); took > 6*time.Second {
				t.Errorf("it began after %s", took)
			}
			p.leave(p.loadPod(job, 0), 0, loadPassed)
			p.onlyOne("load", api.AnalysisPhaseSuccessful)
		})
	}
}

func TestALoadTestThatCannotBeginIsInconclusiveInTheEndAndNotMeasuredAgain(t *testing.T) {
	p := newPlace(t)
	p.start(loading(10))
	p.create(scripted("load", ", deadline: 2s"))
	m := p.onlyOne("load", api.AnalysisPhaseInconclusive)
	want := `The load test could not begin within 2s: the script's ConfigMap "scripts" does not exist in namespace "` + p.namespace + `"; create it, and measure again.`
	if m.Message != want || m.Metadata[api.EvidenceReason] != "NotCreated" {
		t.Errorf("the measurement: %+v, want %q", m, want)
	}
	if took := m.FinishedAt.Sub(m.StartedAt.Time); took < time.Second || took > 5*time.Second {
		t.Errorf("it took %s", took)
	}
}

func TestALoadTestWaitsForAQuota(t *testing.T) {
	p := newPlace(t)
	quota := p.quotaOnJobs("count/jobs.batch")
	p.start(loading(1))
	p.create(loadRun("load", ""))
	p.loadSays("load", "exceeded quota: nothing-more")
	p.loadSays("load", "; raise the quota, or delete what uses it up, and it begins by itself.")
	if err := p.client.Delete(t.Context(), quota); err != nil {
		t.Fatal(err)
	}
	p.leave(p.loadPod(p.job("load"), 0), 0, loadPassed)
	p.onlyOne("load", api.AnalysisPhaseSuccessful)
}

// TestALoadTestTheServerCannotTakeIsTriedOnce: its name for a pull secret is none, which no waiting mends.
func TestALoadTestTheServerCannotTakeIsTriedOnce(t *testing.T) {
	p := newPlace(t)
	p.start(loading(1))
	p.create(loadRun("load", ", serviceAccountName: 'Not A Name'"))
	m := p.onlyOne("load", api.AnalysisPhaseInconclusive)
	if !strings.HasPrefix(m.Message, "The load test could not begin: the server refuses the Job: ") || !strings.Contains(m.Message, "serviceAccountName") {
		t.Errorf("the measurement says %q", m.Message)
	}
}

// TestALoadTestThatWaitsForItsScriptTakesNoPlace: others have it, and when the script is there it stands in line.
func TestALoadTestThatWaitsForItsScriptTakesNoPlace(t *testing.T) {
	p := newPlace(t)
	p.start(loading(1))
	p.create(scripted("first", ""))
	p.loadSays("first", "does not exist")
	p.create(loadRun("second", ""))
	job := p.job("second")
	pod := p.loadPod(job, 0)
	p.create(scriptOfShop)
	p.loadSays("first", "The load test waits for a place: one may run at once")
	p.leave(pod, 0, loadPassed)
	p.completeJob(job)
	p.onlyOne("second", api.AnalysisPhaseSuccessful)
	p.leave(p.loadPod(p.jobOf("first"), 0), 0, loadPassed)
	p.onlyOne("first", api.AnalysisPhaseSuccessful)
}

func TestALoadTestWhoseScriptNeverComesRollsNothingBack(t *testing.T) {
	p := newPlace(t)
	p.record()
	p.start(loading(10))
	metrics := `[{name: load, provider: {loadTest: {target: "http://canary", deadline: 2s, script: {configMap: {name: scripts, key: shop.yaml}}}}}]`
	p.create(limit(metrics, "[]"), shop(analysed))
	p.becomes("Healthy")
	p.patch("shop", image("shop:2"), false)
	p.becomes("Paused")
	if jobs := p.loads(); len(jobs) > 0 {
		t.Errorf("there are %d Jobs", len(jobs))
	}
}
