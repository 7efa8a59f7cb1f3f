package validate

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/compose"
)

// Experiment says what is wrong with an Experiment by itself, whatever it refers to. Its pods are judged by the
// API server, or by ExperimentPods where there is none.
func Experiment(ex *api.Experiment) Findings {
	s := &sheet{}
	spec, root := &ex.Spec, field.NewPath("spec")
	s.negative(root.Child("progressDeadlineSeconds"), spec.ProgressDeadlineSeconds)
	s.negative(root.Child("scaleDownDelaySeconds"), spec.ScaleDownDelaySeconds)
	s.lasts(spec.Duration, root.Child("duration"))
	s.items(len(spec.Templates), root.Child("templates"))
	if len(spec.Templates) == 0 {
		s.as(RuleNoEffect).warn(root.Child("templates"), "is empty: no pods are run", "name at least one template")
	}
	deadline := int32(defaultProgressDeadline)
	if spec.ProgressDeadlineSeconds != nil {
		deadline = *spec.ProgressDeadlineSeconds
	}
	seen, services := map[string]bool{}, map[string]bool{}
	for i := range spec.Templates {
		template, at := &spec.Templates[i], root.Child("templates").Index(i)
		s.template(template, at, deadline)
		s.once(seen, template.Name, at.Child("name"), "template")
		if template.Service != nil {
			s.once(services, s.service(ex.Name, template, at.Child("service")), at.Child("service", "name"), "template's Service")
		}
	}
	s.trial(spec, root)
	return s.sorted()
}

// trial checks the analyses of an Experiment, and what is said of all of them.
func (s *sheet) trial(spec *api.ExperimentSpec, root *field.Path) {
	s.items(len(spec.Analyses), root.Child("analyses"))
	seen, known := map[string]bool{}, aboutExperiment(spec)
	for i := range spec.Analyses {
		analysis, at := &spec.Analyses[i], root.Child("analyses").Index(i)
		s.required(analysis.Name, at.Child("name"), "")
		s.once(seen, analysis.Name, at.Child("name"), "analysis")
		s.required(analysis.TemplateName, at.Child("templateName"), "write the name of an AnalysisTemplate")
		s.arguments(analysis.Args, at.Child("args"))
		for j, arg := range analysis.Args {
			if arg.Value != nil {
				s.about(*arg.Value, known, at.Child("args").Index(j).Child("value"))
			}
		}
	}
	s.rules(spec.DryRun, spec.MeasurementRetention, root)
	s.runMetadata(&spec.AnalysisRunMetadata, root.Child("analysisRunMetadata"))
}

// template checks the pods of one template.
func (s *sheet) template(template *api.TemplateSpec, path *field.Path, deadline int32) {
	s.required(template.Name, path.Child("name"), "")
	s.negative(path.Child("replicas"), template.Replicas)
	s.negative(path.Child("minReadySeconds"), &template.MinReadySeconds)
	if deadline >= 0 && template.MinReadySeconds > deadline {
		s.as(RuleConflict).invalid(path.Child("minReadySeconds"), fmt.Sprintf("is %d and must not be larger than progressDeadlineSeconds, which is %d: no pod could become available in time", template.MinReadySeconds, deadline), "")
	}
	s.selects(template.Selector, template.Template.Labels, path.Child("selector"))
	if template.Service != nil && !listens(&template.Template) {
		s.as(RuleNoEffect).warn(path.Child("service"), "has no effect: no container of the template names a port", "write ports with the containerPort that serves")
	}
}

// selects wants a selector that finds pods with these labels.
func (s *sheet) selects(by *metav1.LabelSelector, set map[string]string, path *field.Path) {
	switch {
	case by == nil:
		s.as(RuleMissingField).invalid(path, "is missing", suggestSelector(set))
		return
	case len(by.MatchLabels) == 0 && len(by.MatchExpressions) == 0:
		s.as(RuleSelector).invalid(path, "is empty and would select every pod of the namespace", suggestSelector(set))
		return
	}
	selector, err := metav1.LabelSelectorAsSelector(by)
	if err != nil {
		s.invalid(path, "is not a label selector: "+err.Error(), "")
		return
	}
	if !selector.Matches(labels.Set(set)) {
		s.as(RuleSelector).invalid(path, fmt.Sprintf("%q does not match the labels of the template's pods: they are %s", selector.String(), describeLabels(set)),
			"give the pods the labels that the selector asks for")
	}
}

// service is the name of the Service in front of a template, which the server has to take.
func (s *sheet) service(experiment string, template *api.TemplateSpec, path *field.Path) string {
	name, at := template.Service.Name, path.Child("name")
	if name == "" {
		if experiment == "" || template.Name == "" {
			return ""
		}
		name, at = experiment+"-"+template.Name, path
	}
	for _, problem := range validation.IsDNS1035Label(name) {
		s.as(RuleBadName).invalid(at, fmt.Sprintf("%s cannot be the name of a Service: %s", quote(name), brief(problem)), "write a name of at most 63 letters, digits and dashes")
	}
	return name
}

func listens(template *corev1.PodTemplateSpec) bool {
	for _, container := range template.Spec.Containers {
		if len(container.Ports) > 0 {
			return true
		}
	}
	return false
}

// lasts checks how long an experiment is to last.
func (s *sheet) lasts(duration api.DurationString, path *field.Path) {
	if duration == "" {
		return
	}
	if length, err := duration.Duration(); err != nil || length <= 0 {
		s.invalid(path, fmt.Sprintf("is %s, which is no length of time", quote(string(duration))), "write a number with a unit, such as 30s, 5m or 1h")
	}
}

// aboutExperiment is what arguments may ask about an Experiment.
func aboutExperiment(spec *api.ExperimentSpec) map[string]string {
	known := map[string]string{compose.AboutExperiment(compose.AboutAvailableAt): "x"}
	if spec.Duration != "" {
		known[compose.AboutExperiment(compose.AboutFinishedAt)] = "x"
	}
	for _, template := range spec.Templates {
		known[compose.AboutTemplate(template.Name, compose.AboutHash)] = "x"
		known[compose.AboutTemplate(template.Name, compose.AboutReplicaSet)] = "x"
	}
	return known
}

// about finds what an argument asks of its Experiment and nobody can tell.
func (s *sheet) about(text string, known map[string]string, path *field.Path) {
	_, problems := compose.ExperimentArgs([]api.Argument{{Value: &text}}, known)
	if len(problems) > 0 {
		s.as(RulePlaceholder).invalid(path, quote(text)+" asks for something that nobody knows of this experiment",
			"write {{templates.NAME.podTemplateHash}}, {{templates.NAME.replicaset.name}}, {{experiment.availableAt}} or, with a duration, {{experiment.finishedAt}}")
	}
}

// ExperimentPods says what the API server would refuse in the pod templates of an Experiment.
func ExperimentPods(ex *api.Experiment) Findings {
	s := &sheet{}
	for i := range ex.Spec.Templates {
		template, path := &ex.Spec.Templates[i].Template, field.NewPath("spec", "templates").Index(i).Child("template")
		if len(template.Spec.Containers) == 0 {
			s.as(RuleMissingField).invalid(path.Child("spec", "containers"), "must name at least one container", "")
		}
		if policy := template.Spec.RestartPolicy; policy != "" && policy != corev1.RestartPolicyAlways {
			s.invalid(path.Child("spec", "restartPolicy"), fmt.Sprintf("is %s; pods of an Experiment are always restarted", quote(policy)), "write Always, or leave it out")
		}
		s.pods(template, path)
	}
	return s.sorted()
}
