package validate

import (
	"fmt"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation/field"

	api "sluice.dev/sluice/api/v1alpha1"
)

func (s *sheet) canary(canary *api.CanaryStrategy, path *field.Path) {
	s.surge(canary, path)
	s.antiAffinity(canary.AntiAffinity, path.Child("antiAffinity"))
	if canary.TrafficRouting != nil {
		s.routers(canary.TrafficRouting, path.Child("trafficRouting"))
	} else {
		s.withoutRouter(canary, path)
	}
	if canary.CanaryService != "" && canary.CanaryService == canary.StableService {
		s.as(RuleConflict).invalid(path.Child("stableService"), fmt.Sprintf("is the same Service as canaryService, %s", canary.CanaryService), "")
	}
	s.unsupported(canary.DynamicStableScale && canary.TrafficRouting != nil, path.Child("dynamicStableScale"))
	s.unsupported(canary.CanaryMetadata != nil, path.Child("canaryMetadata"))
	s.unsupported(canary.StableMetadata != nil, path.Child("stableMetadata"))
	s.unsupported(canary.PingPong != nil, path.Child("pingPong"))
	s.unsupported(canary.MinPodsPerReplicaSet != nil, path.Child("minPodsPerReplicaSet"))
	s.unsupported(canary.ReplicaProgressThreshold != nil, path.Child("replicaProgressThreshold"))

	limit := int32(100)
	if routing := canary.TrafficRouting; routing != nil && routing.MaxTrafficWeight != nil {
		limit = *routing.MaxTrafficWeight
	}
	s.items(len(canary.Steps), path.Child("steps"))
	for i := range canary.Steps {
		s.step(&canary.Steps[i], path.Child("steps").Index(i), limit)
	}
	if canary.Analysis != nil {
		s.background(canary, path.Child("analysis"))
	}
}

// withoutRouter finds fields that need a traffic router. The two Services would never be re-pointed:
// whoever sends all requests to the stable one would see it shrink under them.
func (s *sheet) withoutRouter(canary *api.CanaryStrategy, path *field.Path) {
	s.unsupported(canary.CanaryService != "", path.Child("canaryService"))
	s.unsupported(canary.StableService != "", path.Child("stableService"))
	if canary.ScaleDownDelaySeconds != nil {
		s.as(RuleConflict).invalid(path.Child("scaleDownDelaySeconds"), "needs trafficRouting: pods of a canary without it are replaced one by one", "remove it")
	}
	if canary.DynamicStableScale {
		s.as(RuleConflict).invalid(path.Child("dynamicStableScale"), "needs trafficRouting", "remove it; without a router the stable pods always shrink as the canary grows")
	}
	if canary.ScaleDownDelayRevisionLimit != nil {
		s.as(RuleNoEffect).warn(path.Child("scaleDownDelayRevisionLimit"), "has no effect without trafficRouting", "remove it")
	}
	if canary.AbortScaleDownDelaySeconds != nil {
		s.as(RuleNoEffect).warn(path.Child("abortScaleDownDelaySeconds"), "has no effect without trafficRouting: an abort scales the canary down at once", "remove it")
	}
}

func (s *sheet) routers(routing *api.RolloutTrafficRouting, path *field.Path) {
	routers := []struct {
		there bool
		name  string
	}{
		{routing.Istio != nil, "istio"}, {routing.Nginx != nil, "nginx"}, {routing.ALB != nil, "alb"},
		{routing.SMI != nil, "smi"}, {routing.Ambassador != nil, "ambassador"}, {routing.AppMesh != nil, "appMesh"},
		{routing.Traefik != nil, "traefik"}, {routing.Apisix != nil, "apisix"}, {len(routing.Plugins) > 0, "plugins"},
	}
	found := false
	for _, router := range routers {
		found = found || router.there
		s.unsupported(router.there, path.Child(router.name))
	}
	s.unsupported(!found, path)
}

func (s *sheet) antiAffinity(rule *api.AntiAffinity, path *field.Path) {
	if rule == nil {
		return
	}
	s.unsupported(true, path)
	preferred := rule.PreferredDuringSchedulingIgnoredDuringExecution
	if (preferred == nil) == (rule.RequiredDuringSchedulingIgnoredDuringExecution == nil) {
		s.as(RuleConflict).invalid(path, "must have exactly one of preferredDuringSchedulingIgnoredDuringExecution and requiredDuringSchedulingIgnoredDuringExecution", "")
	}
	if preferred != nil && (preferred.Weight < 1 || preferred.Weight > 100) {
		s.invalid(path.Child("preferredDuringSchedulingIgnoredDuringExecution", "weight"), fmt.Sprintf("is %d and must be 1 to 100", preferred.Weight), "")
	}
}

// surge checks maxSurge and maxUnavailable. Both at 0 would allow no pod to be replaced at all.
func (s *sheet) surge(canary *api.CanaryStrategy, path *field.Path) {
	surge, surgeGiven := s.share(canary.MaxSurge, path.Child("maxSurge"))
	unavailable, unavailableGiven := s.share(canary.MaxUnavailable, path.Child("maxUnavailable"))
	if surgeGiven && unavailableGiven && surge == 0 && unavailable == 0 {
		s.as(RuleConflict).invalid(path.Child("maxUnavailable"), "is 0 and so is maxSurge: no pod could ever be replaced", "give one of them a larger value")
	}
	if value := canary.MaxUnavailable; unavailableGiven && value.Type == intstr.String && unavailable >= 100 {
		s.warn(path.Child("maxUnavailable"), fmt.Sprintf("is %d%%: no pod needs to serve while they are replaced", unavailable), "write less than 100%, such as 25%")
	}
}

// share reads a number of pods or a percentage; given is false when it is absent or unreadable.
func (s *sheet) share(value *intstr.IntOrString, path *field.Path) (number int, given bool) {
	if value == nil {
		return 0, false
	}
	number = int(value.IntVal)
	if value.Type == intstr.String {
		var err error
		number, err = strconv.Atoi(strings.TrimSuffix(value.StrVal, "%"))
		if err != nil {
			s.invalid(path, fmt.Sprintf("is %s, neither a number of pods nor a percentage", quote(value.StrVal)), "write a number such as 1, or a percentage such as 25%")
			return 0, false
		}
	}
	if number >= 0 && value.Type == intstr.String && !strings.HasSuffix(value.StrVal, "%") {
		s.warn(path, fmt.Sprintf("is the text %s, which is read as %d %%", quote(value.StrVal), number), fmt.Sprintf("write %d without quotes for pods, or %d%%", number, number))
	}
	if number < 0 {
		s.invalid(path, fmt.Sprintf("is %s and cannot be negative", value.String()), "")
		return 0, false
	}
	return number, true
}

func (s *sheet) step(step *api.CanaryStep, path *field.Path, limit int32) {
	s.stepKinds(step, path)
	if weight := step.SetWeight; weight != nil && (*weight < 0 || *weight > limit) {
		s.invalid(path.Child("setWeight"), fmt.Sprintf("is %d and must be 0 to %d", *weight, limit), "")
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
	s.unsupported(step.Experiment != nil, path.Child("experiment"))
	s.unsupported(step.SetCanaryScale != nil, path.Child("setCanaryScale"))
	s.unsupported(step.SetHeaderRoute != nil, path.Child("setHeaderRoute"))
	s.unsupported(step.SetMirrorRoute != nil, path.Child("setMirrorRoute"))
	s.unsupported(step.Plugin != nil, path.Child("plugin"))
}

// stepKinds wants one kind of action in a step. Two of the first four contradict each other; what
// the others would mean together is judged once they are supported.
func (s *sheet) stepKinds(step *api.CanaryStep, path *field.Path) {
	var kinds []string
	name := func(there bool, kind string) {
		if there {
			kinds = append(kinds, kind)
		}
	}
	name(step.SetWeight != nil, "setWeight")
	name(step.Pause != nil, "pause")
	name(step.Experiment != nil, "experiment")
	name(step.Analysis != nil, "analysis")
	if len(kinds) > 1 {
		s.as(RuleSteps).invalid(path, "does several things at once: "+strings.Join(kinds, ", "), "make each of them a step of its own, beginning with a dash")
	}
	others := step.SetCanaryScale != nil || step.SetHeaderRoute != nil || step.SetMirrorRoute != nil || step.Plugin != nil
	if len(kinds) == 0 && !others {
		s.as(RuleMissingField).invalid(path, "is empty", "write setWeight, pause: {} or analysis; a pause without a duration is written pause: {}")
	}
}
