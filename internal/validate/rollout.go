package validate

import (
	"fmt"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/validation/field"

	api "sluice.dev/sluice/api/v1alpha1"
)

// defaultProgressDeadline is spec.progressDeadlineSeconds when it is not given.
const defaultProgressDeadline = 600

// defaultRevisionHistory is spec.revisionHistoryLimit when it is not given.
const defaultRevisionHistory = 10

// Rollout says what is wrong with a Rollout by itself, whatever it refers to. Its pod template is judged
// by the API server, or by RolloutPods where there is none.
func Rollout(ro *api.Rollout) Findings {
	s := &sheet{}
	spec, root := &ro.Spec, field.NewPath("spec")
	s.numbers(spec, root)
	s.rollbackWindow(spec, root)
	s.workload(spec, root)
	s.selector(spec, root)
	s.strategy(spec, root.Child("strategy"))
	s.experimentPods(ro, root.Child("strategy", "canary", "steps"))
	return s.sorted()
}

func (s *sheet) numbers(spec *api.RolloutSpec, root *field.Path) {
	s.negative(root.Child("replicas"), spec.Replicas)
	s.negative(root.Child("minReadySeconds"), &spec.MinReadySeconds)
	s.negative(root.Child("revisionHistoryLimit"), spec.RevisionHistoryLimit)
	s.negative(root.Child("progressDeadlineSeconds"), spec.ProgressDeadlineSeconds)
	deadline := int32(defaultProgressDeadline)
	if spec.ProgressDeadlineSeconds != nil {
		deadline = *spec.ProgressDeadlineSeconds
	}
	if deadline >= 0 && deadline <= spec.MinReadySeconds {
		s.as(RuleConflict).invalid(root.Child("progressDeadlineSeconds"),
			fmt.Sprintf("is %d and must be larger than minReadySeconds, which is %d: no pod could become available in time", deadline, spec.MinReadySeconds), "")
	}
}

// rollbackWindow checks how far back a rollback may reach without steps: no further than to what is kept.
func (s *sheet) rollbackWindow(spec *api.RolloutSpec, root *field.Path) {
	if spec.RollbackWindow == nil {
		return
	}
	path, revisions := root.Child("rollbackWindow", "revisions"), spec.RollbackWindow.Revisions
	kept := int32(defaultRevisionHistory)
	if spec.RevisionHistoryLimit != nil {
		kept = *spec.RevisionHistoryLimit
	}
	switch {
	case revisions < 0:
		s.invalid(path, fmt.Sprintf("is %d and cannot be negative", revisions), "")
	case revisions == 0:
		s.as(RuleNoEffect).warn(path, "is 0, which is no window: every rollback takes all steps", "write how many revisions back a rollback may skip steps and analysis")
	case kept >= 0 && revisions > kept:
		s.as(RuleNoEffect).warn(path, fmt.Sprintf("is %d, but only %d old revisions are kept (revisionHistoryLimit)", revisions, kept), "raise revisionHistoryLimit, or lower this")
	}
}

func (s *sheet) selector(spec *api.RolloutSpec, root *field.Path) {
	path := root.Child("selector")
	if spec.Selector == nil {
		if spec.WorkloadRef != nil {
			return // it is that of the workload
		}
		s.as(RuleMissingField).invalid(path, "is missing", suggestSelector(spec.Template.Labels))
		return
	}
	if len(spec.Selector.MatchLabels) == 0 && len(spec.Selector.MatchExpressions) == 0 {
		s.as(RuleSelector).invalid(path, "is empty and would select every pod of the namespace", suggestSelector(spec.Template.Labels))
		return
	}
	selector, err := metav1.LabelSelectorAsSelector(spec.Selector)
	if err != nil {
		s.invalid(path, "is not a label selector: "+err.Error(), "")
		return
	}
	if spec.WorkloadRef != nil && !spec.TemplateResolvedFromRef {
		return // the labels are not known here
	}
	if spec.TemplateResolvedFromRef && !selector.Matches(labels.Set(spec.Template.Labels)) {
		s.as(RuleSelector).invalid(path, fmt.Sprintf("%q does not select the pods of %s %s: their labels are %s", selector.String(), spec.WorkloadRef.Kind, spec.WorkloadRef.Name,
			describeLabels(spec.Template.Labels)), "leave it out: the selector of the workload is used then")
		return
	}
	if !selector.Matches(labels.Set(spec.Template.Labels)) {
		s.as(RuleSelector).invalid(root.Child("template", "metadata", "labels"),
			fmt.Sprintf("do not match the selector %q: they are %s", selector.String(), describeLabels(spec.Template.Labels)),
			"give the pod template the labels that spec.selector asks for")
	}
}

func suggestSelector(set map[string]string) string {
	if len(set) == 0 {
		return "write matchLabels with labels that the pod template has"
	}
	return fmt.Sprintf("write matchLabels with labels of the pod template, which has %s", describeLabels(set))
}

func describeLabels(set map[string]string) string {
	if len(set) == 0 {
		return "none"
	}
	return strings.ReplaceAll(labels.FormatLabels(set), ",", ", ")
}

func (s *sheet) strategy(spec *api.RolloutSpec, path *field.Path) {
	strategy := &spec.Strategy
	switch {
	case strategy.Canary == nil && strategy.BlueGreen == nil:
		s.as(RuleMissingField).invalid(path, "must have canary or blueGreen", "for a plain rolling update write canary: {}")
	case strategy.Canary != nil && strategy.BlueGreen != nil:
		s.as(RuleConflict).invalid(path, "has both canary and blueGreen", "remove one of them")
	}
	if strategy.BlueGreen != nil {
		s.blueGreen(spec, path.Child("blueGreen"))
	}
	if strategy.Canary != nil {
		s.canary(spec, path.Child("canary"))
	}
}
