package command

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	"sigs.k8s.io/yaml"

	api "sluice.dev/sluice/api/v1alpha1"
)

const (
	pod       = "template: {metadata: {labels: {app: shop}}, spec: {initContainers: [{name: migrate, image: 'tool:1'}], containers: [{name: web, image: 'shop:3'}, {name: log, image: 'log:1'}]}}"
	third     = "metadata: {name: shop, uid: u, generation: 3, resourceVersion: '77'}\nspec: {" + pod + "}\nstatus: {observedGeneration: '3', currentPodHash: ccc, stableRS: bbb}\n"
	unseen4   = "metadata: {name: shop, uid: u, generation: 4, resourceVersion: '77'}\nspec: {" + pod + "}\nstatus: {observedGeneration: '3', currentPodHash: ccc, stableRS: ccc}\n"
	stableSet = "metadata: {labels: {rollouts-pod-template-hash: bbb}, annotations: {rollout.argoproj.io/revision: '2', rollout.argoproj.io/ephemeral-metadata: '{\"labels\":{\"role\":\"stable\"},\"annotations\":{\"who\":\"me\"}}'}, ownerReferences: [{uid: u, controller: true}]}\nspec: {selector: {}, template: {metadata: {labels: {app: shop, role: stable, rollouts-pod-template-hash: bbb}, annotations: {who: me}}, spec: {containers: [{name: web, image: 'shop:2'}]}}}\n"
	firstSet  = "metadata: {labels: {rollouts-pod-template-hash: aaa}, annotations: {rollout.argoproj.io/revision: '1'}, ownerReferences: [{uid: u, controller: true}]}\nspec: {selector: {}, template: {metadata: {labels: {app: shop, rollouts-pod-template-hash: aaa}}, spec: {containers: [{name: web, image: 'shop:1'}]}}}\n"
	thirdSet  = "metadata: {labels: {rollouts-pod-template-hash: ccc}, annotations: {rollout.argoproj.io/revision: '3'}, ownerReferences: [{uid: u, controller: true}]}\nspec: {selector: {}, template: {metadata: {labels: {app: shop, rollouts-pod-template-hash: ccc}}, spec: {dnsPolicy: ClusterFirst, containers: [{name: web, image: 'shop:3'}]}}}\n"
	otherSet  = "metadata: {labels: {rollouts-pod-template-hash: zzz}, annotations: {rollout.argoproj.io/revision: '9'}, ownerReferences: [{uid: v, controller: true}]}\nspec: {selector: {}, template: {}}\n"
)

func undo(t *testing.T, to int64, sets ...string) func(*api.Rollout) (Change, error) {
	t.Helper()
	var all []appsv1.ReplicaSet
	for _, text := range sets {
		var set appsv1.ReplicaSet
		if err := yaml.UnmarshalStrict([]byte(text), &set); err != nil {
			t.Fatal(err)
		}
		all = append(all, set)
	}
	return func(ro *api.Rollout) (Change, error) { return Undo(ro, Own(ro), Past{ReplicaSets: all, Now: then}, to) }
}

// then is when revisions are undone here.
var then = time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)

func TestUndo(t *testing.T) {
	guard := ` [{"op":"replace","path":"/metadata/resourceVersion","value":"77"},`
	first := []string{guard + `{"op":"replace","path":"/spec/template","value":{"metadata":{"labels":{"app":"shop"}},"spec":{"containers":[{"name":"web","image":"shop:1","resources":{}}]}}}]`}
	carryOut(t, []order{
		{"undo goes back to the revision before, without what was added to its pods", undo(t, 0, firstSet, stableSet, thirdSet, otherSet), third,
			[]string{guard + `{"op":"replace","path":"/spec/template","value":{"metadata":{"labels":{"app":"shop"}},"spec":{"containers":[{"name":"web","image":"shop:2","resources":{}}]}}}]`},
			"rollout shop goes back to the template of revision 2, which is its stable version: no steps, no analysis"},
		{"undo to a revision by its number", undo(t, 1, firstSet, stableSet, thirdSet), third,
			[]string{guard + `{"op":"replace","path":"/spec/template","value":{"metadata":{"labels":{"app":"shop"}},"spec":{"containers":[{"name":"web","image":"shop:1","resources":{}}]}}}]`},
			"rollout shop goes back to the template of revision 1, step by step like any update; warning: nothing shows any more that it was ever stable"},
		{"undo to a revision that was promoted needs no warning", undo(t, 1, firstSet, stableSet, thirdSet), strings.TrimRight(third, "}\n") + ", decisions: [{at: 2026-01-01T00:00:00Z, reason: Aborted, revision: aaa}, {at: 2026-01-02T00:00:00Z, reason: Promoted, revision: aaa}]}\n",
			first, "rollout shop goes back to the template of revision 1, step by step like any update"},
		{"undo to a revision within the window that was aborted", undo(t, 1, firstSet, stableSet, thirdSet), strings.Replace(strings.TrimRight(third, "}\n"), "spec: {", "spec: {rollbackWindow: {revisions: 1}, ", 1) + ", decisions: [{at: 2026-01-01T00:00:00Z, reason: Aborted, revision: aaa}]}\n",
			first, "rollout shop goes back to the template of revision 1, which is within its rollback window: steps and analysis are skipped; warning: the update to it was aborted"},
		{"undo a blue-green update while the old pods are kept", undo(t, 1, strings.Replace(firstSet, "annotations: {", "annotations: {scale-down-deadline: '2026-01-02T00:01:00Z', ", 1), stableSet, thirdSet), strings.Replace(strings.TrimRight(third, "}\n"), "spec: {", "spec: {strategy: {blueGreen: {activeService: live}}, ", 1) + ", decisions: [{at: 2026-01-01T00:00:00Z, reason: InitialDeploy, revision: aaa}]}\n",
			first, "rollout shop goes back to the template of revision 1, whose pods are still kept: steps and analysis are skipped"},
		{"undo a change that nobody has seen yet waits for the controller", undo(t, 0, firstSet, stableSet, thirdSet), unseen4, nil,
			"refused soon: the controller has not seen the latest change of rollout shop yet; is the controller running?"},
		{"undo by number waits for nobody", undo(t, 3, firstSet, stableSet, thirdSet), unseen4,
			[]string{guard + `{"op":"replace","path":"/spec/template","value":{"metadata":{"labels":{"app":"shop"}},"spec":{"containers":[{"name":"web","image":"shop:3","resources":{}}],"dnsPolicy":"ClusterFirst"}}}]`},
			"rollout shop goes back to the template of revision 3, which is its stable version: no steps, no analysis"},
		{"undo to the present revision changes nothing", undo(t, 3, stableSet, thirdSet), third, nil, "rollout shop has the template of revision 3 already"},
		{"undo to a revision that is gone", undo(t, 7, stableSet, thirdSet), third, nil, "refused: rollout shop has no revision 7; there are 2, 3"},
		{"undo without an earlier revision", undo(t, 0, thirdSet, otherSet), third, nil, "refused: rollout shop has no earlier revision to go back to; there is only 3"},
		{"undo before there is any revision", undo(t, 0, otherSet), third, nil, "refused: rollout shop has no revisions yet; is the controller running?"},
	})
}

func TestSetImages(t *testing.T) {
	set := func(texts ...string) func(*api.Rollout) (Change, error) {
		images, err := ParseImages(texts)
		if err != nil {
			t.Fatal(err)
		}
		return func(ro *api.Rollout) (Change, error) { return SetImages(ro, Own(ro), images) }
	}
	guard := ` [{"op":"replace","path":"/metadata/resourceVersion","value":"77"},`
	carryOut(t, []order{
		{"set the image of a container", set("web=shop:4"), third,
			[]string{guard + `{"op":"replace","path":"/spec/template/spec/containers/0/image","value":"shop:4"}]`},
			"rollout shop has a new image for web: an update starts"},
		{"set the image of all containers but one", set("*=all:2", "log=log:2"), third,
			[]string{guard + `{"op":"replace","path":"/spec/template/spec/initContainers/0/image","value":"all:2"},{"op":"replace","path":"/spec/template/spec/containers/0/image","value":"all:2"},{"op":"replace","path":"/spec/template/spec/containers/1/image","value":"log:2"}]`},
			"rollout shop has a new image for migrate, web, log: an update starts"},
		{"set the image that is there", set("web=shop:3"), third, nil, "rollout shop has these images already"},
		{"set the image of containers that do not exist", set("wbe=shop:4", "lgo=log:2"), third, nil,
			"refused: rollout shop has no containers wbe, lgo; there are migrate, web, log"},
	})
}

func TestParseImagesRefusesWhatIsNoImage(t *testing.T) {
	for texts, want := range map[string]string{
		"web":         `"web" is no image: write CONTAINER=IMAGE, or *=IMAGE for all containers`,
		"=shop:1":     `"=shop:1" is no image: write CONTAINER=IMAGE, or *=IMAGE for all containers`,
		"web=":        `"web=" is no image: write CONTAINER=IMAGE, or *=IMAGE for all containers`,
		"web=a web=b": "container web is given two images",
	} {
		if images, err := ParseImages(strings.Fields(texts)); err == nil || err.Error() != want {
			t.Errorf("%q: got %v, %v; want %q", texts, images, err, want)
		}
	}
	images, err := ParseImages([]string{"web=registry:5000/shop@sha256:ab=c"})
	if diff := cmp.Diff([]Image{{"web", "registry:5000/shop@sha256:ab=c"}}, images); err != nil || diff != "" {
		t.Errorf("an image with everything in it: %v (-want +got):\n%s", err, diff)
	}
}

func TestRestart(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 400, time.UTC)
	in := func(d time.Duration) func(*api.Rollout) (Change, error) {
		return func(ro *api.Rollout) (Change, error) { return Restart(ro, now.Add(d), now) }
	}
	carryOut(t, []order{
		{"restart now", in(0), settled, []string{` {"spec":{"restartAt":"2026-03-01T12:00:00Z"}}`},
			"rollout shop replaces its pods, no more at a time than may be unavailable"},
		{"restart later", in(10 * time.Minute), settled, []string{` {"spec":{"restartAt":"2026-03-01T12:10:00Z"}}`},
			"rollout shop replaces its pods at 12:10:00, in 10m0s"},
	})
}

func TestSkip(t *testing.T) {
	next := `status {"metadata":{"resourceVersion":"77"},"status":{"controllerPause":false,"currentStepIndex":%,"pauseConditions":null}}`
	to := func(index string) []string { return []string{strings.Replace(next, "%", index, 1)} }
	carryOut(t, []order{
		{"skip the step that runs", SkipStep, updating, to("3"), "rollout shop goes on with step 4 of 4"},
		{"skip a pause", SkipStep, pausing, to("2"), "rollout shop goes on with step 3 of 4"},
		{"skip all steps", SkipSteps, pausing, to("4"), "rollout shop skips its remaining steps and is promoted once its pods are ready"},
		{"skip at rest", SkipStep, settled, nil, "refused: rollout shop is fully promoted: there is no step to skip"},
		{"skip after the last step", SkipSteps, finishing, nil, "refused: rollout shop has done all its 4 steps and waits: more replicas need to be updated"},
		{"skip where there are no steps", SkipSteps, stepless, nil, "refused: rollout shop has no steps to skip; to promote without waiting for anything else, use: sluice promote shop --full"},
		{"skip after an abort", SkipStep, aborted, nil, "refused: rollout shop was aborted: a promotion would change nothing; start the update again with: sluice retry rollout shop"},
	})
}

func TestTerminate(t *testing.T) {
	tests := []struct{ name, run, patch, effect string }{
		{"a run that measures", "metadata: {name: r}\nspec: {metrics: []}\nstatus: {phase: Running}", `{"spec":{"terminate":true}}`,
			"analysis run r ends; it is judged by what it has measured"},
		{"a run that is ending", "metadata: {name: r}\nspec: {metrics: [], terminate: true}\nstatus: {phase: Running}", "", "analysis run r is being terminated already"},
		{"a run that has ended", "metadata: {name: r}\nspec: {metrics: []}\nstatus: {phase: Failed}", "", "analysis run r has ended already (Failed): there is nothing to terminate"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var run api.AnalysisRun
			if err := yaml.UnmarshalStrict([]byte(test.run), &run); err != nil {
				t.Fatal(err)
			}
			change, err := Terminate(&run)
			effect, body := change.Effect, ""
			if err != nil {
				effect = err.Error()
			}
			for _, patch := range change.Patches {
				body += patch.Subresource + string(patch.Body)
			}
			if diff := cmp.Diff([]string{test.patch, test.effect}, []string{body, effect}); diff != "" {
				t.Errorf("patch and effect (-want +got):\n%s", diff)
			}
		})
	}
}
