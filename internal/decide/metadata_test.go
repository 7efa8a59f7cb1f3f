package decide

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	api "sluice.dev/sluice/api/v1alpha1"
)

// TestARunSaysWhatItIsFor: other tools find runs by these labels, so nobody can give them another
// meaning.
func TestARunSaysWhatItIsFor(t *testing.T) {
	ro := &api.Rollout{}
	ro.Name, ro.Labels = "shop", map[string]string{api.LabelInstanceID: "east", "team": "of the rollout"}
	ro.Spec.Selector = &metav1.LabelSelector{MatchLabels: map[string]string{"app": "shop"}}
	given := api.AnalysisRunMetadata{
		Labels:      map[string]string{"team": "checkout", api.LabelStepIndex: "99", api.LabelPodTemplateHash: "forged", api.LabelRolloutType: "Other", api.LabelInstanceID: "west"},
		Annotations: map[string]string{"example.com/change": "4711", api.AnnotationRevision: "99"},
	}
	cases := []struct {
		name   string
		slot   slot
		labels map[string]string
	}{
		{"a step", slot{kind: api.RolloutTypeStep, step: 3}, map[string]string{
			"app": "shop", "team": "checkout", api.LabelPodTemplateHash: "6b5", api.LabelRolloutType: "Step", api.LabelStepIndex: "3", api.LabelInstanceID: "east"}},
		{"the background", slot{kind: api.RolloutTypeBackground, step: -1}, map[string]string{
			"app": "shop", "team": "checkout", api.LabelPodTemplateHash: "6b5", api.LabelRolloutType: "Background", api.LabelInstanceID: "east"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			c.slot.analysis.AnalysisRunMetadata = given
			d := &draft{revision: 7}
			labels, notes := d.runMetadata(facts{ro: ro, hash: "6b5"}, c.slot)
			if diff := cmp.Diff(c.labels, labels); diff != "" {
				t.Errorf("labels (-want +got):\n%s", diff)
			}
			want := map[string]string{"example.com/change": "4711", api.AnnotationRevision: "7", annotationAttempt: "0"}
			if diff := cmp.Diff(want, notes); diff != "" {
				t.Errorf("annotations (-want +got):\n%s", diff)
			}
		})
	}
}

func TestARolloutWithoutAnInstanceHasRunsWithoutOne(t *testing.T) {
	s := slot{kind: api.RolloutTypeBackground, step: -1}
	s.analysis.AnalysisRunMetadata.Labels = map[string]string{api.LabelInstanceID: "west", api.LabelStepIndex: "99"}
	labels, _ := (&draft{}).runMetadata(facts{ro: &api.Rollout{}, hash: "6b5"}, s)
	want := map[string]string{api.LabelPodTemplateHash: "6b5", api.LabelRolloutType: "Background"}
	if diff := cmp.Diff(want, labels); diff != "" {
		t.Errorf("a run that another controller would carry out (-want +got):\n%s", diff)
	}
}
