package compose

import (
	"fmt"
	"regexp"

	api "sluice.dev/sluice/api/v1alpha1"
)

// about is a placeholder for something that is known of an Experiment once it runs:
// {{templates.canary.podTemplateHash}}, {{experiment.availableAt}}. Spaces inside the braces are allowed.
var about = regexp.MustCompile(`\{\{\s*((?:templates|experiment)\.[^\s{}]+)\s*\}\}`)

// ExperimentArgs fills in what arguments say about their own Experiment: values by what stands between the
// braces. An argument that asks for anything else is left out and a problem.
func ExperimentArgs(args []api.Argument, values map[string]string) ([]api.Argument, []Problem) {
	var out []api.Argument
	var problems []Problem
	for _, arg := range args {
		if arg.Value == nil {
			out = append(out, arg)
			continue
		}
		missing := ""
		text := about.ReplaceAllStringFunc(*arg.Value, func(found string) string {
			value, ok := values[about.FindStringSubmatch(found)[1]]
			if !ok && missing == "" {
				missing = found
			}
			return value
		})
		if missing != "" {
			problems = append(problems, Problem{Field: fieldArgs, Message: fmt.Sprintf("args.%s: nothing is known for %s", arg.Name, missing)})
			continue
		}
		out = append(out, api.Argument{Name: arg.Name, Value: &text, ValueFrom: arg.ValueFrom})
	}
	return out, problems
}

// AboutTemplate and AboutExperiment are the keys of the values ExperimentArgs fills in.
func AboutTemplate(name, what string) string { return "templates." + name + "." + what }

// AboutExperiment is the key of something that is known of the Experiment as a whole.
func AboutExperiment(what string) string { return "experiment." + what }

// What AboutTemplate and AboutExperiment can ask for.
const (
	AboutHash        = "podTemplateHash"
	AboutReplicaSet  = "replicaset.name"
	AboutAvailableAt = "availableAt"
	AboutFinishedAt  = "finishedAt"
)

// Fitting are the rules that mean a metric of these. Rules of an Experiment are for all its analyses, and each
// of those knows only its own metrics.
func Fitting(metrics []api.Metric, dryRun []api.DryRun, retention []api.MeasurementRetention) (dry []api.DryRun, keep []api.MeasurementRetention) {
	for _, rule := range dryRun {
		if _, err := Named(rule.MetricName, metrics); err == nil {
			dry = append(dry, rule)
		}
	}
	for _, rule := range retention {
		if _, err := Named(rule.MetricName, metrics); err == nil {
			keep = append(keep, rule)
		}
	}
	return dry, keep
}
