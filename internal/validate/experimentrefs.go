package validate

import (
	"k8s.io/apimachinery/pkg/util/validation/field"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/compose"
)

// ExperimentReferences says what is wrong with what an Experiment refers to.
func ExperimentReferences(ex *api.Experiment, refs Refs) Findings {
	s := &sheet{}
	root := field.NewPath("spec")
	var metrics []api.Metric
	whole := true
	for i := range ex.Spec.Analyses {
		analysis := &ex.Spec.Analyses[i]
		ref := api.AnalysisTemplateRef{TemplateName: analysis.TemplateName, ClusterScope: analysis.ClusterScope}
		r := experimentReference(s, refs, root.Child("analyses").Index(i), ref)
		r.given, r.background = analysis.Args, !analysis.RequiredForCompletion
		r.check()
		found, all := r.metrics()
		metrics, whole = append(metrics, found...), whole && all
	}
	if whole {
		s.matched(Invalid, namings(ex.Spec.DryRun, ex.Spec.MeasurementRetention, root), metrics, "")
	}
	return s.sorted()
}

// experimentStep checks the analyses of a step's Experiment.
func (s *sheet) experimentStep(ro *api.Rollout, step *api.RolloutExperimentStep, refs Refs, path *field.Path) {
	var metrics []api.Metric
	whole := true
	for i := range step.Analyses {
		analysis := &step.Analyses[i]
		ref := api.AnalysisTemplateRef{TemplateName: analysis.TemplateName, ClusterScope: analysis.ClusterScope}
		r := experimentReference(s, refs, path.Child("analyses").Index(i), ref)
		r.rollout, r.analysis.Args, r.background = ro, analysis.Args, !analysis.RequiredForCompletion
		r.check()
		found, all := r.metrics()
		metrics, whole = append(metrics, found...), whole && all
	}
	if whole {
		s.matched(Invalid, namings(step.DryRun, nil, path), metrics, "")
	}
}

// experimentReference is one analysis of an Experiment, which names one template. Rules that name metrics are
// those of the Experiment: here they are none.
func experimentReference(s *sheet, refs Refs, path *field.Path, to api.AnalysisTemplateRef) *reference {
	return &reference{
		sheet: s, refs: refs, rollout: &api.Rollout{}, path: path, sole: path.Child("templateName"),
		analysis: &api.RolloutAnalysis{Templates: []api.AnalysisTemplateRef{to}},
	}
}

// metrics are those of the templates; false when some of them are not known.
func (r *reference) metrics() (all []api.Metric, known bool) {
	templates, problems := compose.Templates(r.analysis.Templates, r.refs.Template)
	for _, t := range templates {
		all = append(all, t.Spec.Metrics...)
	}
	return all, len(problems) == 0
}
