package validate

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"

	api "sluice.dev/sluice/api/v1alpha1"
)

// Refs finds what a spec refers to.
type Refs struct {
	// Template finds an AnalysisTemplate of the object's namespace, or a ClusterAnalysisTemplate.
	// Required.
	Template func(ref api.AnalysisTemplateRef) (*api.AnalysisTemplateSpec, bool)
	// SecretKeys lists the keys of a Secret of the object's namespace. nil: Secrets are not looked at.
	SecretKeys func(name string) (keys []string, ok bool)
	// Partial tells that only part of the world is known, such as a directory of files: what is
	// missing may exist elsewhere, and is a warning.
	Partial bool
	// Checked tells that the templates were looked at by themselves, so that their own findings
	// need not be said again here.
	Checked bool
}

// References says what is wrong with what a Rollout refers to: templates that do not exist or do
// not fit together, arguments without a value, Secrets without a key.
func References(ro *api.Rollout, refs Refs) Findings {
	s := &sheet{}
	canary := ro.Spec.Strategy.Canary
	if canary == nil {
		return nil
	}
	path := field.NewPath("spec", "strategy", "canary")
	for i := range canary.Steps {
		if analysis := canary.Steps[i].Analysis; analysis != nil {
			r := reference{sheet: s, refs: refs, path: path.Child("steps").Index(i).Child("analysis"), analysis: analysis}
			r.check()
		}
	}
	if canary.Analysis != nil {
		r := reference{sheet: s, refs: refs, path: path.Child("analysis"), analysis: &canary.Analysis.RolloutAnalysis, background: true}
		r.check()
	}
	return s.sorted()
}

// RunReferences says what is wrong with the Secrets an AnalysisRun takes arguments from.
func RunReferences(run *api.AnalysisRun, refs Refs) Findings {
	s := &sheet{}
	for i, arg := range run.Spec.Args {
		r := reference{sheet: s, refs: refs}
		r.secret(declared{Argument: arg}, field.NewPath("spec", "args").Index(i))
	}
	return s.sorted()
}

// reference is one analysis of a Rollout with the templates it names.
type reference struct {
	*sheet
	refs       Refs
	path       *field.Path
	analysis   *api.RolloutAnalysis
	background bool
}

// declared is a template's argument and the template it comes from.
type declared struct {
	api.Argument
	template string
}

// named is a template that was found.
type named struct {
	title string // AnalysisTemplate "success-rate"
	spec  *api.AnalysisTemplateSpec
	path  *field.Path
}

func (r *reference) check() {
	templates := r.templates()
	args := r.merge(templates)
	for _, template := range templates {
		r.metricNames(template, templates)
	}
	for _, arg := range args {
		if r.given(arg.Name) {
			continue
		}
		if arg.Value == nil && arg.ValueFrom == nil {
			r.invalid(r.path.Child("args"), fmt.Sprintf("args.%s was not resolved: %s declares it without a value, and the analysis gives none", arg.Name, arg.template),
				fmt.Sprintf("add - name: %s with a value here, or a value in the template", arg.Name))
		}
		r.secret(arg, r.path.Child("templates"))
	}
	for _, template := range templates {
		r.metrics(template, args)
	}
}

// templates finds the templates the analysis names, each once.
func (r *reference) templates() []named {
	var found []named
	seen := map[api.AnalysisTemplateRef]bool{}
	for i, ref := range r.analysis.Templates {
		if ref.TemplateName == "" || seen[ref] {
			continue
		}
		seen[ref] = true
		path := r.path.Child("templates").Index(i)
		title := fmt.Sprintf("AnalysisTemplate %q", ref.TemplateName)
		if ref.ClusterScope {
			title = "Cluster" + title
		}
		spec, ok := r.refs.Template(ref)
		if !ok {
			r.missing(ref, title, path.Child("templateName"))
			continue
		}
		found = append(found, named{title, spec, path})
		if !r.refs.Checked {
			for _, finding := range Template(spec) {
				r.add(finding.Kind, path, title+": "+finding.Path+": "+finding.Message, finding.Fix)
			}
		}
	}
	return found
}

func (r *reference) missing(ref api.AnalysisTemplateRef, title string, path *field.Path) {
	if r.refs.Partial {
		r.warn(path, title+" is not among the files that were read", "")
		return
	}
	ref.ClusterScope = !ref.ClusterScope
	fix := ""
	if _, ok := r.refs.Template(ref); ok {
		fix = fmt.Sprintf("the other kind exists: write clusterScope: %t", ref.ClusterScope)
	}
	r.invalid(path, title+" does not exist", fix)
}

// merge brings the arguments of several templates together by name: a value fills a missing one, two
// different values contradict each other.
func (r *reference) merge(templates []named) []declared {
	var args []declared
	for _, template := range templates {
		for _, arg := range template.spec.Args {
			i := slices.IndexFunc(args, func(d declared) bool { return d.Name == arg.Name })
			if i < 0 {
				args = append(args, declared{arg, template.title})
				continue
			}
			r.fill(&args[i], arg, template)
		}
	}
	return args
}

func (r *reference) fill(known *declared, arg api.Argument, template named) {
	switch {
	case arg.Value == nil && arg.ValueFrom == nil:
	case known.Value == nil && known.ValueFrom == nil:
		*known = declared{arg, template.title}
	case !reflect.DeepEqual(known.Argument, arg):
		r.invalid(template.path, fmt.Sprintf("argument %s has one value in %s and another in %s", arg.Name, known.template, template.title), "give one of them another name")
	}
}

func (r *reference) given(name string) bool {
	return slices.ContainsFunc(r.analysis.Args, func(a api.AnalysisRunArgument) bool {
		return a.Name == name && (a.Value != "" || a.ValueFrom != nil)
	})
}

func (r *reference) metricNames(template named, templates []named) {
	for _, metric := range template.spec.Metrics {
		for _, earlier := range templates {
			if earlier.title == template.title {
				break
			}
			if slices.ContainsFunc(earlier.spec.Metrics, func(m api.Metric) bool { return m.Name == metric.Name }) {
				r.invalid(template.path, fmt.Sprintf("metric %s is in both %s and %s", metric.Name, earlier.title, template.title), "give one of them another name")
			}
		}
	}
}

// secret looks for the Secret and key an argument takes its value from.
func (r *reference) secret(arg declared, path *field.Path) {
	if r.refs.SecretKeys == nil || arg.ValueFrom == nil || arg.ValueFrom.SecretKeyRef == nil {
		return
	}
	ref := arg.ValueFrom.SecretKeyRef
	from := fmt.Sprintf("argument %s", arg.Name)
	if arg.template != "" {
		from += " of " + arg.template
	}
	keys, ok := r.refs.SecretKeys(ref.Name)
	switch {
	case !ok && r.refs.Partial:
		r.warn(path, fmt.Sprintf("%s takes its value from Secret %s, which is not among the files that were read", from, ref.Name), "")
	case !ok:
		r.invalid(path, fmt.Sprintf("%s takes its value from Secret %s, which does not exist", from, ref.Name), "")
	case !slices.Contains(keys, ref.Key):
		slices.Sort(keys)
		r.invalid(path, fmt.Sprintf("%s takes its value from key %s of Secret %s, which has no such key", from, ref.Key, ref.Name), otherKeys(ref.Key, keys))
	}
}

func otherKeys(key string, keys []string) string {
	for _, k := range keys {
		if strings.EqualFold(k, key) {
			return "did you mean " + k + "?"
		}
	}
	if len(keys) == 0 {
		return ""
	}
	return "it has " + strings.Join(keys, ", ")
}

// metrics checks a template's metrics with the arguments they will have.
func (r *reference) metrics(template named, args []declared) {
	var names []string
	for _, arg := range args {
		names = append(names, arg.Name)
	}
	for _, use := range usesOf(template.spec.Metrics) {
		if !slices.Contains(names, use.name) {
			r.invalid(template.path, fmt.Sprintf("args.%s was not resolved: metric %s of %s uses it, and no template of this analysis declares it",
				use.name, template.spec.Metrics[use.metric].Name, template.title), declare(use.name, names))
		}
	}
	if r.background {
		return
	}
	for _, metric := range template.spec.Metrics {
		count, known := integer(metric.Count)
		if metric.Interval != "" && (metric.Count == nil || known && count == 0) && !endsEarly(&metric) {
			r.invalid(template.path, fmt.Sprintf("metric %s of %s has an interval and no count, so it never ends and neither would this step", metric.Name, template.title),
				"give the metric a count, or measure it in the background: spec.strategy.canary.analysis")
		}
	}
}

// endsEarly tells that a metric without count still ends by itself.
func endsEarly(metric *api.Metric) bool {
	successes, _ := integer(metric.ConsecutiveSuccessLimit)
	return successes > 0
}
