package cli

import (
	"strings"
	"testing"
)

// TestLintOfAWorkload has the template of a Rollout among the files, or not.
func TestLintOfAWorkload(t *testing.T) {
	const (
		rollout = `apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: shop}
spec:
  workloadRef: {apiVersion: apps/v1, kind: Deployment, name: web, scaleDown: onsuccess}
  strategy: {canary: {steps: [{setWeight: 20}, {pause: {}}], stableService: shop}}
`
		deployment = `---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: shop}}
  template:
    metadata: {labels: {app: shop}}
    spec: {containers: [{name: web, image: "shop:1"}]}
`
		service = `---
apiVersion: v1
kind: Service
metadata: {name: shop}
spec: {selector: {app: shop}, ports: [{port: 80}]}
`
		fine = "0 errors, 0 warnings; 1 object checked in 1 file\n"
	)
	selecting := strings.Replace(rollout, "  strategy:", "  selector: {matchLabels: {app: web}}\n  strategy:", 1)
	tests := []struct {
		name, input string
		flags       []string
		code        int
		want        string
	}{
		{"a Deployment among the files", rollout + deployment + service, []string{"--complete"}, ExitOK, fine},
		{"a Deployment that may be elsewhere", rollout + service, nil, ExitOK,
			"<stdin>:5:3: note: spec.workloadRef: Deployment web was not found [Rollout/shop]\n0 errors, 0 warnings, 1 note; 1 object checked in 1 file\n"},
		{"no Deployment where the files are all there is", rollout + service, []string{"--complete"}, ExitNo,
			"<stdin>:5:3: error: spec.workloadRef: Deployment web does not exist; create it, in the namespace of the Rollout: until then its pods stay as they are [Rollout/shop]\n" +
				"1 error, 0 warnings; 1 object checked in 1 file\n"},
		{"a Service that does not select its pods", rollout + deployment + strings.Replace(service, "app: shop", "app: web", 1), nil, ExitNo,
			"<stdin>:6:62: error: spec.strategy.canary.stableService: Service shop selects app=web, and the pods of this Rollout have app=shop; give the Service a selector with labels of the pod template [Rollout/shop]\n" +
				"1 error, 0 warnings; 1 object checked in 1 file\n"},
		{"a selector that does not select its pods", selecting + deployment + service, nil, ExitNo,
			"<stdin>:6:3: error: spec.selector: \"app=web\" does not select the pods of Deployment web: their labels are app=shop; leave it out: the selector of the workload is used then [Rollout/shop]\n" +
				"1 error, 0 warnings; 1 object checked in 1 file\n"},
		{"a template of its own beside it", rollout + "  template: {metadata: {labels: {app: shop}}}\n" + deployment + service, nil, ExitNo,
			"<stdin>:7:3: error: spec.template: must be empty with workloadRef, which says whose pod template is used; remove template, its labels and annotations too, or remove workloadRef [Rollout/shop]\n" +
				"1 error, 0 warnings; 1 object checked in 1 file\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			result{code: test.code, out: test.want}.of(t, test.input, append([]string{"lint", "-"}, test.flags...)...)
		})
	}
}
