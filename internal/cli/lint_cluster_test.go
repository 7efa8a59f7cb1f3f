package cli

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	api "sluice.dev/sluice/api/v1alpha1"
)

// TestLintAsksAClusterWhenItIsToldTo: what is not among the files is found in the cluster, with what is wrong
// about it there, and is an error where neither has it. Another namespace is not looked into.
func TestLintAsksAClusterWhenItIsToldTo(t *testing.T) {
	p := real(t)
	service := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: "live", Namespace: p.namespace, Annotations: map[string]string{api.AnnotationManagedBy: "cart"}},
		Spec:       corev1.ServiceSpec{Selector: map[string]string{"app": "shop"}, Ports: []corev1.ServicePort{{Port: 80}}},
	}
	template := &api.AnalysisTemplate{ObjectMeta: metav1.ObjectMeta{Name: "success-rate", Namespace: p.namespace}}
	template.Spec = api.AnalysisTemplateSpec{Args: []api.Argument{{Name: "limit"}}, Metrics: []api.Metric{{Name: "m", SuccessCondition: "result < {{args.limit}}", Provider: api.MetricProvider{Web: &api.WebMetric{URL: "http://a"}}}}}
	if err := p.Create(t.Context(), service); err != nil {
		t.Fatal(err)
	}
	if err := p.Create(t.Context(), template); err != nil {
		t.Fatal(err)
	}
	manifest := strings.Replace(seedRollout, ", namespace: demo", "", 1)
	manifest = strings.Replace(manifest, "    canary:\n", "    canary:\n      canaryService: live\n      stableService: absent\n      analysis: {templates: [{templateName: gone}]}\n", 1)

	file := write(t, "shop.yaml", manifest)
	code, out, errOut := p.sluice(t, "lint", file, "--cluster")
	want := file + ":11:7: error: spec.strategy.canary.canaryService: Service live is managed by Rollout cart: its annotation argo-rollouts.argoproj.io/managed-by-rollouts says so; name another Service, or remove the annotation if that Rollout is gone [Rollout/shop]\n" +
		file + ":12:7: warning: spec.strategy.canary.stableService: selects the stable pods alone, and no trafficRouting moves requests away from it: whoever sends them to this Service sees the stable pods shrink as the canary grows; send requests to a Service that selects both versions, or add trafficRouting [Rollout/shop]\n" +
		file + ":12:7: error: spec.strategy.canary.stableService: Service absent is neither among the files nor in the cluster [Rollout/shop]\n" +
		file + ":13:31: error: spec.strategy.canary.analysis.templates[0].templateName: AnalysisTemplate \"gone\" is neither among the files nor in the cluster [Rollout/shop]\n" +
		file + ":16:32: error: spec.strategy.canary.steps[1].analysis.templates[0]: args.limit was not resolved: declared without a value by success-rate [Rollout/shop]\n" +
		"4 errors, 1 warning; 1 object checked in 1 file\n"
	if diff := cmp.Diff(result{code: ExitNo, out: want}, result{code, out, errOut}, cmp.AllowUnexported(result{})); diff != "" {
		t.Errorf("exit code, output, errors (-want +got):\n%s", diff)
	}

	other := write(t, "shop.yaml", strings.Replace(manifest, "{name: shop}\nspec", "{name: shop, namespace: elsewhere}\nspec", 1))
	if code, out, _ := p.sluice(t, "lint", other, "--cluster"); code != ExitOK || !strings.Contains(out, "0 errors, 1 warning, 4 notes") {
		t.Errorf("exit code %d of another namespace:\n%s", code, out)
	}
	if code, out, _ := run(t, "", "lint", file); code != ExitOK || !strings.Contains(out, "0 errors, 1 warning, 4 notes") {
		t.Errorf("exit code %d without a cluster:\n%s", code, out)
	}
}
