package validate

import (
	"encoding/json"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"

	api "sluice.dev/sluice/api/v1alpha1"
)

// Template says what is wrong with an AnalysisTemplate or ClusterAnalysisTemplate by itself. An
// argument without a value is left to whoever uses the template.
func Template(spec *api.AnalysisTemplateSpec) Findings {
	s := &sheet{}
	root := field.NewPath("spec")
	s.metrics(spec.Metrics, root.Child("metrics"))
	s.arguments(spec.Args, root.Child("args"))
	s.unsupported(len(spec.DryRun) > 0, root.Child("dryRun"))
	s.unsupported(len(spec.MeasurementRetention) > 0, root.Child("measurementRetention"))
	s.unsupported(len(spec.Templates) > 0, root.Child("templates"))
	if len(spec.Metrics) == 0 && len(spec.Templates) == 0 {
		s.warn(root.Child("metrics"), "is empty: nothing is measured", "")
	}
	uses := usesOf(spec.Metrics)
	names := argumentNames(spec.Args)
	for _, use := range uses {
		if !contains(names, use.name) {
			s.warn(root.Child("metrics").Index(use.metric), fmt.Sprintf("uses {{args.%s}}, which spec.args does not declare: it has a value only together with a template that declares it", use.name), declare(use.name, names))
		}
	}
	s.secretsInConditions(spec.Metrics, spec.Args, root.Child("metrics"))
	return s.sorted()
}

// Run says what is wrong with an AnalysisRun. Any finding that is no warning ends the run in phase Error.
func Run(run *api.AnalysisRun) Findings {
	s := &sheet{}
	spec, root := &run.Spec, field.NewPath("spec")
	if len(spec.Metrics) == 0 {
		s.invalid(root.Child("metrics"), "is empty: nothing is measured", "")
	}
	s.metrics(spec.Metrics, root.Child("metrics"))
	s.arguments(spec.Args, root.Child("args"))
	s.unsupported(len(spec.DryRun) > 0, root.Child("dryRun"))
	s.unsupported(len(spec.MeasurementRetention) > 0, root.Child("measurementRetention"))
	s.unsupported(spec.TTLStrategy != nil, root.Child("ttlStrategy"))
	for i, arg := range spec.Args {
		if arg.Value == nil && arg.ValueFrom == nil {
			s.invalid(root.Child("args").Index(i), fmt.Sprintf("args.%s was not resolved: it has neither value nor valueFrom", arg.Name), "")
		}
	}
	names := argumentNames(spec.Args)
	for _, use := range usesOf(spec.Metrics) {
		if !contains(names, use.name) {
			s.invalid(root.Child("metrics").Index(use.metric), fmt.Sprintf("uses {{args.%s}}, and there is no such argument", use.name), declare(use.name, names))
		}
	}
	s.secretsInConditions(spec.Metrics, spec.Args, root.Child("metrics"))
	return s.sorted()
}

// Experiment says that this version runs none.
func Experiment(*api.Experiment) Findings {
	s := &sheet{}
	s.add(Unsupported, field.NewPath("spec"), "objects of kind Experiment are not supported yet", "")
	return s.findings
}

func (s *sheet) arguments(args []api.Argument, path *field.Path) {
	first := map[string]int{}
	for i, arg := range args {
		at := path.Index(i)
		if arg.Name == "" {
			s.invalid(at.Child("name"), "is missing", "")
		} else if j, twice := first[arg.Name]; twice {
			s.invalid(at.Child("name"), fmt.Sprintf("is %s, like that of %s", arg.Name, path.Index(j)), "names of arguments must differ")
		} else {
			first[arg.Name] = i
		}
		s.argument(&args[i], at)
	}
}

func (s *sheet) argument(arg *api.Argument, path *field.Path) {
	from := arg.ValueFrom
	if from == nil {
		return
	}
	if arg.Value != nil {
		s.invalid(path, fmt.Sprintf("argument %s has both value and valueFrom", arg.Name), "remove one of them")
	}
	if from.SecretKeyRef == nil && from.FieldRef == nil {
		s.invalid(path.Child("valueFrom"), "is empty", "write secretKeyRef with name and key below it, or fieldRef with fieldPath")
	}
	if ref := from.SecretKeyRef; ref != nil {
		s.required(ref.Name, path.Child("valueFrom", "secretKeyRef", "name"), "write the name of the Secret")
		s.required(ref.Key, path.Child("valueFrom", "secretKeyRef", "key"), "write the key in the Secret")
	}
	if from.FieldRef != nil {
		s.fieldRef(from.FieldRef.FieldPath, path.Child("valueFrom", "fieldRef", "fieldPath"))
	}
}

// secretsInConditions refuses conditions that would show a secret: they are evidence, and stand in
// statuses and events.
func (s *sheet) secretsInConditions(metrics []api.Metric, args []api.Argument, path *field.Path) {
	secret := map[string]bool{}
	for _, arg := range args {
		secret[arg.Name] = arg.ValueFrom != nil && arg.ValueFrom.SecretKeyRef != nil
	}
	for i := range metrics {
		for name, text := range map[string]string{"successCondition": metrics[i].SuccessCondition, "failureCondition": metrics[i].FailureCondition} {
			for _, match := range placeholder.FindAllStringSubmatch(text, -1) {
				if secret[match[1]] {
					s.invalid(path.Index(i).Child(name), fmt.Sprintf("uses {{args.%s}}, whose value is secret: conditions are shown in statuses and events", match[1]), "put the limit into an argument with a plain value")
				}
			}
		}
	}
}

// use is a placeholder in a metric.
type use struct {
	metric int
	name   string
}

// usesOf finds the placeholders of the metrics, each name once a metric, in the order they stand.
func usesOf(metrics []api.Metric) []use {
	var uses []use
	for i := range metrics {
		seen := map[string]bool{}
		for _, name := range placeholders(&metrics[i]) {
			if !seen[name] {
				seen[name] = true
				uses = append(uses, use{i, name})
			}
		}
	}
	return uses
}

func placeholders(metric *api.Metric) []string {
	text, err := json.Marshal(metric)
	if err != nil {
		return nil // a metric that came out of a decoder can be encoded
	}
	var names []string
	for _, match := range placeholder.FindAllStringSubmatch(string(text), -1) {
		names = append(names, match[1])
	}
	return names
}

func argumentNames(args []api.Argument) []string {
	var names []string
	for _, arg := range args {
		names = append(names, arg.Name)
	}
	return names
}

func contains(names []string, name string) bool {
	for _, n := range names {
		if n == name {
			return true
		}
	}
	return false
}

// declare says how an unknown argument becomes known.
func declare(name string, names []string) string {
	for _, n := range names {
		if strings.EqualFold(strings.ReplaceAll(n, "_", "-"), strings.ReplaceAll(name, "_", "-")) {
			return "did you mean {{args." + n + "}}?"
		}
	}
	if len(names) == 0 {
		return fmt.Sprintf("declare it: args: [{name: %s}]", name)
	}
	return fmt.Sprintf("declare it under spec.args, or use one of %s", strings.Join(names, ", "))
}
