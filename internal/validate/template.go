package validate

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/compose"
)

// Template says what is wrong with an AnalysisTemplate or ClusterAnalysisTemplate by itself. An
// argument without a value is left to whoever uses the template.
func Template(spec *api.AnalysisTemplateSpec) Findings {
	s := &sheet{}
	root := field.NewPath("spec")
	s.metrics(spec.Metrics, nil, root.Child("metrics"))
	s.arguments(spec.Args, root.Child("args"))
	s.rules(spec.DryRun, spec.MeasurementRetention, root)
	s.includes(spec.Templates, root.Child("templates"))
	if len(spec.Templates) == 0 {
		windows(spec.Metrics, " of this template, which is an error unless a template used beside it brings one", s.duringOf(root.Child("metrics")))
		s.matched(Warning, closed(namings(spec.DryRun, spec.MeasurementRetention, root), spec.Metrics), spec.Metrics,
			" of this template, which is an error unless a template used beside it brings one")
	}
	if len(spec.Metrics) == 0 && len(spec.Templates) == 0 {
		s.as(RuleNothingMeasured).warn(root.Child("metrics"), "is empty: nothing is measured", "")
	}
	s.undeclared(spec.Metrics, spec.Args, root.Child("metrics"), Warning)
	s.exposed(spec.Metrics, spec.Args, root.Child("metrics"))
	return s.sorted()
}

// closed is the rules, unless the names of the metrics are not known yet.
func closed(rules []naming, metrics []api.Metric) []naming {
	for i := range metrics {
		if open(metrics[i].Name) {
			return nil
		}
	}
	return rules
}

// includes checks the list of templates that a template includes.
func (s *sheet) includes(refs []api.AnalysisTemplateRef, path *field.Path) {
	s.items(len(refs), path)
	seen := map[api.AnalysisTemplateRef]bool{}
	for i, ref := range refs {
		at := path.Index(i).Child("templateName")
		if ref.TemplateName == "" {
			s.as(RuleMissingField).invalid(at, "is missing", "")
		} else if seen[ref] {
			s.as(RuleNoEffect).warn(at, fmt.Sprintf("%s is named twice and measured once", ref.TemplateName), "remove one of them")
		}
		seen[ref] = true
	}
}

// Run says what is wrong with an AnalysisRun. Any finding that is no warning ends the run in phase Error.
func Run(run *api.AnalysisRun) Findings {
	s := &sheet{}
	spec, root := &run.Spec, field.NewPath("spec")
	if len(spec.Metrics) == 0 {
		s.as(RuleNothingMeasured).invalid(root.Child("metrics"), "is empty: nothing is measured", "")
	}
	s.metrics(spec.Metrics, compose.Values(spec.Args), root.Child("metrics"))
	s.arguments(spec.Args, root.Child("args"))
	s.rules(spec.DryRun, spec.MeasurementRetention, root)
	whole := *spec
	whole.Metrics = filled(spec.Metrics, compose.Values(spec.Args))
	windows(whole.Metrics, "", s.duringOf(root.Child("metrics")))
	s.matched(Invalid, namings(spec.DryRun, spec.MeasurementRetention, root), whole.Metrics, "")
	s.tried(whole, root.Child("dryRun"), "the run is Successful whatever is measured")
	s.lifetime(spec.TTLStrategy, root.Child("ttlStrategy"))
	for i, arg := range spec.Args {
		if arg.Value == nil && arg.ValueFrom == nil {
			s.as(RuleUnresolved).invalid(root.Child("args").Index(i), fmt.Sprintf("args.%s was not resolved: it has neither value nor valueFrom", arg.Name), "")
		}
	}
	s.undeclared(spec.Metrics, spec.Args, root.Child("metrics"), Invalid)
	s.exposed(spec.Metrics, spec.Args, root.Child("metrics"))
	return s.sorted()
}

// lifetime checks how long a run stays after its end.
func (s *sheet) lifetime(ttl *api.TTLStrategy, path *field.Path) {
	if ttl == nil {
		return
	}
	given := false
	for _, limit := range []struct {
		name    string
		seconds *int32
	}{
		{"secondsAfterCompletion", ttl.SecondsAfterCompletion}, {"secondsAfterFailure", ttl.SecondsAfterFailure}, {"secondsAfterSuccess", ttl.SecondsAfterSuccess},
	} {
		given = given || limit.seconds != nil
		if limit.seconds != nil && *limit.seconds <= 0 {
			s.warn(path.Child(limit.name), fmt.Sprintf("is %d: the run is deleted as soon as it has ended, and nobody may have read what it came to", *limit.seconds), "write for example 3600")
		}
	}
	if !given {
		s.warn(path, "names no time: the run stays", "write for example secondsAfterCompletion: 3600")
	}
}

func (s *sheet) arguments(args []api.Argument, path *field.Path) {
	s.items(len(args), path)
	first := map[string]int{}
	for i, arg := range args {
		at := path.Index(i)
		if arg.Name == "" {
			s.as(RuleMissingField).invalid(at.Child("name"), "is missing", "")
		} else if j, twice := first[arg.Name]; twice {
			s.as(RuleDuplicateName).invalid(at.Child("name"), fmt.Sprintf("is %s, like that of %s", arg.Name, path.Index(j)), "names of arguments must differ")
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
		s.as(RuleConflict).invalid(path, fmt.Sprintf("argument %s has both value and valueFrom", arg.Name), "remove one of them")
	}
	if from.SecretKeyRef == nil && from.FieldRef == nil {
		s.as(RuleMissingField).invalid(path.Child("valueFrom"), "is empty", "write secretKeyRef with name and key below it, or fieldRef with fieldPath")
	}
	if ref := from.SecretKeyRef; ref != nil {
		s.required(ref.Name, path.Child("valueFrom", "secretKeyRef", "name"), "write the name of the Secret")
		s.required(ref.Key, path.Child("valueFrom", "secretKeyRef", "key"), "write the key in the Secret")
	}
	if from.FieldRef != nil {
		s.fieldRef(from.FieldRef.FieldPath, path.Child("valueFrom", "fieldRef", "fieldPath"))
	}
}

// exposed refuses metrics that would show a secret: conditions, for one, stand in statuses and events.
func (s *sheet) exposed(metrics []api.Metric, args []api.Argument, path *field.Path) {
	secrets := compose.Secrets(args)
	for i := range metrics {
		for _, problem := range compose.Exposed(metrics[i], secrets) {
			s.as(RuleExposed).invalid(path.Index(i), problem.Message, "use an argument with a plain value there")
		}
	}
}

// undeclared finds the placeholders of metrics that no argument stands behind.
func (s *sheet) undeclared(metrics []api.Metric, args []api.Argument, path *field.Path, kind Kind) {
	names := argumentNames(args)
	for i := range metrics {
		for _, name := range compose.Unresolved(metrics[i]) {
			if slices.Contains(names, name) {
				continue
			}
			message := fmt.Sprintf("uses {{args.%s}}, and there is no such argument", name)
			if kind == Warning {
				message = fmt.Sprintf("uses {{args.%s}}, which spec.args does not declare: it has a value only together with a template that declares it", name)
			}
			s.as(RuleUndeclared).add(kind, path.Index(i), message, declare(name, names))
		}
	}
}

func argumentNames(args []api.Argument) []string {
	var names []string
	for _, arg := range args {
		names = append(names, arg.Name)
	}
	return names
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
