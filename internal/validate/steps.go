package validate

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"

	api "sluice.dev/sluice/api/v1alpha1"
)

// stepper checks the steps of one canary.
type stepper struct {
	*sheet
	routing *api.RolloutTrafficRouting
	limit   int32 // the largest weight
}

func (s *sheet) steps(canary *api.CanaryStrategy, path *field.Path) {
	s.items(len(canary.Steps), path)
	each := stepper{sheet: s, routing: canary.TrafficRouting, limit: canary.ResolvedMaxTrafficWeight()}
	for i := range canary.Steps {
		each.step(&canary.Steps[i], path.Index(i))
	}
}

func (s *stepper) step(step *api.CanaryStep, path *field.Path) {
	s.kinds(step, path)
	s.routed(step.SetCanaryScale != nil, path.Child("setCanaryScale"))
	s.routed(step.SetHeaderRoute != nil, path.Child("setHeaderRoute"))
	s.routed(step.SetMirrorRoute != nil, path.Child("setMirrorRoute"))
	s.unsupported(step.Plugin != nil, path.Child("plugin"))
	if weight := step.SetWeight; weight != nil && (*weight < 0 || *weight > s.limit) {
		s.invalid(path.Child("setWeight"), fmt.Sprintf("is %d and must be 0 to %d", *weight, s.limit), "")
	}
	if step.Pause != nil {
		if _, err := step.Pause.DurationSeconds(); err != nil {
			s.invalid(path.Child("pause", "duration"), fmt.Sprintf("is %s, which is no length of time from 0 to 68 years", quote(step.Pause.Duration.String())),
				"write seconds as a number, or a text such as 30s, 5m or 1h; leave it out to wait until somebody promotes")
		}
	}
	if step.Analysis != nil {
		s.analysis(step.Analysis, path.Child("analysis"))
	}
	if step.Plugin != nil {
		s.required(step.Plugin.Name, path.Child("plugin", "name"), "write the name of the step plugin")
	}
	s.withRouter(step, path)
}

// withRouter checks the kinds of steps that are about requests.
func (s *stepper) withRouter(step *api.CanaryStep, path *field.Path) {
	if step.Experiment != nil {
		s.experiment(step.Experiment, path.Child("experiment"))
		s.shares(step.Experiment, path.Child("experiment"))
	}
	if step.SetCanaryScale != nil {
		s.scale(step.SetCanaryScale, path.Child("setCanaryScale"))
	}
	if step.SetHeaderRoute != nil {
		s.headerRoute(step.SetHeaderRoute, path.Child("setHeaderRoute"))
	}
	if step.SetMirrorRoute != nil {
		s.mirrorRoute(step.SetMirrorRoute, path.Child("setMirrorRoute"))
	}
}

// kinds wants one kind of action in a step. Two of the first four contradict each other; a second one of the
// others is legal, and its step is complete with the first.
func (s *stepper) kinds(step *api.CanaryStep, path *field.Path) {
	first, others := kindsOf(step)
	switch {
	case len(first) > 1:
		s.as(RuleSteps).invalid(path, "does several things at once: "+strings.Join(first, ", "), "make each of them a step of its own, beginning with a dash")
	case len(first)+len(others) == 0:
		s.as(RuleMissingField).invalid(path, "is empty", "write setWeight, pause: {} or analysis; a pause without a duration is written pause: {}")
	case len(first)+len(others) > 1:
		s.as(RuleSteps).warn(path, "does several things at once: "+strings.Join(append(first, others...), ", "), "make each of them a step of its own, beginning with a dash")
	}
}

// kindsOf names what a step does: the first four kinds exclude each other, the others are not checked for it.
func kindsOf(step *api.CanaryStep) (first, others []string) {
	name := func(names []string, there bool, kind string) []string {
		if there {
			return append(names, kind)
		}
		return names
	}
	first = name(first, step.SetWeight != nil, "setWeight")
	first = name(first, step.Pause != nil, "pause")
	first = name(first, step.Experiment != nil, "experiment")
	first = name(first, step.Analysis != nil, "analysis")
	others = name(others, step.SetCanaryScale != nil, "setCanaryScale")
	others = name(others, step.SetHeaderRoute != nil, "setHeaderRoute")
	others = name(others, step.SetMirrorRoute != nil, "setMirrorRoute")
	return first, name(others, step.Plugin != nil, "plugin")
}

// scale checks a setCanaryScale, which sizes the canary apart from its share: without a router the share is
// the size.
func (s *stepper) scale(scale *api.SetCanaryScale, path *field.Path) {
	if s.routing == nil {
		s.as(RuleConflict).invalid(path, "needs trafficRouting: without a router the number of pods is the weight", "write setWeight instead")
	}
	s.negative(path.Child("replicas"), scale.Replicas)
	s.negative(path.Child("weight"), scale.Weight)
	switch {
	case scale.Replicas != nil && (scale.Weight != nil || scale.MatchTrafficWeight):
		s.as(RuleNoEffect).warn(path, "has replicas and something else: only replicas counts", "remove the others")
	case scale.Weight != nil && scale.MatchTrafficWeight:
		s.as(RuleNoEffect).warn(path, "has weight and matchTrafficWeight: only weight counts", "remove one of them")
	case scale.Replicas == nil && scale.Weight == nil && !scale.MatchTrafficWeight:
		s.warn(path, "is empty: the size of the canary follows its weight, as with matchTrafficWeight: true", "write matchTrafficWeight: true if that is what you mean")
	}
}

// shares checks the parts of the requests that an experiment's templates ask for.
func (s *stepper) shares(experiment *api.RolloutExperimentStep, path *field.Path) {
	for i := range experiment.Templates {
		weight, at := experiment.Templates[i].Weight, path.Child("templates").Index(i).Child("weight")
		if weight == nil {
			continue
		}
		switch {
		case s.routing == nil:
			s.as(RuleConflict).invalid(at, "needs trafficRouting: without a router no requests can be sent to the experiment alone", "remove it")
		case !hasRouter(s.routing, "alb", "smi", "istio", "plugins"):
			s.as(RuleConflict).invalid(at, "needs alb, smi, istio or plugins under trafficRouting: the other routers split between two sides only", "remove it")
		case *weight < 0 || *weight > s.limit:
			s.invalid(at, fmt.Sprintf("is %d and must be 0 to %d", *weight, s.limit), "")
		}
	}
}
