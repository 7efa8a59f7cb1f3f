package validate

import (
	"fmt"
	"maps"

	"k8s.io/apimachinery/pkg/util/validation/field"

	api "sluice.dev/sluice/api/v1alpha1"
)

// serviceSuffix is what a step's Experiment adds to the name of its Rollout: hash, revision and step.
const serviceSuffix = len("-6b54fd8b9c-12-3-")

// experiment checks what a step says about its Experiment, whatever Rollout it belongs to.
func (s *stepper) experiment(step *api.RolloutExperimentStep, path *field.Path) {
	s.items(len(step.Templates), path.Child("templates"))
	if len(step.Templates) == 0 {
		s.as(RuleNoEffect).warn(path.Child("templates"), "is empty: no pods are run", "name at least one template, with specRef: canary or stable")
	}
	s.negative(path.Child("scaleDownDelaySeconds"), step.ScaleDownDelaySeconds)
	s.lasts(step.Duration, path.Child("duration"))
	seen := map[string]bool{}
	for i := range step.Templates {
		template, at := &step.Templates[i], path.Child("templates").Index(i)
		s.required(template.Name, at.Child("name"), "")
		s.once(seen, template.Name, at.Child("name"), "template")
		s.negative(at.Child("replicas"), template.Replicas)
		switch template.SpecRef {
		case api.CanarySpecRef, api.StableSpecRef:
		case "":
			s.as(RuleMissingField).invalid(at.Child("specRef"), "is missing", "write canary (the new version) or stable")
		default:
			s.invalid(at.Child("specRef"), "is "+quote(string(template.SpecRef)), "write canary (the new version) or stable")
		}
		s.keys(template.Metadata.Labels, template.Metadata.Annotations, at.Child("metadata"))
	}
	s.experimentAnalyses(step, path)
	s.rules(step.DryRun, nil, path)
	s.runMetadata(&step.AnalysisRunMetadata, path.Child("analysisRunMetadata"))
}

func (s *stepper) experimentAnalyses(step *api.RolloutExperimentStep, path *field.Path) {
	s.items(len(step.Analyses), path.Child("analyses"))
	seen, known, ends := map[string]bool{}, aboutExperiment(stepSpec(step)), step.Duration != ""
	for i := range step.Analyses {
		analysis, at := &step.Analyses[i], path.Child("analyses").Index(i)
		ends = ends || analysis.RequiredForCompletion
		s.required(analysis.Name, at.Child("name"), "")
		s.once(seen, analysis.Name, at.Child("name"), "analysis")
		s.required(analysis.TemplateName, at.Child("templateName"), "write the name of an AnalysisTemplate")
		names := map[string]bool{}
		for j := range analysis.Args {
			s.rolloutArgument(&analysis.Args[j], at.Child("args").Index(j), names)
			s.about(analysis.Args[j].Value, known, at.Child("args").Index(j).Child("value"))
		}
	}
	if !ends {
		s.as(RuleEndless).warn(path, "has neither a duration nor an analysis that is required for completion: the step never ends by itself", "write a duration, or requiredForCompletion: true at an analysis")
	}
}

// stepSpec is what is known of a step's Experiment before it is made.
func stepSpec(step *api.RolloutExperimentStep) *api.ExperimentSpec {
	spec := &api.ExperimentSpec{Duration: step.Duration}
	for _, template := range step.Templates {
		spec.Templates = append(spec.Templates, api.TemplateSpec{Name: template.Name})
	}
	return spec
}

// experimentPods checks what the templates of experiment steps make of the Rollout's pods.
func (s *sheet) experimentPods(ro *api.Rollout, path *field.Path) {
	if ro.Spec.Strategy.Canary == nil || ro.Spec.WorkloadRef != nil && !ro.Spec.TemplateResolvedFromRef {
		return
	}
	for i := range ro.Spec.Strategy.Canary.Steps {
		step := ro.Spec.Strategy.Canary.Steps[i].Experiment
		if step == nil {
			continue
		}
		for j := range step.Templates {
			s.experimentPod(ro, &step.Templates[j], path.Index(i).Child("experiment", "templates").Index(j))
		}
	}
}

func (s *sheet) experimentPod(ro *api.Rollout, template *api.RolloutExperimentTemplate, path *field.Path) {
	set := maps.Clone(ro.Spec.Template.Labels)
	if set == nil {
		set = map[string]string{}
	}
	maps.Copy(set, template.Metadata.Labels)
	switch {
	case template.Selector != nil:
		s.selects(template.Selector, set, path.Child("selector"))
	case ro.Spec.Selector != nil && len(template.Metadata.Labels) > 0:
		s.selects(ro.Spec.Selector, set, path.Child("metadata", "labels"))
	}
	if template.Weight == nil && template.Service == nil {
		return
	}
	at, unnamed := path.Child("service"), template.Service == nil || template.Service.Name == ""
	if template.Weight != nil {
		at = path.Child("weight")
	}
	switch {
	case !listens(&ro.Spec.Template):
		s.as(RuleNoEffect).warn(at, "has no effect: no container of the template names a port", "write ports with the containerPort that serves")
	case unnamed && len(ro.Name)+serviceSuffix+len(template.Name) > 63:
		s.as(RuleBadName).warn(at, fmt.Sprintf("asks for a Service called %s-HASH-REVISION-STEP-%s, which is too long for one", ro.Name, template.Name), "write service: {name: …} with a short name")
	}
}
