package command

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	api "sluice.dev/sluice/api/v1alpha1"
)

// Rollouts at the moments in which people give commands.
const (
	steps     = "strategy: {canary: {steps: [{setWeight: 20}, {pause: {}}, {analysis: {}}, {setWeight: 60}]}}"
	settled   = "metadata: {name: shop, generation: 3, resourceVersion: '77'}\nspec: {" + "strategy: {canary: {steps: [{setWeight: 20}]}}}\nstatus: {observedGeneration: '3', phase: Healthy, currentPodHash: b, stableRS: b, currentStepIndex: 1}\n"
	updating  = "metadata: {name: shop, generation: 3, resourceVersion: '77'}\nspec: {" + steps + "}\nstatus: {observedGeneration: '3', phase: Progressing, currentPodHash: b, stableRS: a, currentStepIndex: 2}\n"
	pausing   = "metadata: {name: shop, generation: 3, resourceVersion: '77'}\nspec: {" + steps + "}\nstatus: {observedGeneration: '3', phase: Paused, currentPodHash: b, stableRS: a, currentStepIndex: 1, controllerPause: true, pauseConditions: [{reason: CanaryPauseStep, startTime: 2026-01-01T00:00:00Z}]}\n"
	undecided = "metadata: {name: shop, generation: 3, resourceVersion: '77'}\nspec: {" + steps + "}\nstatus: {observedGeneration: '3', phase: Paused, currentPodHash: b, stableRS: a, currentStepIndex: 2, controllerPause: true, pauseConditions: [{reason: InconclusiveAnalysisRun, startTime: 2026-01-01T00:00:00Z}], canary: {currentStepAnalysisRunStatus: {name: r, status: Inconclusive}}}\n"
	disputed  = "metadata: {name: shop, generation: 3, resourceVersion: '77'}\nspec: {" + steps + "}\nstatus: {observedGeneration: '3', phase: Paused, currentPodHash: b, stableRS: a, currentStepIndex: 1, controllerPause: true, pauseConditions: [{reason: InconclusiveAnalysisRun, startTime: 2026-01-01T00:00:00Z}], canary: {currentBackgroundAnalysisRunStatus: {name: r, status: Inconclusive}}}\n"
	unjudged  = "metadata: {name: shop, generation: 3, resourceVersion: '77'}\nspec: {strategy: {blueGreen: {activeService: live}}}\nstatus: {observedGeneration: '3', phase: Paused, currentPodHash: b, stableRS: a, controllerPause: true, pauseConditions: [{reason: InconclusiveAnalysisRun, startTime: 2026-01-01T00:00:00Z}], blueGreen: {prePromotionAnalysisRunStatus: {name: r, status: Inconclusive}}}\n"
	behind    = "metadata: {name: shop, generation: 4, resourceVersion: '77'}\nspec: {" + steps + "}\nstatus: {observedGeneration: '3', phase: Progressing, currentPodHash: b, stableRS: a, currentStepIndex: 2}\n"
	foreign   = "metadata: {name: shop, generation: 3}\nspec: {" + steps + "}\nstatus: {observedGeneration: '3', phase: Degraded, currentPodHash: b, stableRS: a, currentStepIndex: 2, conditions: [{type: InvalidSpec, status: 'True', message: 'spec.strategy.canary.trafficRouting.istio: not supported yet', reason: InvalidSpec, lastUpdateTime: null, lastTransitionTime: null}]}\n"
	template  = "metadata: {name: shop, generation: 3}\nspec: {" + steps + "}\nstatus: {observedGeneration: '3', phase: Degraded, currentPodHash: b, stableRS: a, currentStepIndex: 2, conditions: [{type: InvalidSpec, status: 'True', message: 'spec.strategy.canary.steps[2].analysis.templates[0]: AnalysisTemplate \"a\": spec.dryRun: not supported yet', reason: InvalidSpec, lastUpdateTime: null, lastTransitionTime: null}]}\n"
	held      = "metadata: {name: shop, generation: 3, resourceVersion: '77'}\nspec: {paused: true, " + steps + "}\nstatus: {observedGeneration: '3', phase: Paused, currentPodHash: b, stableRS: a, currentStepIndex: 2}\n"
	heldStill = "metadata: {name: shop, generation: 3}\nspec: {paused: true, " + steps + "}\nstatus: {observedGeneration: '3', phase: Paused, currentPodHash: b, stableRS: b, currentStepIndex: 4}\n"
	aborted   = "metadata: {name: shop, generation: 3}\nspec: {" + steps + "}\nstatus: {observedGeneration: '3', phase: Degraded, currentPodHash: b, stableRS: a, currentStepIndex: 0, abort: true}\n"
	finishing = "metadata: {name: shop, generation: 3}\nspec: {" + steps + "}\nstatus: {observedGeneration: '3', phase: Progressing, message: more replicas need to be updated, currentPodHash: b, stableRS: a, currentStepIndex: 4}\n"
	stepless  = "metadata: {name: shop, generation: 3}\nspec: {strategy: {canary: {}}}\nstatus: {observedGeneration: '3', phase: Progressing, currentPodHash: b, stableRS: a}\n"
	invalid   = "metadata: {name: shop, generation: 3}\nspec: {" + steps + "}\nstatus: {observedGeneration: '3', phase: Degraded, currentPodHash: b, stableRS: a, currentStepIndex: 2, conditions: [{type: InvalidSpec, status: 'True', message: it is wrong, reason: InvalidSpec, lastUpdateTime: null, lastTransitionTime: null}]}\n"
	unread    = "metadata: {name: shop, generation: 4}\nspec: {" + steps + "}\nstatus: {observedGeneration: '3', currentPodHash: b, stableRS: b}\n"
)

// order is a command in a table: what it is given, what it sends and says.
type order struct {
	name    string
	command func(*api.Rollout) (Change, error)
	rollout string
	patches []string
	effect  string // or the refusal
}

func TestCommands(t *testing.T) {
	carryOut(t, []order{
		{"abort an update", Abort, updating, []string{`status {"status":{"abort":true}}`},
			"rollout shop goes back to its stable version; its analysis runs are stopped"},
		{"abort twice changes nothing", Abort, aborted, nil, "rollout shop is aborted already"},
		{"abort without an update", Abort, settled, nil,
			"refused: rollout shop is fully promoted: there is no update to abort; to go back to an earlier version, apply that version"},
		{"abort an update while the controller is away", Abort, behind, []string{`status {"status":{"abort":true}}`},
			"behind: rollout shop is marked as aborted; it goes back to its stable version once the controller is there to see it, " +
				"unless the change it has not seen yet is a new template, which starts an update of its own"},
		{"abort what the controller leaves alone", Abort, foreign, []string{`status {"status":{"abort":true}}`},
			"rollout shop is marked as aborted, but stays as it is while its spec has a part that is not supported: " +
				"spec.strategy.canary.trafficRouting.istio; remove that part, and abort again if the steps changed with it"},
		{"abort although a template has a part that is not supported", Abort, template, []string{`status {"status":{"abort":true}}`},
			"rollout shop goes back to its stable version; its analysis runs are stopped"},
		{"abort an update nobody has seen", Abort, unread, nil,
			"refused soon: the controller has not seen the latest change of rollout shop yet; is the controller running?"},
		{"abort while paused by hand", Abort, held, []string{`status {"status":{"abort":true}}`},
			"rollout shop goes back to its stable version; its analysis runs are stopped"},
		{"retry after an abort", Retry, aborted, []string{`status {"status":{"abort":false}}`},
			"rollout shop starts its update again at the first step, with new analysis runs"},
		{"retry twice changes nothing", Retry, updating, nil, "rollout shop is not aborted: its update is under way already"},
		{"retry at rest", Retry, settled, nil, "refused: rollout shop is not aborted (Healthy): there is nothing to retry"},
		{"retry while the spec is invalid", Retry, strings.Replace(invalid, "status: {", "status: {abort: true, ", 1), nil,
			"refused: nothing moves forward while the spec is invalid: it is wrong; correct it and apply it again"},
		{"retry when the spec was corrected just now", Retry, strings.NewReplacer("status: {", "status: {abort: true, ", "generation: 3", "generation: 4").Replace(invalid), nil,
			"refused soon: the controller has not seen the latest change of rollout shop yet; is the controller running?"},
		{"resume an aborted update that was paused by hand", Resume, strings.Replace(aborted, "spec: {", "spec: {paused: true, ", 1), []string{` {"spec":{"paused":false}}`},
			"rollout shop is no longer paused, but stays aborted: to start its update again use sluice retry rollout shop"},
		{"pause an update", Pause, updating, []string{` {"spec":{"paused":true}}`}, "rollout shop stays where it is until it is resumed"},
		{"pause at rest", Pause, settled, []string{` {"spec":{"paused":true}}`}, "rollout shop is paused: its next update waits until it is resumed"},
		{"pause twice changes nothing", Pause, held, nil, "rollout shop is paused already"},
		{"resume a pause by hand", Resume, held, []string{` {"spec":{"paused":false}}`}, "rollout shop goes on"},
		{"resume a pause step", Resume, pausing, []string{`status {"metadata":{"resourceVersion":"77"},"status":{"pauseConditions":null}}`}, "rollout shop goes on"},
		{"resume a pause step while paused by hand", Resume, strings.Replace(pausing, "spec: {", "spec: {paused: true, ", 1),
			[]string{`status {"metadata":{"resourceVersion":"77"},"status":{"pauseConditions":null}}`, ` {"spec":{"paused":false}}`}, "rollout shop goes on"},
		{"resume what is not paused", Resume, updating, nil, "refused: rollout shop is not paused (Progressing)"},
		{"resume an inconclusive background analysis", Resume, disputed, []string{`status {"metadata":{"resourceVersion":"77"},"status":{"pauseConditions":null}}`},
			"rollout shop measures its inconclusive analysis again"},
		{"promote after an inconclusive background analysis", Promote, disputed,
			[]string{`status {"metadata":{"resourceVersion":"77"},"status":{"pauseConditions":null}}`},
			"rollout shop ends its pause and measures its background analysis again, as that was inconclusive; it pauses again if that comes to nothing: " +
				"to go on without the analysis use sluice promote shop --full, to go back sluice abort shop"},
		{"resume an inconclusive analysis before a switch", Resume, unjudged, []string{`status {"metadata":{"resourceVersion":"77"},"status":{"pauseConditions":null}}`},
			"rollout shop measures its inconclusive analysis again"},
		{"promote after an inconclusive analysis before a switch", Promote, unjudged,
			[]string{`status {"metadata":{"resourceVersion":"77"},"status":{"pauseConditions":null}}`},
			"rollout shop ends its pause and measures its analysis again, as that was inconclusive; it pauses again if that comes to nothing: " +
				"to go on without the analysis use sluice promote shop --full, to go back sluice abort shop"},
		{"promote after an inconclusive analysis after a switch", Promote, strings.Replace(unjudged, "prePromotion", "postPromotion", 1),
			[]string{`status {"metadata":{"resourceVersion":"77"},"status":{"pauseConditions":null}}`},
			"rollout shop ends its pause and measures its analysis again, as that was inconclusive; it pauses again if that comes to nothing: " +
				"to go on without the analysis use sluice promote shop --full, to go back sluice abort shop"},
		{"promote at a pause step", Promote, pausing, []string{`status {"metadata":{"resourceVersion":"77"},"status":{"pauseConditions":null}}`},
			"rollout shop ends its pause and goes on with step 3 of 4"},
		{"promote skips the step that runs", Promote, updating,
			[]string{`status {"metadata":{"resourceVersion":"77"},"status":{"currentStepIndex":3,"pauseConditions":null}}`},
			"rollout shop skips step 3 of 4 and goes on with step 4 of 4"},
		{"story C15: promote after an inconclusive analysis", Promote, undecided,
			[]string{`status {"metadata":{"resourceVersion":"77"},"status":{"controllerPause":false,"currentStepIndex":3,"pauseConditions":null}}`},
			"rollout shop passes over its inconclusive analysis and goes on with step 4 of 4"},
		{"promote while paused by hand", Promote, held,
			[]string{`status {"metadata":{"resourceVersion":"77"},"status":{"currentStepIndex":3,"pauseConditions":null}}`, ` {"spec":{"paused":false}}`},
			"rollout shop skips step 3 of 4 and goes on with step 4 of 4"},
		{"promote at rest while paused by hand", Promote, heldStill, []string{` {"spec":{"paused":false}}`}, "rollout shop is no longer paused"},
		{"promote at rest", Promote, settled, nil, "refused: rollout shop is fully promoted: there is nothing to promote"},
		{"promote after an abort", Promote, aborted, nil,
			"refused: rollout shop was aborted: a promotion would change nothing; start the update again with: sluice retry rollout shop"},
		{"promote after the last step", Promote, finishing, nil,
			"refused: rollout shop has done all its 4 steps and waits: more replicas need to be updated"},
		{"promote without steps", Promote, stepless, nil,
			"refused: rollout shop has no steps to skip; to promote without waiting for anything else, use: sluice promote shop --full"},
		{"promote an invalid spec", Promote, invalid, nil,
			"refused: nothing moves forward while the spec is invalid: it is wrong; correct it and apply it again"},
		{"promote in full", PromoteFull, updating, []string{`status {"metadata":{"resourceVersion":"77"},"status":{"promoteFull":true}}`},
			"rollout shop skips its remaining steps and analysis, and is promoted as soon as its new pods are available"},
		{"promote in full while paused by hand", PromoteFull, held,
			[]string{`status {"metadata":{"resourceVersion":"77"},"status":{"promoteFull":true}}`, ` {"spec":{"paused":false}}`},
			"rollout shop skips its remaining steps and analysis, and is promoted as soon as its new pods are available"},
		{"promote in full at rest", PromoteFull, settled, nil, "refused: rollout shop is fully promoted: there is nothing to promote"},
		{"promote in full at rest while paused by hand", PromoteFull, heldStill, []string{` {"spec":{"paused":false}}`}, "rollout shop is no longer paused"},
		{"promote in full after an abort", PromoteFull, aborted, nil,
			"refused: rollout shop was aborted: a promotion would change nothing; start the update again with: sluice retry rollout shop"},
	})
}

func carryOut(t *testing.T, tests []order) {
	t.Helper()
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var rollout api.Rollout
			if err := yaml.UnmarshalStrict([]byte(test.rollout), &rollout); err != nil {
				t.Fatal(err)
			}
			change, err := test.command(&rollout)
			effect := change.Effect
			if change.Behind {
				effect = "behind: " + effect
			}
			var refusal *Refusal
			if errors.As(err, &refusal) {
				effect = "refused: " + err.Error()
				if refusal.Soon {
					effect = strings.Replace(effect, "refused", "refused soon", 1)
				}
			}
			var patches []string
			for _, patch := range change.Patches {
				patches = append(patches, patch.Subresource+" "+string(patch.Body))
			}
			if diff := cmp.Diff(test.patches, patches); diff != "" {
				t.Errorf("patches (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.effect, effect); diff != "" {
				t.Errorf("effect (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAPromotionNamesTheAnalysisItStops(t *testing.T) {
	const measuring = "metadata: {name: shop, generation: 3}\nspec: {strategy: {canary: {steps: [{setWeight: 20}, {analysis: {templates: [{templateName: a}]}}, {pause: {}}]}}}\n" +
		"status: {observedGeneration: '3', currentPodHash: b, stableRS: a, currentStepIndex: 1, canary: {currentStepAnalysisRunStatus: {name: r, status: Running}}}\n"
	for name, test := range map[string]struct {
		rollout string
		want    [2]string
	}{
		"an analysis that measures":     {measuring, [2]string{"r", "step 2 of 3"}},
		"an analysis that is over":      {strings.Replace(measuring, "Running", "Inconclusive", 1), [2]string{}},
		"the pause after it":            {strings.Replace(measuring, "currentStepIndex: 1", "currentStepIndex: 2", 1), [2]string{}},
		"a step without any analysis":   {updating, [2]string{}},
		"an analysis that is about due": {strings.Replace(measuring, "Running", "Pending", 1), [2]string{"r", "step 2 of 3"}},
	} {
		var ro api.Rollout
		if err := yaml.UnmarshalStrict([]byte(test.rollout), &ro); err != nil {
			t.Fatal(err)
		}
		for how, command := range map[string]func(*api.Rollout) (Change, error){"Promote": Promote, "SkipStep": SkipStep} {
			change, err := command(&ro)
			if got := [2]string{change.Stops, change.Step}; err != nil || got != test.want {
				t.Errorf("%s, %s: %v, got %q, want %q", name, how, err, got, test.want)
			}
		}
	}
}
