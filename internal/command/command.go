// Package command says promote, abort, retry, pause … as patches.
package command

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/types"

	api "sluice.dev/sluice/api/v1alpha1"
)

// Change is what to send to the API server, in this order, and what will come of it.
type Change struct {
	// Patches are few and small. There are none when the object is already as wanted.
	Patches []Patch
	// Effect says in a sentence what happens next.
	Effect string
	// Behind tells that the controller has yet to see the latest change. Building the change again in a
	// moment gives a surer one; sending it all the same does no harm.
	Behind bool
	// Stops names the analysis run under way at the step that is skipped, and Step that step; "" when
	// there is none.
	Stops, Step string
	// Doubt is what was inconclusive at that step, an analysis or an experiment, when the step is skipped all
	// the same; "" when nothing was.
	Doubt string
}

// Patch is one patch of an object.
type Patch struct {
	// Subresource is "status" or, for the object itself, "".
	Subresource string
	// Type is a JSON merge patch or, where a list changes in the middle, a JSON patch.
	Type types.PatchType
	Body []byte
}

// Refusal is the error of a command that makes no sense for the rollout as it stands.
type Refusal struct {
	Message string // why
	Advice  string // what to do instead, "" when nothing
	// Soon tells that the controller has yet to see the latest change: asking again in a moment helps.
	Soon bool
}

// Error joins the reason and the advice.
func (r *Refusal) Error() string {
	if r.Advice == "" {
		return r.Message
	}
	return r.Message + "; " + r.Advice
}

func refuse(advice, format string, args ...any) (Change, error) {
	return Change{}, &Refusal{Message: fmt.Sprintf(format, args...), Advice: advice}
}

type object = map[string]any

// patch builds a merge patch. It cannot fail: the values are maps, strings, numbers and booleans.
func patch(subresource string, body object) Patch {
	text, err := json.Marshal(body)
	if err != nil {
		panic(fmt.Sprintf("a merge patch of plain values was refused by encoding/json: %v", err))
	}
	return Patch{Subresource: subresource, Type: types.MergePatchType, Body: text}
}

// operation is one operation of a JSON patch.
type operation struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	Value any    `json:"value"`
}

// replace builds a JSON patch of the object itself that the server refuses when the object has changed
// since it was read.
func replace(version string, operations ...operation) (Patch, error) {
	guard := operation{"replace", "/metadata/resourceVersion", version}
	text, err := json.Marshal(append([]operation{guard}, operations...))
	if err != nil {
		return Patch{}, fmt.Errorf("writing a patch: %w", err)
	}
	return Patch{Type: types.JSONPatchType, Body: text}, nil
}

// Abort takes the update back: the canary goes, the stable pods serve. It is refused only when there
// is certainly nothing it would take back.
func Abort(ro *api.Rollout) (Change, error) {
	err := unseen(ro)
	switch {
	case promoted(ro) && err != nil: // an update that has not begun cannot be taken back
		return Change{}, err
	case promoted(ro):
		return refuse("to go back to an earlier version, apply that version", "rollout %s is fully promoted: there is no update to abort", ro.Name)
	case ro.Status.Abort:
		return Change{Effect: fmt.Sprintf("rollout %s is aborted already", ro.Name), Behind: err != nil}, nil
	}
	change := Change{
		Patches: []Patch{patch("status", object{"status": object{"abort": true}})},
		Effect:  fmt.Sprintf("rollout %s goes back to its stable version; its analysis runs are stopped", ro.Name),
		Behind:  err != nil,
	}
	if err != nil {
		change.Effect = fmt.Sprintf("rollout %s is marked as aborted; it goes back to its stable version once the controller is there to see it, "+
			"unless the change it has not seen yet is a new template, which starts an update of its own", ro.Name)
	} else if part := unsupported(ro); part != "" {
		change.Effect = fmt.Sprintf("rollout %s is marked as aborted, but stays as it is while its spec has a part that is not supported: %s; "+
			"remove that part, and abort again if the steps changed with it", ro.Name, part)
	}
	return change, nil
}

// unsupported is the part of the spec for which the controller leaves the rollout alone; "" when there
// is none. The condition begins with the field. A part of a template stands behind the template's
// name: it holds the rollout up, and does not keep it from going back.
func unsupported(ro *api.Rollout) string {
	field, rest, ok := strings.Cut(complaint(ro), ": ")
	if !ok || !strings.HasPrefix(rest, "not supported yet") {
		return ""
	}
	return field
}

// complaint is what the controller says is wrong with the spec, "" when nothing is.
func complaint(ro *api.Rollout) string {
	for _, condition := range ro.Status.Conditions {
		if condition.Type == api.RolloutInvalidSpec && condition.Status == "True" {
			return condition.Message
		}
	}
	return ""
}

// Retry starts an aborted update again at its first step.
func Retry(ro *api.Rollout) (Change, error) {
	if !ro.Status.Abort {
		if ro.Status.StableRS != "" && !promoted(ro) {
			return Change{Effect: fmt.Sprintf("rollout %s is not aborted: its update is under way already", ro.Name)}, nil
		}
		return refuse("", "rollout %s is not aborted (%s): there is nothing to retry", ro.Name, state(ro))
	}
	if err := corrected(ro); err != nil {
		return Change{}, err
	}
	return Change{
		Patches: []Patch{patch("status", object{"status": object{"abort": false}})},
		Effect:  fmt.Sprintf("rollout %s starts its update again at the first step, with new analysis runs", ro.Name),
	}, nil
}

// Pause stops all forward movement until the rollout is resumed or promoted.
func Pause(ro *api.Rollout) (Change, error) {
	if ro.Spec.Paused {
		return Change{Effect: fmt.Sprintf("rollout %s is paused already", ro.Name)}, nil
	}
	effect := "rollout %s stays where it is until it is resumed"
	if promoted(ro) {
		effect = "rollout %s is paused: its next update waits until it is resumed"
	}
	return Change{
		Patches: []Patch{patch("", object{"spec": object{"paused": true}})},
		Effect:  fmt.Sprintf(effect, ro.Name),
	}, nil
}

// Resume ends a pause, by hand or of a step, and skips nothing else. Like a promotion it carries the
// version it was read at, so that it never ends a later pause than the one that was seen.
func Resume(ro *api.Rollout) (Change, error) {
	change := Change{Effect: fmt.Sprintf("rollout %s goes on", ro.Name)}
	if len(ro.Status.PauseConditions) > 0 {
		change.Patches = append(change.Patches, patch("status", versioned(ro, object{"pauseConditions": nil})))
		if stepUndecided(ro) || backgroundUndecided(ro) || switchUndecided(ro) {
			change.Effect = fmt.Sprintf("rollout %s measures its inconclusive analysis again", ro.Name)
		}
	}
	if ro.Spec.Paused { // second, as a patch of the spec would make the version of the other an old one
		change.Patches = append(change.Patches, unpause())
	}
	if len(change.Patches) == 0 {
		return refuse("", "rollout %s is not paused (%s)", ro.Name, state(ro))
	}
	if ro.Status.Abort {
		change.Effect = fmt.Sprintf("rollout %[1]s is no longer paused, but stays aborted: to start its update again use sluice retry rollout %[1]s", ro.Name)
	}
	return change, nil
}

// Promote ends a pause, or skips the step that is running. The patch carries the
// version it was read at: when the controller has moved on meanwhile the server refuses it, and the
// command is to be built again from a fresh read.
func Promote(ro *api.Rollout) (Change, error) {
	if err := forward(ro); err != nil {
		return Change{}, err
	}
	change := Change{}
	if ro.Spec.Paused {
		change.Patches = append(change.Patches, unpause())
	}
	if promoted(ro) {
		if len(change.Patches) == 0 {
			return refuse("", "rollout %s is fully promoted: there is nothing to promote", ro.Name)
		}
		change.Effect = fmt.Sprintf("rollout %s is no longer paused", ro.Name)
		return change, nil
	}
	step, effect, err := advance(ro)
	if err != nil {
		return Change{}, err
	}
	change.skips(ro)
	change.Effect = fmt.Sprintf("rollout %s %s", ro.Name, effect)
	// The status goes first: a patch of the spec would make the version it carries an old one.
	change.Patches = append([]Patch{patch("status", step)}, change.Patches...)
	return change, nil
}

// versioned is a change of the status that is refused when the rollout has changed since it was read.
func versioned(ro *api.Rollout, status object) object {
	return object{"metadata": object{"resourceVersion": ro.ResourceVersion}, "status": status}
}

// again is what ending the pause of an analysis does that was inconclusive beside the steps, or around a switch.
const again = "ends its pause and measures its %[2]s again, as that was inconclusive; it pauses again if that comes to nothing: " +
	"to go on without the analysis use sluice promote %[1]s --full, to go back sluice abort %[1]s"

// advance says which status makes the rollout take its next step.
func advance(ro *api.Rollout) (object, string, error) {
	index, steps := position(ro)
	next := fmt.Sprintf("goes on with step %d of %d", index+2, steps)
	if index+1 >= steps {
		next = "is promoted once its pods are ready"
	}
	switch {
	case len(ro.Status.PauseConditions) > 0 && backgroundUndecided(ro):
		// Skipping a step would not help: an inconclusive background analysis pauses every step.
		return versioned(ro, object{"pauseConditions": nil}), fmt.Sprintf(again, ro.Name, "background analysis"), nil
	case len(ro.Status.PauseConditions) > 0 && switchUndecided(ro):
		return versioned(ro, object{"pauseConditions": nil}), fmt.Sprintf(again, ro.Name, "analysis"), nil
	case len(ro.Status.PauseConditions) > 0 && stepUndecided(ro) && steps > 0:
		return versioned(ro, object{"pauseConditions": nil, "controllerPause": false, "currentStepIndex": min(index+1, steps)}),
			"passes over its inconclusive analysis and " + next, nil
	case len(ro.Status.PauseConditions) > 0:
		return versioned(ro, object{"pauseConditions": nil}), "ends its pause and " + next, nil
	case steps == 0:
		_, err := refuse(inFull(ro), "rollout %s has no steps to skip", ro.Name)
		return nil, "", err
	case index >= steps:
		_, err := refuse("", "rollout %s has done all its %d steps and waits: %s", ro.Name, steps, ro.Status.Message)
		return nil, "", err
	}
	return versioned(ro, object{"pauseConditions": nil, "currentStepIndex": index + 1}),
		fmt.Sprintf("skips step %d of %d and %s", index+1, steps, next), nil
}

// PromoteFull skips pauses, steps and analysis: the new version takes over as soon as its pods are ready.
// Like Promote it names the version it was read at: a version that nobody has seen is not to be let through.
func PromoteFull(ro *api.Rollout) (Change, error) {
	if err := forward(ro); err != nil {
		return Change{}, err
	}
	change := Change{Effect: fmt.Sprintf("rollout %s skips its remaining steps and analysis, and is promoted as soon as its new pods are available", ro.Name)}
	if !promoted(ro) {
		change.Patches = append(change.Patches, patch("status", versioned(ro, object{"promoteFull": true})))
	} else {
		change.Effect = fmt.Sprintf("rollout %s is no longer paused", ro.Name)
	}
	if ro.Spec.Paused {
		change.Patches = append(change.Patches, unpause())
	}
	if len(change.Patches) == 0 {
		return refuse("", "rollout %s is fully promoted: there is nothing to promote", ro.Name)
	}
	return change, nil
}

// forward refuses a promotion of what cannot move forward.
func forward(ro *api.Rollout) error {
	if err := unseen(ro); err != nil {
		return err
	}
	if ro.Status.Abort {
		return &Refusal{
			Message: fmt.Sprintf("rollout %s was aborted: a promotion would change nothing", ro.Name),
			Advice:  "start the update again with: sluice retry rollout " + ro.Name,
		}
	}
	return corrected(ro)
}

// corrected refuses to move forward what the controller will not move.
func corrected(ro *api.Rollout) error {
	wrong := complaint(ro)
	if wrong == "" {
		return nil
	}
	if err := unseen(ro); err != nil { // it may have been corrected just now
		return err
	}
	return &Refusal{
		Message: fmt.Sprintf("nothing moves forward while the spec is invalid: %s", wrong),
		Advice:  "correct it and apply it again",
	}
}

// inFull is the advice for a rollout without steps to go through.
func inFull(ro *api.Rollout) string {
	return fmt.Sprintf("to promote without waiting for anything else, use: sluice promote %s --full", ro.Name)
}

// skips says what the present step still measures, or has not been able to tell, when it is skipped.
func (c *Change) skips(ro *api.Rollout) {
	its := ro.Status.Canary.CurrentStepAnalysisRunStatus
	index, steps := position(ro)
	if index >= steps {
		return
	}
	switch {
	case its != nil && !its.Status.Completed() && ro.Spec.Strategy.Canary.Steps[index].Analysis != nil:
		c.Stops = its.Name
	case len(ro.Status.PauseConditions) == 0 || backgroundUndecided(ro) || !stepUndecided(ro): // then nothing is skipped
		return
	case experimentUndecided(ro):
		c.Doubt = "experiment"
	default:
		c.Doubt = "analysis"
	}
	c.Step = fmt.Sprintf("step %d of %d", index+1, steps)
}

// unseen refuses to decide on a status that is older than the spec.
func unseen(ro *api.Rollout) error {
	observed, err := strconv.ParseInt(ro.Status.ObservedGeneration, 10, 64)
	if ro.Status.ObservedGeneration == "" || err == nil && observed < ro.Generation {
		return &Refusal{
			Message: fmt.Sprintf("the controller has not seen the latest change of rollout %s yet", ro.Name),
			Advice:  "is the controller running?",
			Soon:    true,
		}
	}
	return nil
}

func unpause() Patch { return patch("", object{"spec": object{"paused": false}}) }

func promoted(ro *api.Rollout) bool {
	return ro.Status.StableRS != "" && ro.Status.StableRS == ro.Status.CurrentPodHash
}

func stepUndecided(ro *api.Rollout) bool {
	return pausedBy(ro, ro.Status.Canary.CurrentStepAnalysisRunStatus) || experimentUndecided(ro)
}

func backgroundUndecided(ro *api.Rollout) bool {
	return pausedBy(ro, ro.Status.Canary.CurrentBackgroundAnalysisRunStatus)
}

// switchUndecided is the same for the analyses before and after the switch of a blue-green update.
func switchUndecided(ro *api.Rollout) bool {
	if ro.Spec.Strategy.BlueGreen == nil {
		return false
	}
	its := ro.Status.BlueGreen
	return pausedBy(ro, its.PrePromotionAnalysisRunStatus) || pausedBy(ro, its.PostPromotionAnalysisRunStatus)
}

// pausedBy tells that a run has paused the rollout because it was inconclusive.
func pausedBy(ro *api.Rollout, run *api.RolloutAnalysisRunStatus) bool {
	return ro.Status.ControllerPause && run != nil && run.Status == api.AnalysisPhaseInconclusive
}

// position is the index of the current step and the number of steps.
func position(ro *api.Rollout) (index, steps int) {
	if ro.Spec.Strategy.Canary != nil {
		steps = len(ro.Spec.Strategy.Canary.Steps)
	}
	if ro.Status.CurrentStepIndex != nil {
		index = int(*ro.Status.CurrentStepIndex)
	}
	return index, steps
}

func state(ro *api.Rollout) string {
	if ro.Status.Phase == "" {
		return "no phase yet"
	}
	return string(ro.Status.Phase)
}
