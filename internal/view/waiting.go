package view

import (
	"fmt"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/decide"
)

// Waiting says what a rollout waits for, and how long still, in one sentence; "" at rest.
func Waiting(s Scene) string { return s.own().waiting() }

func (s Scene) waiting() string {
	ro := s.Rollout
	phase, _ := Phase(ro)
	switch {
	case !Observed(ro):
		return unseen(ro)
	case ro.Status.Abort && phase == api.RolloutPhaseDegraded:
		return s.afterAbort()
	case condition(ro, api.RolloutInvalidSpec) != nil:
		return "a corrected spec; until then nothing moves forward"
	case phase == api.RolloutPhaseHealthy || phase == api.RolloutPhaseDegraded && promoted(ro):
		return ""
	case ro.Spec.Paused:
		return fmt.Sprintf("somebody to end the pause by hand: `sluice resume %s`", ro.Name)
	case len(ro.Status.PauseConditions) > 0:
		return s.pause(foremost(ro.Status.PauseConditions))
	case ro.Status.ControllerPause:
		return "the controller to act on the end of the pause"
	}
	return s.underWay()
}

// underWay is what is waited for where nobody has to do anything: a restart, and beside it an update.
func (s Scene) underWay() string {
	text := s.awaited()
	if text != "" {
		text += s.deadline()
	}
	if !s.restarting() {
		return text
	}
	restart := "the restart: " + s.replacing()
	if text == "" || promoted(s.Rollout) {
		return restart
	}
	return restart + "; " + text
}

// unseen is who has to see the latest change: the controller, or the server of which it has asked what the
// change is.
func unseen(ro *api.Rollout) string {
	if strings.HasPrefix(ro.Status.Message, decide.AwaitsServer) {
		return strings.TrimPrefix(ro.Status.Message, "Waiting for ")
	}
	return "the controller to see the latest change"
}

// condition is the condition of a type when it is true, else nil.
func condition(ro *api.Rollout, of api.RolloutConditionType) *api.RolloutCondition {
	for i := range ro.Status.Conditions {
		if c := &ro.Status.Conditions[i]; c.Type == of && c.Status == corev1.ConditionTrue {
			return c
		}
	}
	return nil
}

// deadline is when the update times out unless there is progress; "" when nothing counts, as during a
// pause or an analysis.
func (s Scene) deadline() string {
	ro := s.Rollout
	progressing := condition(ro, api.RolloutProgressing)
	this := step(ro)
	timeless := this != nil && (this.Pause != nil || this.Analysis != nil || this.Experiment != nil)
	if progressing == nil || promoted(ro) || timeless || s.verdictPending() {
		return ""
	}
	end := progressing.LastUpdateTime.Add(time.Duration(ro.Spec.ResolvedProgressDeadlineSeconds()) * time.Second)
	left := end.Sub(s.Now)
	switch {
	case left <= 0:
		return ""
	case ro.Spec.ProgressDeadlineAbort:
		return "; aborts in " + length(left)
	}
	return "; times out in " + length(left)
}

// restarting tells that a restart is what the rollout waits for, alone or beside its update: nothing
// holds it up that somebody has to end first.
func (s Scene) restarting() bool {
	ro, still := s.Rollout, s.Rollout.Status
	held := ro.Spec.Paused || still.ControllerPause || len(still.PauseConditions) > 0 || still.Abort || condition(ro, api.RolloutInvalidSpec) != nil
	return decide.Restarting(ro, s.Now) && (promoted(ro) || !held && Observed(ro))
}

// foremost is the pause to speak of: one that a person has to end hides one that time ends.
func foremost(pauses []api.PauseCondition) api.PauseCondition {
	for _, pause := range pauses {
		if pause.Reason == api.PauseReasonInconclusiveAnalysis {
			return pause
		}
	}
	return pauses[0]
}

func (s Scene) afterAbort() string {
	if strings.Contains(s.Rollout.Status.Message, decide.NoWayBack) {
		return "a corrected version: there is no stable ReplicaSet to go back to, so the aborted version serves"
	}
	if text := s.switchingBack(); text != "" {
		return text
	}
	for i := range s.ReplicaSets {
		rs := &s.ReplicaSets[i]
		if s.role(rs) == "canary" && rs.Status.Replicas > 0 && s.Rollout.Spec.Strategy.BlueGreen == nil {
			return fmt.Sprintf("the last %s of the aborted version to end", pods(rs.Status.Replicas))
		}
	}
	return fmt.Sprintf("a corrected version, or `sluice retry rollout %s`", s.Rollout.Name)
}

func pods(n int32) string {
	if n == 1 {
		return "1 pod"
	}
	return fmt.Sprintf("%d pods", n)
}

func (s Scene) pause(condition api.PauseCondition) string {
	ro := s.Rollout
	switch condition.Reason {
	case api.PauseReasonInconclusiveAnalysis, api.PauseReasonInconclusiveExperiment:
		return undecided(ro, condition.Reason)
	case api.PauseReasonBlueGreenPause:
		return s.pauseBeforeSwitch(condition)
	case api.PauseReasonCanaryPauseStep:
	}
	this := step(ro)
	if this == nil || this.Pause == nil || this.Pause.IsIndefinite() {
		return fmt.Sprintf("somebody to go on: `sluice promote %s`", ro.Name)
	}
	seconds, err := this.Pause.DurationSeconds()
	if err != nil {
		return "the end of a pause whose length cannot be read"
	}
	return s.pauseEnds(condition, time.Duration(seconds)*time.Second, unit(this.Pause.Duration.String()))
}

// undecided is what a person can do after a check that could not tell good from bad: first what measures
// again, as a tired reader types what stands there first. A plain promote passes over a step, but measures
// again what stands beside the steps or before a switch; only a full one goes on without that.
func undecided(ro *api.Rollout, reason api.PauseReason) string {
	what, again := "analysis", "measures again"
	without := "promote " + ro.Name + "` goes on without the check"
	background := ro.Status.Canary.CurrentBackgroundAnalysisRunStatus
	switch {
	case reason == api.PauseReasonInconclusiveExperiment:
		what, again = "experiment", "runs another one"
	case background != nil && background.Status == api.AnalysisPhaseInconclusive:
		what, without = "background analysis", "promote "+ro.Name+" --full` goes on without any check"
	case ro.Spec.Strategy.BlueGreen != nil:
		without = "promote " + ro.Name + " --full` goes on without any check"
	}
	return fmt.Sprintf("somebody to decide, as the %[2]s was inconclusive: `sluice resume %[1]s` %[3]s, `sluice %[4]s, `sluice abort %[1]s` goes back",
		ro.Name, what, again, without)
}

// Doubt is why a rollout is paused that an inconclusive analysis or experiment has paused, in the words of
// what measured; "" for every other rollout.
func Doubt(ro *api.Rollout) string {
	doubtful := func(c api.PauseCondition) bool {
		return c.Reason == api.PauseReasonInconclusiveAnalysis || c.Reason == api.PauseReasonInconclusiveExperiment
	}
	if !Observed(ro) || !slices.ContainsFunc(ro.Status.PauseConditions, doubtful) {
		return ""
	}
	for _, ref := range (Scene{Rollout: ro}).liveRefs() {
		if ref.Status != api.AnalysisPhaseInconclusive {
			continue
		}
		text := "AnalysisRun " + ref.Name + " was inconclusive"
		if ref.Message != "" {
			text += ": " + ref.Message
		}
		return text
	}
	for _, decision := range slices.Backward(ro.Status.Decisions) {
		if decision.Reason == decide.DecidedInconclusive && decision.Revision == ro.Status.CurrentPodHash {
			return decision.Message
		}
	}
	if name := ro.Status.Canary.CurrentExperiment; name != "" {
		return "Experiment " + name + " was inconclusive"
	}
	return "An analysis was inconclusive"
}

// pauseEnds says when a pause of some length is over; text is the length as it is written.
func (s Scene) pauseEnds(condition api.PauseCondition, lasts time.Duration, text string) string {
	end := condition.StartTime.Add(lasts)
	left := end.Sub(s.Now)
	if left <= 0 {
		return fmt.Sprintf("the controller to end the pause of %s, which is over", text)
	}
	return fmt.Sprintf("the pause of %s to end: resumes in %s, at %s", text, length(left), s.clock(end))
}

// unit writes the seconds of a bare number.
func unit(text string) string {
	if text != "" && strings.Trim(text, "0123456789") == "" {
		return text + "s"
	}
	return text
}

// awaited is what the current step, or the end of the update, needs.
func (s Scene) awaited() string {
	ro := s.Rollout
	if ro.Spec.Strategy.BlueGreen != nil {
		return s.switching()
	}
	if promoted(ro) {
		return s.missing("stable")
	}
	if text := s.trying(); text != "" {
		return text
	}
	if text := s.missing("canary"); text != "" {
		return text
	}
	for i := range s.ReplicaSets {
		rs := &s.ReplicaSets[i]
		if s.role(rs) != "canary" && s.role(rs) != "stable" && rs.Status.Replicas > 0 {
			return fmt.Sprintf("the last %s of old revision %d to end", pods(rs.Status.Replicas), revision(rs))
		}
	}
	return s.missing("stable")
}

// missing is which pods of a role are not there yet, and what keeps them.
func (s Scene) missing(role string) string {
	for i := range s.ReplicaSets {
		rs := &s.ReplicaSets[i]
		if s.role(rs) == role {
			return s.short(rs, role)
		}
	}
	return ""
}

func (s Scene) short(rs *appsv1.ReplicaSet, role string) string {
	wanted := int32(1)
	if rs.Spec.Replicas != nil {
		wanted = *rs.Spec.Replicas
	}
	if have := rs.Status.AvailableReplicas; have < wanted {
		text := fmt.Sprintf("%s pods: %d of %d available", role, have, wanted)
		if trouble := s.trouble(rs); trouble != "" {
			text += ", " + trouble
		}
		return text
	}
	if extra := rs.Status.Replicas - wanted; extra > 0 {
		return fmt.Sprintf("%s of the %s version to end", pods(extra), role)
	}
	return ""
}
