// Package compose turns analysis templates and their arguments into the spec of one run.
package compose

import (
	"fmt"
	"strings"

	api "sluice.dev/sluice/api/v1alpha1"
)

// Problem is one thing that is wrong with an analysis, in words its author can act on.
type Problem struct {
	// Templates are the names of the templates concerned; a ClusterAnalysisTemplate is written
	// "cluster/name". Empty when the mistake lies with the user of the templates.
	Templates []string
	// Field is where the user of the templates can put it right when none of them is concerned: args,
	// dryRun, measurementRetention.
	Field string
	// Missing tells that a template does not exist, Open that an argument has no value yet.
	Missing, Open bool
	// Message is a sentence without a full stop: `args.service was not resolved: …`.
	Message string
}

// Names of the fields, as users write them.
const (
	fieldArgs      = "args"
	fieldDryRun    = "dryRun"
	fieldRetention = "measurementRetention"
)

// String is the message, with the templates where it does not name them itself.
func (p Problem) String() string { return p.Message }

// Spec merges templates, the templates they include and what their user gives into the spec of one
// run. All problems are returned, in the order of the templates; with any, the spec must not be run.
// Arguments no template declares are kept. The spec shares memory with the templates.
func Spec(refs []api.AnalysisTemplateRef, lookup Lookup, args []api.Argument,
	dryRun []api.DryRun, retention []api.MeasurementRetention,
) (api.AnalysisRunSpec, []Problem) {
	templates, problems := Templates(refs, lookup)
	merge := merger{problems: problems}
	spec := api.AnalysisRunSpec{
		Metrics: merge.metrics(templates),
		Args:    merge.args(templates, args),
	}
	spec.DryRun = rules(&merge, templates, dryRun, dryRules)
	spec.MeasurementRetention = rules(&merge, templates, retention, retentionRules)
	return spec, merge.problems
}

// merger puts templates together and notes what does not fit.
type merger struct {
	problems []Problem
}

func (m *merger) note(templates []string, format string, values ...any) {
	m.problems = append(m.problems, Problem{Templates: templates, Field: fieldArgs, Message: fmt.Sprintf(format, values...)})
}

func (m *merger) metrics(templates []Template) []api.Metric {
	var metrics []api.Metric
	owner := map[string]string{}
	for _, t := range templates {
		for _, metric := range t.Spec.Metrics {
			if first, taken := owner[metric.Name]; taken {
				m.note(both(first, t.Name()), "metric %q is defined twice: in %s", metric.Name, list(both(first, t.Name())))
				continue
			}
			owner[metric.Name] = t.Name()
			metrics = append(metrics, metric)
		}
	}
	return metrics
}

// declaration is an argument as the templates together declare it.
type declaration struct {
	argument  api.Argument
	templates []string
	owner     string // whose value it has
}

func (m *merger) args(templates []Template, given []api.Argument) []api.Argument {
	declared := m.declared(templates)
	position := map[string]int{}
	for i, d := range declared {
		position[d.argument.Name] = i
	}
	seen := map[string]bool{}
	for _, arg := range given {
		if seen[arg.Name] {
			m.note(nil, "args.%s is given twice", arg.Name)
			continue
		}
		seen[arg.Name] = true
		i, ok := position[arg.Name]
		switch {
		case !ok:
			declared = append(declared, declaration{argument: arg})
		case hasValue(arg):
			declared[i].argument = arg
		}
	}
	args := make([]api.Argument, 0, len(declared))
	for _, d := range declared {
		m.check(d)
		args = append(args, d.argument)
	}
	return args
}

// declared merges the arguments of all templates by name: what has no value takes the other's.
func (m *merger) declared(templates []Template) []declaration {
	var declared []declaration
	position := map[string]int{}
	for _, t := range templates {
		for _, arg := range t.Spec.Args {
			i, ok := position[arg.Name]
			if !ok {
				position[arg.Name] = len(declared)
				declared = append(declared, declaration{argument: arg, templates: []string{t.Name()}, owner: t.Name()})
				continue
			}
			d := &declared[i]
			d.templates = both(append(d.templates, t.Name())...)
			switch {
			case !hasValue(arg):
			case !hasValue(d.argument):
				d.argument, d.owner = arg, t.Name()
			case !sameValue(d.argument, arg):
				m.note(both(d.owner, t.Name()), "args.%s has different values in %s", arg.Name, list(both(d.owner, t.Name())))
			}
		}
	}
	return declared
}

func (m *merger) check(d declaration) {
	arg := d.argument
	where := ""
	if len(d.templates) > 0 {
		where = ": declared without a value by " + list(d.templates)
	}
	switch {
	case arg.Name == "":
		m.note(d.templates, "an argument has no name")
	case !hasValue(arg):
		m.problems = append(m.problems, Problem{
			Templates: d.templates, Field: fieldArgs, Open: true, Message: fmt.Sprintf("args.%s was not resolved%s", arg.Name, where),
		})
	case arg.Value != nil && arg.ValueFrom != nil:
		m.note(d.templates, "args.%s has both value and valueFrom", arg.Name)
	case arg.ValueFrom != nil && arg.ValueFrom.SecretKeyRef != nil && arg.ValueFrom.FieldRef != nil:
		m.note(d.templates, "args.%s has both secretKeyRef and fieldRef", arg.Name)
	}
}

func hasValue(arg api.Argument) bool {
	return arg.Value != nil ||
		arg.ValueFrom != nil && (arg.ValueFrom.SecretKeyRef != nil || arg.ValueFrom.FieldRef != nil)
}

func sameValue(a, b api.Argument) bool {
	return same(a.Value, b.Value) && same(secretOf(a), secretOf(b)) && same(fieldOf(a), fieldOf(b))
}

func same[T comparable](a, b *T) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}

func secretOf(arg api.Argument) *api.SecretKeyRef {
	if arg.ValueFrom == nil {
		return nil
	}
	return arg.ValueFrom.SecretKeyRef
}

func fieldOf(arg api.Argument) *api.FieldRef {
	if arg.ValueFrom == nil {
		return nil
	}
	return arg.ValueFrom.FieldRef
}

// both is the names without repetition, in order.
func both(names ...string) []string {
	var unique []string
	known := map[string]bool{}
	for _, name := range names {
		if !known[name] {
			known[name] = true
			unique = append(unique, name)
		}
	}
	return unique
}

func list(names []string) string { return strings.Join(names, ", ") }
