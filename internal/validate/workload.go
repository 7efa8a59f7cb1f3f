package validate

import (
	"fmt"

	"k8s.io/apimachinery/pkg/util/validation/field"

	api "sluice.dev/sluice/api/v1alpha1"
)

// workloads are the kinds a pod template can be taken from, with their version.
var workloads = map[string]string{"Deployment": "apps/v1", "ReplicaSet": "apps/v1", "PodTemplate": "v1"}

// workload checks the reference to another object's pod template. A template of one's own beside it would
// be ignored, so there must be none.
func (s *sheet) workload(spec *api.RolloutSpec, root *field.Path) {
	ref, path := spec.WorkloadRef, root.Child("workloadRef")
	if ref == nil {
		return
	}
	if spec.HasTemplate() {
		s.as(RuleConflict).invalid(root.Child("template"), "must be empty with workloadRef, which says whose pod template is used", "remove template, its labels and annotations too, or remove workloadRef")
	}
	s.required(ref.Name, path.Child("name"), "write the name of the workload, which is in the namespace of the Rollout")
	version, known := workloads[ref.Kind]
	switch {
	case ref.Kind == "":
		s.required("", path.Child("kind"), "write Deployment, ReplicaSet or PodTemplate")
	case !known:
		s.invalid(path.Child("kind"), fmt.Sprintf("is %s, whose pod template cannot be used", quote(ref.Kind)), "write Deployment, ReplicaSet or PodTemplate")
	case ref.APIVersion == "":
		s.required("", path.Child("apiVersion"), fmt.Sprintf("write %s", version))
	case ref.APIVersion != version:
		s.invalid(path.Child("apiVersion"), fmt.Sprintf("is %s, and a %s is of %s", quote(ref.APIVersion), ref.Kind, version), "write "+version)
	}
	s.scaleDown(ref, path.Child("scaleDown"))
}

func (s *sheet) scaleDown(ref *api.ObjectRef, path *field.Path) {
	switch mode := ref.ScaleDown; mode {
	case "", api.ScaleDownNever:
	case api.ScaleDownOnSuccess, api.ScaleDownProgressively:
		if ref.Kind == "ReplicaSet" || ref.Kind == "PodTemplate" {
			s.as(RuleNoEffect).warn(path, fmt.Sprintf("has no effect on a %s: only the pods of a Deployment are given up", ref.Kind), "remove it")
		}
	default:
		s.as(RuleNoEffect).warn(path, fmt.Sprintf("is %s, which means never", quote(mode)), "write never, onsuccess or progressively")
	}
}

// workloadExists wants the object there that the reference names, if it could be.
func (s *sheet) workloadExists(ro *api.Rollout, refs Refs) {
	ref, path := ro.Spec.WorkloadRef, field.NewPath("spec", "workloadRef")
	if ref == nil {
		return
	}
	if version, known := workloads[ref.Kind]; !known || version != ref.APIVersion || ref.Name == "" {
		return // said already
	}
	switch there := refs.Workload == nil || refs.Workload(*ref); {
	case !there && refs.Partial:
		s.as(RuleWorkload).warn(path, fmt.Sprintf("%s %s was not found", ref.Kind, shorten(ref.Name, maxQuoted)), "")
	case !there:
		s.as(RuleWorkload).invalid(path, fmt.Sprintf("%s %s does not exist", ref.Kind, shorten(ref.Name, maxQuoted)),
			"create it, in the namespace of the Rollout: until then its pods stay as they are")
	case ro.Spec.Selector == nil && ref.Kind == "PodTemplate":
		s.as(RuleMissingField).invalid(field.NewPath("spec", "selector"), "is missing, and a PodTemplate has none", suggestSelector(ro.Spec.Template.Labels))
	}
}
