package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const aService = "apiVersion: v1\nkind: Service\nmetadata: {name: %s, namespace: demo}\nspec: {selector: {app: %s}, ports: [{port: 80}]}\n"

// autoscaler sets the replicas of the Rollout.
const autoscaler = `apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: shop}
spec: {scaleTargetRef: {apiVersion: argoproj.io/v1alpha1, kind: Rollout, name: shop}, maxReplicas: 5}
`

// twoSides is a blue-green Rollout.
var twoSides = strings.Split(seedRollout, "    canary:\n")[0] + "    blueGreen: {activeService: live}\n"

// plainRollout needs nothing but itself.
var plainRollout = strings.Replace(seedRollout, "analysis: {templates: [{templateName: success-rate}]}", "pause: {}", 1)

func TestLintOfSeveralObjects(t *testing.T) {
	templateWith := func(name, key string) string {
		return strings.NewReplacer("metadata: {name: success-rate,", "metadata: {name: "+name+",", "secretURL", key).Replace(seedTemplate)
	}
	tests := []struct {
		name, input string
		flags       []string
		code        int
		want        string
	}{
		{"a Service that selects the pods", plainRollout + "---\n" + fmt.Sprintf(aService, "web", "shop"), nil, ExitOK,
			"0 errors, 0 warnings; 1 object checked in 1 file\n"},
		{"a Service that selects pods of another name", plainRollout + "---\n" + fmt.Sprintf(aService, "web", "shopp"), nil, ExitOK,
			"<stdin>:18:19: warning: spec.selector.app: selects app=shopp, and no pod template among the files has that; Rollout/shop has app=shop [Service/web]\n" +
				"0 errors, 1 warning; 1 object checked in 1 file\n"},
		{"a Service beside a Deployment that may be what it is for", plainRollout + "---\n" + fmt.Sprintf(aService, "web", "api") + "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: api}\n", nil, ExitOK,
			"0 errors, 0 warnings; 1 object checked in 1 file\n"},
		{"Services that a Rollout names: one absent, one for other pods", strings.Replace(plainRollout, "    canary:\n", "    blueGreen: {activeService: live, previewService: next}\n    canary:\n", 1) + "---\n" + fmt.Sprintf(aService, "next", "shopp"), nil, ExitNo,
			"<stdin>:9:3: error: spec.strategy: has both canary and blueGreen; remove one of them [Rollout/shop]\n" +
				"<stdin>:10:17: note: spec.strategy.blueGreen.activeService: Service live is not among the files: it was not checked [Rollout/shop]\n" +
				"<stdin>:10:38: error: spec.strategy.blueGreen.previewService: Service next selects app=shopp, and the pods of this Rollout have app=shop; give the Service a selector with labels of the pod template [Rollout/shop]\n" +
				"2 errors, 0 warnings, 1 note; 1 object checked in 1 file\n"},
		{"what is not there is an error when the files are all there is", seedRollout, []string{"--complete"}, ExitNo,
			"<stdin>:13:33: error: spec.strategy.canary.steps[1].analysis.templates[0].templateName: AnalysisTemplate \"success-rate\" does not exist [Rollout/shop]\n" +
				"1 error, 0 warnings; 1 object checked in 1 file\n"},
		{"a Secret as well", seedTemplate, []string{"--complete"}, ExitNo,
			"<stdin>:6:5: error: spec.args[0]: argument amp-workspace takes its value from Secret workspace-url, which does not exist [AnalysisTemplate/success-rate]\n" +
				"1 error, 0 warnings; 1 object checked in 1 file\n"},
		{"one key of a Secret in two spellings", templateWith("a", "secretURL") + "---\n" + templateWith("b", "secretUrl"), nil, ExitOK,
			strings.Replace(unseen("<stdin>", 7), "/success-rate", "/a", 1) +
				"<stdin>:24:53: warning: spec.args[0].valueFrom.secretKeyRef.key: key secretUrl of Secret workspace-url is spelled secretURL at <stdin>:7: these are two different keys; write it in both places as the Secret has it [AnalysisTemplate/b]\n" +
				"0 errors, 1 warning, 1 note; 2 objects checked in 1 file\n"},
		{"two keys that differ by a number are two keys", templateWith("a", "address1") + "---\n" + templateWith("b", "address2"), nil, ExitOK,
			strings.NewReplacer("/success-rate", "/a", "secretURL", "address1").Replace(unseen("<stdin>", 7)) +
				"0 errors, 0 warnings, 1 note; 2 objects checked in 1 file\n"},
		{"warnings may be what counts", templateWith("a", "secretURL") + "---\n" + templateWith("b", "secretUrl"), []string{"--warnings-as-errors"}, ExitNo,
			strings.Replace(unseen("<stdin>", 7), "/success-rate", "/a", 1) +
				"<stdin>:24:53: warning: spec.args[0].valueFrom.secretKeyRef.key: key secretUrl of Secret workspace-url is spelled secretURL at <stdin>:7: these are two different keys; write it in both places as the Secret has it [AnalysisTemplate/b]\n" +
				"0 errors, 1 warning, 1 note; 2 objects checked in 1 file\n"},
		{"a Service that two Rollouts name", strings.Replace(twoSides, "name: shop,", "name: cart,", 1) + "---\n" + twoSides + "---\n" + fmt.Sprintf(aService, "live", "shop"), nil, ExitNo,
			"<stdin>:10:17: error: spec.strategy.blueGreen.activeService: Service live is named by Rollout shop as well, and only one of them can re-point it; give each Rollout Services of its own [Rollout/cart]\n" +
				"<stdin>:21:17: error: spec.strategy.blueGreen.activeService: Service live is named by Rollout cart as well, and only one of them can re-point it; give each Rollout Services of its own [Rollout/shop]\n" +
				"2 errors, 0 warnings; 2 objects checked in 1 file\n"},
		{"what is valid and goes wrong easily", strings.Replace(plainRollout, "pause: {}", "pause: {duration: 1}", 1) + "---\n" + autoscaler, nil, ExitOK,
			"<stdin>:11:7: warning: spec.strategy.canary.steps: are taken by the clock alone: nothing is measured and nobody is asked, so only pods that do not become ready stop a bad version; add an analysis step, an analysis in the background, or pause: {} [Rollout/shop]\n" +
				"0 errors, 1 warning; 1 object checked in 1 file\n"},
		{"an autoscaler beside a stable side that shrinks", strings.Replace(plainRollout, "      steps:", "      dynamicStableScale: true\n      trafficRouting: {plugins: {a/b: {}}}\n      steps:", 1) + "---\n" + autoscaler, nil, ExitNo,
			"<stdin>:11:7: error: spec.strategy.canary.dynamicStableScale: not supported yet [Rollout/shop]\n" +
				"<stdin>:11:7: warning: spec.strategy.canary.dynamicStableScale: is true, and an autoscaler sets the number of pods by an average over both versions: one of them can be overloaded while the average is fine, and an abort has to wait for stable pods; remove it, so that the stable pods stay while the canary grows [Rollout/shop]\n" +
				"<stdin>:12:24: error: spec.strategy.canary.trafficRouting.plugins: not supported yet [Rollout/shop]\n" +
				"2 errors, 1 warning; 1 object checked in 1 file\n"},
		{"an object that is there twice", plainRollout + "---\n" + plainRollout, nil, ExitOK,
			"<stdin>:17:12: warning: metadata.name: Rollout/shop is there twice, at <stdin>:1 as well: the one that is applied last counts; remove one of them [Rollout/shop]\n" +
				"0 errors, 1 warning; 2 objects checked in 1 file\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			result{code: test.code, out: test.want}.of(t, test.input, append([]string{"lint", "-"}, test.flags...)...)
		})
	}
}

// The pod template names a Secret as well, wherever its type has one.
func TestSecretsOfPods(t *testing.T) {
	text := strings.Replace(plainRollout, `image: "shop:1"`, `image: "shop:1", env: [{name: A, valueFrom: {secretKeyRef: {name: s, key: passWord}}}, {name: B, valueFrom: {secretKeyRef: {name: s, key: password}}}]`, 1)
	_, out, _ := run(t, text, "lint", "-")
	if !strings.Contains(out, "warning: spec.template.spec.containers[0].env[1].valueFrom.secretKeyRef.key: key password of Secret s is spelled passWord at <stdin>:8") {
		t.Errorf("got:\n%s", out)
	}
}

// A file that cannot be read keeps nobody from reading what is wrong with the others.
func TestLintGoesOnAfterAFileThatCannotBeRead(t *testing.T) {
	good := filepath.Join(t.TempDir(), "a.yaml")
	if err := os.WriteFile(good, []byte(strings.Replace(plainRollout, "setWeight: 20", "setWeight: 200", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	result{code: ExitFailed, out: good + ":12:9: error: spec.strategy.canary.steps[0].setWeight: is 200 and must be 0 to 100 [Rollout/shop]\n1 error, 0 warnings; 1 object checked in 1 file\n",
		err: "error: reading manifests: lstat /does/not/exist: no such file or directory\n"}.of(t, "", "lint", "/does/not/exist", good)
}

func TestLintOfFilesThatAreNothingOfOurs(t *testing.T) {
	result{out: "0 errors, 0 warnings; 0 objects checked in 1 file\n"}.of(t, "a: b\n", "lint", "-", "--allow-empty")
}

// What stands in a Secret is printed by no output.
func TestLintKeepsSecrets(t *testing.T) {
	text := "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ndata:\n  a: hunter2!\nstringData:\n  b: 4711\n    c: hunter2\n  d: [hunter2]\n---\n" + plainRollout
	for _, output := range lintOutputs {
		code, out, errOut := run(t, text, "lint", "-", "-o", output)
		if code != ExitNo || strings.Contains(out+errOut, "hunter2") || strings.Contains(out+errOut, "4711") {
			t.Errorf("-o %s, exit code %d:\n%s%s", output, code, out, errOut)
		}
	}
}
