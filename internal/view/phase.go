package view

import (
	"fmt"
	"strconv"

	api "sluice.dev/sluice/api/v1alpha1"
)

// Phase is how a Rollout stands and why, as far as its status can be trusted: a status older than the
// spec, or than what somebody just asked for, says nothing about either.
func Phase(ro *api.Rollout) (api.RolloutPhase, string) {
	switch {
	case !Observed(ro):
		return api.RolloutPhaseProgressing, "waiting for rollout spec update to be observed"
	case ro.Status.ControllerPause && len(ro.Status.PauseConditions) == 0:
		return api.RolloutPhaseProgressing, "waiting for rollout to unpause"
	case ro.Spec.WorkloadRef != nil && ro.Annotations[api.AnnotationWorkloadGeneration] != ro.Status.WorkloadObservedGeneration:
		return api.RolloutPhaseProgressing, "waiting for rollout spec update to be observed for the reference workload"
	case ro.Status.Phase == "":
		return computed(ro)
	}
	return ro.Status.Phase, ro.Status.Message
}

// computed is the phase of a rollout whose controller does not write one, as those of old did not.
func computed(ro *api.Rollout) (api.RolloutPhase, string) {
	for _, c := range ro.Status.Conditions {
		switch {
		case c.Type == api.RolloutInvalidSpec:
			return api.RolloutPhaseDegraded, fmt.Sprintf("%s: %s", c.Type, c.Message)
		case c.Reason == api.ReasonRolloutAborted, c.Reason == api.ReasonProgressDeadlineExceeded:
			return api.RolloutPhaseDegraded, fmt.Sprintf("%s: %s", c.Reason, c.Message)
		}
	}
	switch s := ro.Status; {
	case ro.Spec.Paused:
		return api.RolloutPhasePaused, "manually paused"
	case len(s.PauseConditions) > 0:
		return api.RolloutPhasePaused, string(s.PauseConditions[0].Reason)
	case ro.Spec.RestartAt != nil && !s.RestartedAt.Equal(ro.Spec.RestartAt):
		return api.RolloutPhaseProgressing, "rollout is restarting"
	case s.UpdatedReplicas < wanted(ro):
		return api.RolloutPhaseProgressing, "more replicas need to be updated"
	case s.AvailableReplicas < s.UpdatedReplicas:
		return api.RolloutPhaseProgressing, "updated replicas are still becoming available"
	}
	return computedEnd(ro)
}

// computedEnd is the phase once the new pods are there: what differs between the strategies.
func computedEnd(ro *api.Rollout) (api.RolloutPhase, string) {
	s := ro.Status
	if strategy := ro.Spec.Strategy.BlueGreen; strategy != nil {
		switch {
		case s.BlueGreen.ActiveSelector == "" || s.BlueGreen.ActiveSelector != s.CurrentPodHash:
			return api.RolloutPhaseProgressing, "active service cutover pending"
		case s.StableRS != "" && s.StableRS != s.CurrentPodHash:
			return api.RolloutPhaseProgressing, "waiting for analysis to complete"
		}
		return api.RolloutPhaseHealthy, ""
	}
	routed := ro.Spec.Strategy.Canary != nil && ro.Spec.Strategy.Canary.TrafficRouting != nil
	switch {
	case !routed && s.Replicas > s.UpdatedReplicas:
		return api.RolloutPhaseProgressing, "old replicas are pending termination"
	case !promoted(ro):
		return api.RolloutPhaseProgressing, "waiting for all steps to complete"
	}
	return api.RolloutPhaseHealthy, ""
}

// Observed tells whether the controller has seen the spec as it is now.
func Observed(ro *api.Rollout) bool {
	if ro.Status.ObservedGeneration == "" {
		return false
	}
	seen, err := strconv.ParseInt(ro.Status.ObservedGeneration, 10, 64)
	return err != nil || seen >= ro.Generation // other controllers wrote a hash here
}

func promoted(ro *api.Rollout) bool {
	return ro.Status.StableRS != "" && ro.Status.StableRS == ro.Status.CurrentPodHash
}

func steps(ro *api.Rollout) []api.CanaryStep {
	if ro.Spec.Strategy.Canary == nil {
		return nil
	}
	return ro.Spec.Strategy.Canary.Steps
}

// current is the index of the step that is being taken; the number of steps when all are done.
func current(ro *api.Rollout) int {
	n := len(steps(ro))
	if ro.Status.CurrentStepIndex == nil {
		return n
	}
	return min(max(int(*ro.Status.CurrentStepIndex), 0), n)
}

// step is the step that is being taken, nil when there is none.
func step(ro *api.Rollout) *api.CanaryStep {
	if i := current(ro); i < len(steps(ro)) {
		return &steps(ro)[i]
	}
	return nil
}

func maxWeight(ro *api.Rollout) int32 {
	canary := ro.Spec.Strategy.Canary
	if canary != nil && canary.TrafficRouting != nil && canary.TrafficRouting.MaxTrafficWeight != nil {
		return *canary.TrafficRouting.MaxTrafficWeight
	}
	return 100
}

// setWeight is the share the canary should have.
func setWeight(ro *api.Rollout) int32 {
	i := current(ro)
	switch {
	case ro.Status.Abort:
		return 0
	case i >= len(steps(ro)):
		return maxWeight(ro)
	}
	for ; i >= 0; i-- {
		if weight := steps(ro)[i].SetWeight; weight != nil {
			return *weight
		}
	}
	return 0
}

// actualWeight is the share the canary has.
func (s Scene) actualWeight() int32 {
	ro := s.Rollout
	switch {
	case current(ro) >= len(steps(ro)) && !ro.Status.Abort:
		return maxWeight(ro)
	case ro.Status.AvailableReplicas == 0:
		return 0
	case ro.Spec.Strategy.Canary != nil && ro.Spec.Strategy.Canary.TrafficRouting != nil:
		if ro.Status.Canary.Weights != nil {
			return ro.Status.Canary.Weights.Canary.Weight
		}
		return setWeight(ro)
	}
	var all, canary int64
	for i := range s.ReplicaSets {
		rs := &s.ReplicaSets[i]
		all += int64(rs.Status.AvailableReplicas)
		if s.role(rs) == "canary" {
			canary = int64(rs.Status.AvailableReplicas)
		}
	}
	if all == 0 {
		return 0
	}
	return int32(canary * int64(maxWeight(ro)) / all)
}
