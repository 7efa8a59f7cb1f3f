package crd_test

import (
	"testing"

	"k8s.io/apimachinery/pkg/runtime"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/validate"
)

// judged is what validation says against an object; ok is false where it is not asked about the kind.
func judged(t *testing.T, kind string, content map[string]any) (wrong validate.Findings, ok bool) {
	t.Helper()
	read := func(into any) {
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(content, into); err != nil {
			t.Fatalf("reading %v: %v", content, err)
		}
	}
	switch kind {
	case "Rollout":
		var ro api.Rollout
		read(&ro)
		wrong = validate.Rollout(&ro)
	case "AnalysisRun":
		var run api.AnalysisRun
		read(&run)
		wrong = validate.Run(&run)
	case "AnalysisTemplate", "ClusterAnalysisTemplate":
		var template api.AnalysisTemplate
		read(&template)
		wrong = validate.Template(&template.Spec)
	default:
		return nil, false
	}
	return wrong.Of(validate.Invalid), true
}

// TestWhatTheServerRefusesValidationRefusesToo: whoever lints is told before the server tells.
func TestWhatTheServerRefusesValidationRefusesToo(t *testing.T) {
	for _, rule := range rules {
		t.Run(rule.name, func(t *testing.T) {
			for _, bad := range rule.bad {
				if wrong, ok := judged(t, rule.kind, object(t, rule.kind, bad).Object); ok && len(wrong) == 0 {
					t.Errorf("validation has nothing against:\n%s", bad)
				}
			}
		})
	}
}
