package validate

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation/field"

	api "sluice.dev/sluice/api/v1alpha1"
)

func (s *sheet) canary(spec *api.RolloutSpec, path *field.Path) {
	canary := spec.Strategy.Canary
	s.surge(canary, path)
	s.antiAffinity(canary.AntiAffinity, path.Child("antiAffinity"))
	s.traffic(canary, path)
	s.role(canary.CanaryMetadata, spec.Selector, path.Child("canaryMetadata"))
	s.role(canary.StableMetadata, spec.Selector, path.Child("stableMetadata"))
	s.steps(canary, path.Child("steps"))
	if canary.Analysis != nil {
		s.background(canary, path.Child("analysis"))
	}
}

// role checks metadata that pods carry while they play a role. A label that the selector asks for cannot
// change: the pods would no longer be found.
func (s *sheet) role(metadata *api.PodTemplateMetadata, selector *metav1.LabelSelector, path *field.Path) {
	if metadata == nil {
		return
	}
	s.keys(metadata.Labels, metadata.Annotations, path)
	if selector == nil {
		return
	}
	for _, key := range slices.Sorted(maps.Keys(selector.MatchLabels)) {
		if value, given := metadata.Labels[key]; given && value != selector.MatchLabels[key] {
			s.as(RuleSelector).invalid(path.Child("labels").Key(key), fmt.Sprintf("is %s, and spec.selector asks for %s: the pods would belong to nobody", quote(value), quote(selector.MatchLabels[key])), "use a label that the selector does not name")
		}
	}
}

func (s *sheet) antiAffinity(rule *api.AntiAffinity, path *field.Path) {
	if rule == nil {
		return
	}
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
