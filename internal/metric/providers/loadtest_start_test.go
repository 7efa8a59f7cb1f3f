package providers

import (
	"fmt"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/judge"
	"sluice.dev/sluice/internal/metric"
)

const neverBegan = `{"v":1,"verdict":"inconclusive","why":"the before flow failed","sh":[0,2],"t0":0,"dur":0,"arr":0,"skip":0,"req":0,"er":0,"rate":{}}`

// unready is a pod that runs and is not ready to begin.
func unready(index int) corev1.Pod {
	p := loadPod(index, corev1.PodRunning, running(8), "")
	p.Status.ContainerStatuses[0].Ready = false
	return p
}

func evictedPod(index int) corev1.Pod {
	p := loadPod(index, corev1.PodFailed, corev1.ContainerState{}, "")
	p.Status.Reason = "Evicted"
	return p
}

func notReady(message, reason string) metric.Progress {
	return metric.Progress{Done: true, Sample: judge.Sample{Forced: api.AnalysisPhaseInconclusive, Message: message,
		Metadata: map[string]string{"sluice.dev/reason": reason, "job-name": "j", "job-namespace": "shop"}}}
}

// A generator tells the kubelet by a file that it is ready, and is asked no more once the load has begun.
func TestPodsThatShareALoadSayWhenTheyAreReady(t *testing.T) {
	for pods, want := range map[int]string{1: "<nil> 1", 2: "[sluice-load ready /sluice/ready/ready] 1 3"} {
		job, err := LoadTest{Image: "i"}.Object(loadRun, loadMetric(t, inline(shortScript)+fmt.Sprintf("parallelism: %d", pods)), "j")
		if err != nil {
			t.Fatal(err)
		}
		c := job.Spec.Template.Spec.Containers[0]
		got := "<nil>"
		if p := c.StartupProbe; p != nil {
			got = fmt.Sprint(p.Exec.Command, p.PeriodSeconds)
			if wait := time.Duration(p.FailureThreshold) * time.Second; wait < loadPlacing {
				t.Errorf("the kubelet ends a pod that is not ready for %s", wait)
			}
			if last := c.VolumeMounts[2]; last.MountPath != "/sluice/ready" || last.ReadOnly || job.Spec.Template.Spec.Volumes[2].EmptyDir == nil {
				t.Errorf("the mount %+v", last)
			}
		}
		if got = fmt.Sprint(got, " ", len(c.VolumeMounts)); got != want || c.ReadinessProbe != nil {
			t.Errorf("%d pods: %s, want %s", pods, got, want)
		}
	}
}

func TestClocksThatAreOffAreSaid(t *testing.T) {
	heard := func(p corev1.Pod, second int) corev1.Pod {
		when := at(second)
		p.ManagedFields = []metav1.ManagedFieldsEntry{{Subresource: "status", Time: &when}}
		p.Spec.NodeName = "n1"
		return p
	}
	good := func(i int) corev1.Pod { return heard(loadPod(i, corev1.PodSucceeded, left(0, passed), startText), 91) }
	for _, c := range []struct {
		name, message, says string
		second, heard, of   int
		want                any
	}{
		{"all is well", passed, "", 92, 91, 2, 0.0},
		{"the controller looks late, and the server heard in time", passed, "", 500, 95, 2, 0.0},
		{"ahead", passed, "The load test is inconclusive: the clock of pod 2 of 2 on node n1 is 10s ahead of the controller's, so its pods did not begin together.", 80, 80, 2, 3.0},
		{"behind", passed, "The load test is inconclusive: the clock of pod 2 of 2 on node n1 is 9s behind the controller's, so its pods did not begin together.", 100, 99, 2, 3.0},
		{"what fails at less than the load fails", broken, "The load test failed: errors.rate <= 0.05: errors.rate = 0.067.", 100, 99, 2, 1.0},
		{"one pod alone needs nobody to begin with", passed, "The times of the load are not exact: the clock of its pod on node n1 is 9s behind the controller's.", 100, 99, 1, 0.0},
	} {
		t.Run(c.name, func(t *testing.T) {
			pods := []corev1.Pod{good(0), heard(loadPod(1, corev1.PodSucceeded, left(0, c.message), startText), c.heard)}
			if c.second < 90 {
				pods[0].Status.ContainerStatuses[0].State.Terminated.FinishedAt = at(c.second)
			}
			if c.of == 1 {
				pods = []corev1.Pod{heard(loadPod(0, corev1.PodSucceeded, left(0, c.message), ""), c.heard)}
			}
			m := loadMetric(t, inline(shortScript)+fmt.Sprintf("parallelism: %d", c.of))
			got := LoadTest{}.Poll(metric.Seen{Metric: m, Job: loadJob(), Pods: shared(pods), Log: &metric.Log{}, Now: at(c.second).Time})
			if !got.Done || got.Sample.Message != c.says || got.Sample.Result != c.want {
				t.Errorf("%v %q", got.Sample.Result, got.Sample.Message)
			}
		})
	}
}

// What else is measured during a load is looked for by our clock, not by that of a node that is an hour off.
func TestTheTimesOfALoadAreOurs(t *testing.T) {
	passing := func(began int) string {
		return fmt.Sprintf(`{"v":1,"verdict":"pass","t0":%d,"dur":60,"arr":1,"skip":0,"req":9,"er":0,"rate":{}}`, at(began).Unix())
	}
	const hour = 3600
	for _, c := range []struct {
		name        string
		off, second int
		from        int
	}{
		{"all is well", 0, 72, 10},
		{"a report that took its time", 0, 92, 10},
		{"an hour behind", -hour, 71, 11},
		{"an hour ahead", hour, 71, 11},
	} {
		end := left(0, passing(10+c.off))
		end.Terminated.FinishedAt = at(70 + c.off)
		pod := loadPod(0, corev1.PodSucceeded, end, "")
		heard := at(c.second)
		pod.ManagedFields = []metav1.ManagedFieldsEntry{{Subresource: "status", Time: &heard}}
		got := LoadTest{}.Poll(metric.Seen{Metric: loadMetric(t, inline(shortScript)), Job: loadJob(), Pods: []corev1.Pod{pod}, Log: &metric.Log{}, Now: at(c.second).Time})
		if !got.Done || !got.LoadFrom.Equal(at(c.from).Time) || !got.LoadTo.Equal(at(c.from+60).Time) {
			t.Errorf("%s: from %s to %s, want from %s on", c.name, got.LoadFrom, got.LoadTo, at(c.from).UTC())
		}
	}
}
