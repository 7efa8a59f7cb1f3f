package providers

import (
	"fmt"
	"strings"
	"testing"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/metric"
)

func TestTheLogOfALoadTestThatDidNotPassIsKept(t *testing.T) {
	words := &metric.Log{Text: strings.ReplaceAll(`,"req":12}
{"elapsed":1,"requests":12}
think of the ESC[31mqueue
{"v":1,"verdict":"fail"}
Verdict: fail: http.codes.5xx share is 12 %
`, "ESC", "\x1b")}
	evicted := loadPod(0, corev1.PodFailed, corev1.ContainerState{}, "")
	withheld := loadJob()
	withheld.Annotations = map[string]string{"sluice.dev/last-words": "withheld"}
	good, bad := loadPod(0, corev1.PodSucceeded, left(0, passed), startText), loadPod(1, corev1.PodFailed, left(1, broken), startText)
	lost := loadPod(2, corev1.PodFailed, left(2, "boom"), startText)
	for _, c := range []struct {
		name   string
		pods   []corev1.Pod
		job    *batchv1.Job
		log    *metric.Log
		asked  string // the pod whose log is asked for
		keeps  string
		having string // a condition
	}{
		{"a test that passed", []corev1.Pod{good}, loadJob(), nil, "", "", ""},
		{"a test that passed, and not what was asked of it", []corev1.Pod{good}, loadJob(), nil, "load-0", "", "report.requests > 1000"},
		{"the one that failed of two", []corev1.Pod{good, bad}, loadJob(), nil, "load-1", "", ""},
		{"one without a result before one that failed", []corev1.Pod{good, bad, lost}, loadJob(), nil, "load-2", "", ""},
		{"no log of a pod that never ran", []corev1.Pod{evicted}, loadJob(), nil, "", "", ""},
		{"of a test with secrets none is read", []corev1.Pod{good, bad}, withheld, nil, "", "", ""},
		{"what it says, and not its numbers", []corev1.Pod{good, bad}, loadJob(), words, "", "think of the [31mqueue\nVerdict: fail: http.codes.5xx share is 12 %", ""},
		{"why it could not be read", []corev1.Pod{good, bad}, loadJob(), &metric.Log{Problem: "the pod is gone"}, "", "Not read: the pod is gone.", ""},
		{"with a test that passed nothing is kept", []corev1.Pod{good}, loadJob(), words, "", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := loadMetric(t, inline(shortScript)+fmt.Sprintf("parallelism: %d", len(c.pods)))
			m.SuccessCondition = c.having
			got := LoadTest{}.Poll(metric.Seen{Metric: m, Job: c.job, Pods: shared(c.pods), Log: c.log, Now: at(110).Time})
			asked := ""
			if got.Log != nil {
				asked = got.Log.Pod
				if got.Log.Container != "load" || got.Log.Within > 2*time.Second || got.LoadFrom.IsZero() {
					t.Errorf("asks for %+v, having begun at %s", got.Log, got.LoadFrom)
				}
			}
			if asked != c.asked || got.Done != (asked == "") {
				t.Errorf("asks for the log of %q, want %q; done: %v", asked, c.asked, got.Done)
			}
			if keeps := got.Sample.Metadata[api.EvidenceLog]; keeps != c.keeps {
				t.Errorf("keeps %q, want %q", keeps, c.keeps)
			}
		})
	}
}

func TestAReportSaysWhatItsVerdictIs(t *testing.T) {
	pods := []corev1.Pod{loadPod(0, corev1.PodSucceeded, left(0, passed), startText), loadPod(1, corev1.PodFailed, left(2, "boom"), startText)}
	m := loadMetric(t, inline(shortScript)+"parallelism: 2")
	got := LoadTest{}.Poll(metric.Seen{Metric: m, Job: loadJob(), Pods: shared(pods), Log: &metric.Log{}, Now: at(110).Time})
	if verdict, why := got.Sample.Report["verdict"], got.Sample.Report["why"]; verdict != "inconclusive" || !strings.Contains(fmt.Sprint(why), "pod 2 of 2") {
		t.Errorf("the report says %v because %v", verdict, why)
	}
}
