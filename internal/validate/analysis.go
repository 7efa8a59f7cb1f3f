package validate

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	api "sluice.dev/sluice/api/v1alpha1"
)

func (s *sheet) background(canary *api.CanaryStrategy, path *field.Path) {
	analysis := canary.Analysis
	s.analysis(&analysis.RolloutAnalysis, path)
	if start := analysis.StartingStep; start != nil {
		s.negative(path.Child("startingStep"), start)
		if int(*start) > len(canary.Steps) {
			s.as(RuleNoEffect).warn(path.Child("startingStep"), fmt.Sprintf("is %d, and there are %d steps: the analysis never starts", *start, len(canary.Steps)), "steps count from 0")
		}
	}
}

// analysis checks what a Rollout says about an analysis; the templates it names are checked by References.
func (s *sheet) analysis(analysis *api.RolloutAnalysis, path *field.Path) {
	s.rules(analysis.DryRun, analysis.MeasurementRetention, path)
	s.runMetadata(&analysis.AnalysisRunMetadata, path.Child("analysisRunMetadata"))
	s.items(len(analysis.Args), path.Child("args"))
	if len(analysis.Templates) == 0 {
		s.as(RuleNothingMeasured).warn(path.Child("templates"), "is empty: nothing is measured here", "name at least one templateName")
	}
	s.includes(analysis.Templates, path.Child("templates"))
	names := map[string]bool{}
	for i := range analysis.Args {
		s.rolloutArgument(&analysis.Args[i], path.Child("args").Index(i), names)
	}
}

func (s *sheet) rolloutArgument(arg *api.AnalysisRunArgument, path *field.Path, names map[string]bool) {
	switch {
	case arg.Name == "":
		s.as(RuleMissingField).invalid(path.Child("name"), "is missing", "")
	case names[arg.Name]:
		s.as(RuleDuplicateName).warn(path.Child("name"), fmt.Sprintf("%s is given twice; the last one counts", arg.Name), "remove one of them")
	}
	names[arg.Name] = true
	from := arg.ValueFrom
	if from == nil {
		return
	}
	if arg.Value != "" {
		s.as(RuleConflict).invalid(path, fmt.Sprintf("argument %s has both value and valueFrom", arg.Name), "remove one of them")
	}
	if from.PodTemplateHashValue == nil && from.FieldRef == nil {
		s.as(RuleMissingField).invalid(path.Child("valueFrom"), "is empty", "write podTemplateHashValue: Latest (or Stable), or a fieldRef")
	}
	if hash := from.PodTemplateHashValue; hash != nil && *hash != api.Stable && *hash != api.Latest {
		s.as(RuleNoEffect).warn(path.Child("valueFrom", "podTemplateHashValue"), fmt.Sprintf("is %s, which gives an empty value", quote(*hash)), "write Latest (the new version) or Stable")
	}
	if from.FieldRef != nil {
		s.fieldRef(from.FieldRef.FieldPath, path.Child("valueFrom", "fieldRef", "fieldPath"))
	}
}

// metadataPath is what the downward API can read from metadata.
var metadataPath = regexp.MustCompile(`^metadata\.(name|namespace|uid|labels|annotations|(labels|annotations)\['[^']+'\])$`)

func (s *sheet) fieldRef(text string, path *field.Path) {
	if text == "" {
		s.as(RuleMissingField).invalid(path, "is missing", "write for example metadata.labels['app'] or status.currentPodHash")
		return
	}
	if len(text) >= len("metadata") && text[:len("metadata")] == "metadata" && !metadataPath.MatchString(text) {
		s.invalid(path, quote(text)+" names nothing that can be read from metadata",
			"write metadata.name, metadata.namespace, metadata.uid, metadata.labels['key'] or metadata.annotations['key']")
	}
}

// ours are the labels of a run that say what it is for; what a user gives for them is not taken.
var ours = map[string]bool{api.LabelPodTemplateHash: true, api.LabelRolloutType: true, api.LabelStepIndex: true, api.LabelInstanceID: true}

// runMetadata checks what is to be put on the AnalysisRun, which the server would not take otherwise.
func (s *sheet) runMetadata(metadata *api.AnalysisRunMetadata, path *field.Path) {
	for _, key := range slices.Sorted(maps.Keys(metadata.Labels)) {
		at := path.Child("labels").Key(key)
		s.qualified(key, at)
		for _, problem := range validation.IsValidLabelValue(metadata.Labels[key]) {
			s.invalid(at, fmt.Sprintf("is %s, which is no value of a label: %s", quote(metadata.Labels[key]), problem), "")
		}
		if ours[key] {
			s.as(RuleNoEffect).warn(at, "is a label of every run of a Rollout: the value given here is not taken", "remove it")
		}
	}
	for _, key := range slices.Sorted(maps.Keys(metadata.Annotations)) {
		s.qualified(strings.ToLower(key), path.Child("annotations").Key(key))
	}
}

// qualified wants the key of a label or annotation.
func (s *sheet) qualified(key string, path *field.Path) {
	for _, problem := range validation.IsQualifiedName(key) {
		s.invalid(path, "is no key: "+problem, "")
	}
}
