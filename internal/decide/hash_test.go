package decide

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	"sigs.k8s.io/yaml"

	api "sluice.dev/sluice/api/v1alpha1"
)

// TestHashesAgreeWithARunningInstallation compares with what the reference implementation wrote on a
// real cluster: labels of ReplicaSets and the Rollout's own hashes.
func TestHashesAgreeWithARunningInstallation(t *testing.T) {
	for _, name := range []string{"stable", "paused", "analysing", "aborted"} {
		t.Run(name, func(t *testing.T) {
			raw, err := os.ReadFile(filepath.Join("..", "..", "api", "v1alpha1", "testdata", "adopt", name+".yaml"))
			if err != nil {
				t.Fatal(err)
			}
			var ro api.Rollout
			hashes := map[string]bool{}
			for _, doc := range bytes.Split(raw, []byte("\n---\n")) {
				var kind struct{ Kind string }
				if err := yaml.Unmarshal(doc, &kind); err != nil {
					t.Fatal(err)
				}
				switch kind.Kind {
				case "Rollout":
					err = yaml.UnmarshalStrict(doc, &ro)
				case "ReplicaSet":
					var rs appsv1.ReplicaSet
					err = yaml.Unmarshal(doc, &rs)
					hashes[rs.Labels[api.LabelPodTemplateHash]] = true
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			hash := PodHash(&ro.Spec.Template, ro.Status.CollisionCount)
			if hash != ro.Status.CurrentPodHash || !hashes[hash] {
				t.Errorf("pod hash: got %s, want %s", hash, ro.Status.CurrentPodHash)
			}
			if got := StepHash(ro.Spec.Strategy.Canary.Steps); got != ro.Status.CurrentStepHash {
				t.Errorf("step hash: got %s, want %s", got, ro.Status.CurrentStepHash)
			}
		})
	}
}
