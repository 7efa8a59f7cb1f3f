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
	// Message is a sentence without a full stop: `args.service was not resolved: …`.
	Message string
}

// String is the message, with the templates where it does not name them itself.
func (p Problem) String() string { return p.Message }

// Lookup finds a template by its name; cluster asks for a ClusterAnalysisTemplate.
type Lookup func(name string, cluster bool) (api.AnalysisTemplateSpec, bool)

// Spec merges templates, the templates they include and what their user gives into the spec of one
// run. All problems are returned, in the order of the templates; with any, the spec must not be run.
// Arguments no template declares are kept. The spec shares memory with the templates.
func Spec(refs []api.AnalysisTemplateRef, lookup Lookup, args []api.Argument,
	dryRun []api.DryRun, retention []api.MeasurementRetention,
) (api.AnalysisRunSpec, []Problem) {
	found := collect(refs, lookup)
	merge := merger{problems: found.problems}
	templates := found.ordered()
	spec := api.AnalysisRunSpec{
		Metrics: merge.metrics(templates),
		Args:    merge.args(templates, args),
	}
	for _, t := range templates {
		spec.DryRun = append(spec.DryRun, t.spec.DryRun...)
		spec.MeasurementRetention = append(spec.MeasurementRetention, t.spec.MeasurementRetention...)
	}
	spec.DryRun = append(spec.DryRun, dryRun...)
	spec.MeasurementRetention = append(spec.MeasurementRetention, retention...)
	merge.rules(spec)
	return spec, merge.problems
}

// template is a template that takes part, under the name people know it by.
type template struct {
	name string
	spec api.AnalysisTemplateSpec
}

// collection is all templates that take part, each once.
type collection struct {
	lookup     Lookup
	namespaced []template
	cluster    []template
	known      map[api.AnalysisTemplateRef]bool
	problems   []Problem
}

func collect(refs []api.AnalysisTemplateRef, lookup Lookup) *collection {
	c := &collection{lookup: lookup, known: map[api.AnalysisTemplateRef]bool{}}
	for _, ref := range refs {
		c.add(ref, nil)
	}
	return c
}

// ordered is the namespaced templates before the cluster's, each in the order they were found.
func (c *collection) ordered() []template {
	return append(c.namespaced[:len(c.namespaced):len(c.namespaced)], c.cluster...)
}

// add takes a template and, after it, what it includes. path is how we came here.
func (c *collection) add(ref api.AnalysisTemplateRef, path []api.AnalysisTemplateRef) {
	for i, seen := range path {
		if seen == ref {
			c.cycle(append(path[i:len(path):len(path)], ref))
			return
		}
	}
	if c.known[ref] {
		return
	}
	c.known[ref] = true
	spec, ok := c.lookup(ref.TemplateName, ref.ClusterScope)
	if !ok {
		c.missing(ref, path)
		return
	}
	if ref.ClusterScope {
		c.cluster = append(c.cluster, template{display(ref), spec})
	} else {
		c.namespaced = append(c.namespaced, template{display(ref), spec})
	}
	for _, inner := range spec.Templates {
		c.add(inner, append(path[:len(path):len(path)], ref))
	}
}

func (c *collection) cycle(loop []api.AnalysisTemplateRef) {
	names := make([]string, len(loop))
	for i, ref := range loop {
		names[i] = display(ref)
	}
	c.problems = append(c.problems, Problem{
		Templates: names[:len(names)-1],
		Message:   "templates include each other: " + strings.Join(names, " -> "),
	})
}

func (c *collection) missing(ref api.AnalysisTemplateRef, path []api.AnalysisTemplateRef) {
	kind := "AnalysisTemplate"
	if ref.ClusterScope {
		kind = "ClusterAnalysisTemplate"
	}
	message := fmt.Sprintf("%s %q not found", kind, ref.TemplateName)
	if len(path) > 0 {
		message += ", included by " + display(path[len(path)-1])
	}
	c.problems = append(c.problems, Problem{Templates: []string{display(ref)}, Message: message})
}

func display(ref api.AnalysisTemplateRef) string {
	if ref.ClusterScope {
		return "cluster/" + ref.TemplateName
	}
	return ref.TemplateName
}

// merger puts templates together and notes what does not fit.
type merger struct {
	problems []Problem
}

func (m *merger) note(templates []string, format string, values ...any) {
	m.problems = append(m.problems, Problem{Templates: templates, Message: fmt.Sprintf(format, values...)})
}

func (m *merger) metrics(templates []template) []api.Metric {
	var metrics []api.Metric
	owner := map[string]string{}
	for _, t := range templates {
		for _, metric := range t.spec.Metrics {
			if first, taken := owner[metric.Name]; taken {
				m.note(both(first, t.name), "metric %q is defined twice: in %s", metric.Name, list(both(first, t.name)))
				continue
			}
			owner[metric.Name] = t.name
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

func (m *merger) args(templates []template, given []api.Argument) []api.Argument {
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
func (m *merger) declared(templates []template) []declaration {
	var declared []declaration
	position := map[string]int{}
	for _, t := range templates {
		for _, arg := range t.spec.Args {
			i, ok := position[arg.Name]
			if !ok {
				position[arg.Name] = len(declared)
				declared = append(declared, declaration{argument: arg, templates: []string{t.name}, owner: t.name})
				continue
			}
			d := &declared[i]
			d.templates = both(append(d.templates, t.name)...)
			switch {
			case !hasValue(arg):
			case !hasValue(d.argument):
				d.argument, d.owner = arg, t.name
			case !sameValue(d.argument, arg):
				m.note(both(d.owner, t.name), "args.%s has different values in %s", arg.Name, list(both(d.owner, t.name)))
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
		m.note(d.templates, "args.%s was not resolved%s", arg.Name, where)
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

// rules looks for rules that say different things about the same metrics.
func (m *merger) rules(spec api.AnalysisRunSpec) {
	dry := map[string]bool{}
	for _, rule := range spec.DryRun {
		if dry[rule.MetricName] {
			m.note(nil, "dryRun has two rules for %q", rule.MetricName)
		}
		dry[rule.MetricName] = true
	}
	kept := map[string]bool{}
	for _, rule := range spec.MeasurementRetention {
		if kept[rule.MetricName] {
			m.note(nil, "measurementRetention has two rules for %q", rule.MetricName)
		}
		kept[rule.MetricName] = true
	}
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
