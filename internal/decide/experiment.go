package decide

import (
	"fmt"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	api "sluice.dev/sluice/api/v1alpha1"
)

// ExperimentInput is what decide.Experiment looks at.
type ExperimentInput struct {
	Experiment *api.Experiment
	// ReplicaSets, Services and Runs are those the Experiment controls; decide never edits them.
	ReplicaSets []ReplicaSet
	Services    map[string]bool
	Runs        []*api.AnalysisRun
	// Taken holds names of ReplicaSets and AnalysisRuns that exist and are not ours.
	Taken map[string]bool
	// Refused says why the server does not take what was stated, by kind and name.
	Refused Refusals
	// Trouble is what keeps the pods of a ReplicaSet from being ready, asked when ExperimentOverdue says so.
	Trouble map[string]string
	// Templates holds the analysis templates the spec refers to, nested ones included. A missing one is absent.
	Templates map[TemplateKey]api.AnalysisTemplateSpec
	// Invalid are the user's mistakes, in words: an Experiment with any does not begin.
	Invalid []string
	Now     time.Time
}

// Refusals are objects the server does not take, by name, each with the reason.
type Refusals struct{ ReplicaSets, Services, Runs map[string]string }

// trial is an Experiment's plan while a turn composes it.
type trial struct {
	in      ExperimentInput
	status  api.ExperimentStatus
	actions []Action
	events  []Event
	again   time.Time
	waiting Reason
}

// Experiment decides what an Experiment should do next: which pods and Services should be there, which
// analyses run, and what all of it comes to. Its time and its analyses begin when all pods are available.
// One that has ended stays as it ended; its pods leave after a delay.
func Experiment(in ExperimentInput) Plan[api.ExperimentStatus] {
	t := &trial{in: in, status: *in.Experiment.Status.DeepCopy()}
	if t.begins() {
		t.watchTemplates()
		t.hear()
		t.conclude()
		t.populate()
		t.measure()
	} else {
		t.clearStrays()
	}
	t.describe()
	return Plan[api.ExperimentStatus]{
		Status: t.status, Actions: t.actions, Again: t.again, Reason: t.waiting, Events: t.events,
	}
}

// begins says that the Experiment has begun, and begins it when nothing is wrong with it. A mistake that is
// made later does not take back what has begun. One that is told to terminate before that ends without beginning,
// whatever is wrong with it.
func (t *trial) begins() bool {
	if t.status.Phase != "" {
		return true
	}
	if t.in.Experiment.Spec.Terminate {
		t.end(api.AnalysisPhaseInconclusive, "terminated before it began")
		return false
	}
	if len(t.in.Invalid) > 0 {
		t.waiting = Reason{Code: api.ReasonInvalidSpec, Message: strings.Join(t.in.Invalid, "; ")}
		return false
	}
	t.enter(api.AnalysisPhasePending, "")
	return true
}

// enter moves to another phase.
func (t *trial) enter(phase api.AnalysisPhase, message string) {
	if t.status.Phase != phase {
		t.announce(api.EventExperimentPrefix, string(phase), transition("Experiment", t.status.Phase, phase, message))
	}
	t.status.Phase, t.status.Message = phase, message
}

// transition is how an event tells of a change of phase.
func transition[P ~string](what string, from, to P, message string) string {
	text := fmt.Sprintf("%s transitioned from %s -> %s", what, from, to)
	if from == "" {
		text = fmt.Sprintf("%s is %s", what, to)
	}
	if message != "" {
		text += ": " + message
	}
	return text
}

func (t *trial) announce(prefix, phase, text string) {
	bad := phase == string(api.AnalysisPhaseFailed) || phase == string(api.AnalysisPhaseError)
	t.events = append(t.events, Event{Warning: bad, Reason: prefix + phase, Message: text})
}

func (t *trial) act(actions ...Action) { t.actions = append(t.actions, actions...) }

func (t *trial) wait(at time.Time) {
	if !at.IsZero() && (t.again.IsZero() || at.Before(t.again)) {
		t.again = at
	}
}

func (t *trial) stamp() metav1.Time { return metav1.NewTime(t.in.Now.Truncate(time.Second)) }

// ended says that the Experiment has come to something.
func (t *trial) ended() bool { return t.status.Phase.Completed() }

// deadline is how long a template may go without progress, and an analysis without being begun.
func (t *trial) deadline() time.Duration { return experimentDeadline(t.in.Experiment) }

func experimentDeadline(ex *api.Experiment) time.Duration {
	if s := ex.Spec.ProgressDeadlineSeconds; s != nil {
		return time.Duration(max(*s, 0)) * time.Second
	}
	return defaultProgressDeadline
}

// conclude ends the Experiment when it has come to something, and says what is awaited when it has not.
//
// Pods that do not come up and an analysis that goes badly end it at once. Otherwise it ends when it is told
// to, when its required analyses have been successful, or when its time is over; what still measures then is
// stopped first, and judged by what it has measured.
func (t *trial) conclude() {
	if t.ended() {
		t.waiting = Reason{Code: string(t.status.Phase), Message: t.status.Message}
		return
	}
	if failed := t.failedTemplate(); failed != nil {
		t.end(api.AnalysisPhase(failed.Status), failed.Message)
		return
	}
	if phase, message := t.worst(); phase != api.AnalysisPhaseSuccessful {
		t.end(phase, message)
		return
	}
	why, over := t.over()
	switch {
	case !over:
		t.await()
	case t.open() > 0:
		t.waiting = Reason{Code: "Stopping", Message: fmt.Sprintf("Waiting for %s to stop: %s.", numbered(t.open(), "AnalysisRun"), lowerFirst(why))}
	default:
		t.end(t.verdict(why))
	}
}

// over says why nothing more is to be measured, false while something is.
func (t *trial) over() (why string, over bool) {
	spec := t.in.Experiment.Spec
	required, missing := t.required()
	switch {
	case spec.Terminate:
		return "Experiment Terminated", true
	case t.status.AvailableAt == nil:
		return "", false
	case required > 0:
		return "Required AnalysisRuns completed", missing == 0
	}
	end := t.timeIsUp()
	return durationOver, !end.IsZero() && !t.in.Now.Before(end)
}

// durationOver is the usual end, which needs no words in the status.
const durationOver = "Duration is over"

// timeIsUp is when the Experiment has lasted its duration; zero when it has none, or has not begun to count.
func (t *trial) timeIsUp() time.Time {
	length, err := t.in.Experiment.Spec.Duration.Duration()
	if err != nil || length <= 0 || t.status.AvailableAt == nil {
		return time.Time{}
	}
	return t.status.AvailableAt.Add(length)
}

// await says what the end waits for.
func (t *trial) await() {
	required, missing := t.required()
	end := t.timeIsUp()
	switch {
	case t.status.AvailableAt == nil: // the templates have said it
	case required > 0:
		t.waiting = Reason{Code: "Analysis", Message: fmt.Sprintf("Waiting for %s to be successful.", numbered(missing, "required AnalysisRun"))}
	case end.IsZero():
		t.waiting = Reason{Code: "Running", Message: "Running until it is terminated: it has neither a duration nor a required analysis."}
	default:
		t.wait(end)
		t.waiting = Reason{Code: "Running", Message: "Waiting for its duration of " + string(t.in.Experiment.Spec.Duration) + " to be over."}
	}
}

// verdict is what an Experiment has come to that went well as far as it went. What was never begun, or has
// measured nothing, is no success.
func (t *trial) verdict(why string) (api.AnalysisPhase, string) {
	required, missing := t.required()
	switch {
	case t.status.AvailableAt == nil:
		return api.AnalysisPhaseInconclusive, why + " before all pods were available"
	case len(t.status.AnalysisRuns) < len(t.in.Experiment.Spec.Analyses):
		return api.AnalysisPhaseInconclusive, why + " before its analyses began"
	case required > 0 && missing > 0:
		return api.AnalysisPhaseInconclusive, why + " before its required analyses had a verdict"
	}
	if why == durationOver {
		why = ""
	}
	return api.AnalysisPhaseSuccessful, why
}

// end is where the Experiment ends. What is left of it is cleared away from now on.
func (t *trial) end(phase api.AnalysisPhase, message string) {
	for i := range t.status.TemplateStatuses {
		if s := &t.status.TemplateStatuses[i]; !s.Status.Completed() {
			t.moveTemplate(s, api.TemplateStatusSuccessful, "")
		}
	}
	t.enter(phase, message)
	t.describeEnd()
	t.waiting = Reason{Code: string(phase), Message: message}
}

// leavesAt is when the pods of an Experiment that has ended go.
func (t *trial) leavesAt() time.Time {
	delay := time.Duration(api.DefaultScaleDownDelaySeconds) * time.Second
	if s := t.in.Experiment.Spec.ScaleDownDelaySeconds; s != nil {
		delay = time.Duration(max(*s, 0)) * time.Second
	}
	if ended := t.condition(api.ExperimentCompleted); ended != nil {
		return ended.LastTransitionTime.Add(delay)
	}
	return t.in.Now // ended by somebody who did not say when
}

func lowerFirst(text string) string {
	if text == "" {
		return text
	}
	return strings.ToLower(text[:1]) + text[1:]
}
