package decide

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/util/validation"

	api "sluice.dev/sluice/api/v1alpha1"
)

// Kubernetes refuses an Indexed Job whose name and index do not make a host name.
func TestTheNameOfASharedLoadTestMakesHostNames(t *testing.T) {
	const uid = "eff2eb37-45d2-46b8-9e81-a13a47a6b86c"
	seen := map[string]string{}
	for _, metric := range []string{"load", "Load", "a", "a-1", "load.of_all", strings.Repeat("long", 20), strings.Repeat("long", 20) + "er"} {
		m := api.Metric{Name: metric, Provider: api.MetricProvider{LoadTest: &api.LoadTestMetric{Parallelism: new(int32(50))}}}
		name := jobName(uid, m, 11)
		if problems := validation.IsDNS1123Label(name + "-49"); len(problems) > 0 {
			t.Errorf("%q: %v", name, problems)
		}
		if other := seen[name]; other != "" {
			t.Errorf("metrics %q and %q share the Job %q", metric, other, name)
		}
		seen[name] = metric
		m.Provider.LoadTest.Parallelism = nil
		if got, want := jobName(uid, m, 11), JobName(uid, metric, 11); got != want {
			t.Errorf("the Job of one pod is %q, want %q", got, want)
		}
	}
}
