package decide

import (
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	api "sluice.dev/sluice/api/v1alpha1"
)

const runUID = "0c2f9a54-6d0f-4a1c-9a42-7e0d9b7f3c11"

// TestTwoMetricsNeverShareAJob is story C17: names that are cut to what a label may hold must still differ.
func TestTwoMetricsNeverShareAJob(t *testing.T) {
	tests := []struct {
		name, a, b string
	}{
		{"names that differ at their end only", "load-test-checkout-latency-p95", "load-test-checkout-latency-p99"},
		{"names that differ in case only", "Load", "load"},
		{"names that differ in a character no name can have", "load/1", "load.1"},
		{"a name and its cut form", strings.Repeat("a", 60), strings.Repeat("a", 61)},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if a, b := JobName(runUID, test.a, 1), JobName(runUID, test.b, 1); a == b {
				t.Errorf("both are %s", a)
			}
		})
	}
	if got, want := JobName(runUID, "load", 3), runUID+".load.3"; got != want {
		t.Errorf("a short name is %s, want %s", got, want)
	}
}

// TestPodsOfALoadTestCanBeCalledByItsName: the name with the number of any pod is a DNS label, and no two are the same.
func TestPodsOfALoadTestCanBeCalledByItsName(t *testing.T) {
	label := regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`)
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.String().Draw(t, "a metric"), rapid.String().Draw(t, "another")
		n, m := rapid.Int32Range(1, 9999).Draw(t, "n"), rapid.Int32Range(1, 9999).Draw(t, "m")
		shared := func(metric string, n int32) string {
			return jobName(runUID, api.Metric{Name: metric, Provider: api.MetricProvider{LoadTest: &api.LoadTestMetric{Parallelism: new(int32(50))}}}, n)
		}
		name := shared(a, n)
		if pod := name + "-49"; len(pod) > maxName || !label.MatchString(pod) {
			t.Fatalf("%q is no name of a pod", pod)
		}
		if (a != b || n != m) && name == shared(b, m) {
			t.Fatalf("%q %d and %q %d share %s", a, n, b, m, name)
		}
	})
}

var dnsLabel = regexp.MustCompile(`^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$`)

func TestJobNamesFitALabel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.String().Draw(t, "a metric"), rapid.String().Draw(t, "another")
		n := rapid.Int32Range(1, 9999).Draw(t, "n")
		name := JobName(runUID, a, n)
		if len(name) > maxName || !dnsLabel.MatchString(name) {
			t.Fatalf("%q is no name of a Job", name)
		}
		if a != b && name == JobName(runUID, b, n) {
			t.Fatalf("%q and %q share %s", a, b, name)
		}
	})
}
