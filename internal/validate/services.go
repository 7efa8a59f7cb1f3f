package validate

import (
	"fmt"
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/util/validation/field"

	api "sluice.dev/sluice/api/v1alpha1"
)

// Service is what matters here about a Service in the namespace of a Rollout.
type Service struct {
	// Selector of the Service; nil also when it is not known.
	Selector map[string]string
	// ManagedBy is the Rollout that the annotation managed-by-rollouts names, "" when there is none.
	ManagedBy string
	// NamedBy are the Rollouts that name this Service, as far as they are known.
	NamedBy []string
	// Outside says that it is of type ExternalName, and Bare that it has no selector of its own.
	Outside, Bare bool
}

// ServiceRef is where a Rollout names a Service.
type ServiceRef struct{ Path, Name string }

// ServiceRefs lists the Services a Rollout names, each place once.
func ServiceRefs(ro *api.Rollout) []ServiceRef {
	var refs []ServiceRef
	for _, service := range ro.Spec.Strategy.Services() {
		refs = append(refs, ServiceRef{"spec.strategy." + service.Field, service.Name})
	}
	return refs
}

// Services says what is wrong with the Services a Rollout names, given those there are, by name: one that is
// not there, that another Rollout has, or that selects none of the pods. Before the template of a workloadRef
// is known, its labels are not compared.
func Services(ro *api.Rollout, have map[string]Service) Findings {
	s := &sheet{}
	for _, ref := range ServiceRefs(ro) {
		service, there := have[ref.Name]
		path := field.NewPath(ref.Path)
		if !there {
			s.as(RuleService).invalid(path, fmt.Sprintf("Service %s does not exist", shorten(ref.Name, maxQuoted)), "create it, in the namespace of the Rollout")
			continue
		}
		s.owner(ro, service, ref, path)
		s.unfit(service, ref, path)
		if ro.Spec.WorkloadRef != nil && !ro.Spec.TemplateResolvedFromRef {
			continue
		}
		pods := ro.Spec.Template.Labels
		for _, key := range Mismatches(service.Selector, pods) {
			s.as(RuleServiceSelector).invalid(path, fmt.Sprintf("Service %s selects %s=%s, and the pods of this Rollout have %s", ref.Name, key, service.Selector[key], Label(key, pods)),
				"give the Service a selector with labels of the pod template")
		}
	}
	return s.sorted()
}

// owner refuses a Service that another Rollout re-points: the two would take it from each other.
func (s *sheet) owner(ro *api.Rollout, service Service, ref ServiceRef, path *field.Path) {
	if service.ManagedBy != "" && service.ManagedBy != ro.Name {
		s.as(RuleSharedService).invalid(path, fmt.Sprintf("Service %s is managed by Rollout %s: its annotation %s says so", ref.Name, service.ManagedBy, api.AnnotationManagedBy),
			"name another Service, or remove the annotation if that Rollout is gone")
		return
	}
	for _, other := range service.NamedBy {
		if other != ro.Name {
			s.as(RuleSharedService).invalid(path, fmt.Sprintf("Service %s is named by Rollout %s as well, and only one of them can re-point it", ref.Name, other), "give each Rollout Services of its own")
			return
		}
	}
}

// unfit refuses a Service that leads where its selector does not say: a revision's hash would change nothing,
// or make it select the pods of anybody.
func (s *sheet) unfit(service Service, ref ServiceRef, path *field.Path) {
	switch {
	case service.Outside:
		s.as(RuleServiceSelector).invalid(path, fmt.Sprintf("Service %s is of type ExternalName: it leads to a name outside and selects no pods", ref.Name), "name a Service that selects the pods of this Rollout")
	case service.Bare:
		s.as(RuleServiceSelector).invalid(path, fmt.Sprintf("Service %s has no selector of its own: somebody else says which addresses it leads to", ref.Name), "give it a selector with labels of the pod template")
	}
}

// Mismatches are the labels of a selector that a pod does not have, in order. The hash of a revision comes and
// goes with the revisions.
func Mismatches(selector, pod map[string]string) (keys []string) {
	for _, key := range slices.Sorted(maps.Keys(selector)) {
		if value, has := pod[key]; (!has || value != selector[key]) && key != api.LabelPodTemplateHash {
			keys = append(keys, key)
		}
	}
	return keys
}

// Label is a label of a pod in words.
func Label(key string, pod map[string]string) string {
	if value, ok := pod[key]; ok {
		return key + "=" + value
	}
	return "no label " + key
}
