package validate

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/compose"
)

// Refs finds what a spec refers to.
type Refs struct {
	// Template finds an AnalysisTemplate of the object's namespace or, when cluster, a
	// ClusterAnalysisTemplate. Required.
	Template compose.Lookup
	// SecretKeys lists the keys of a Secret of the object's namespace. nil: Secrets are not looked at.
	SecretKeys func(name string) (keys []string, ok bool)
	// Partial tells that only part of the world is known, such as a directory of files: what is
	// missing may exist elsewhere. A missing template is a warning then, a missing Secret nothing.
	Partial bool
	// Checked tells that the templates were looked at by themselves, with the Secrets they name, so
	// that their own findings need not be said again here.
	Checked bool
}

// References says what is wrong with what a Rollout refers to: templates that do not exist or do
// not fit together, arguments without a value, Secrets without a key, and metrics that are wrong
// once their arguments are filled in.
func References(ro *api.Rollout, refs Refs) Findings {
	canary := ro.Spec.Strategy.Canary
	if canary == nil {
		return nil
	}
	s := &sheet{}
	path := field.NewPath("spec", "strategy", "canary")
	for i := range canary.Steps {
		if analysis := canary.Steps[i].Analysis; analysis != nil {
			r := reference{sheet: s, refs: refs, rollout: ro, path: path.Child("steps").Index(i).Child("analysis"), analysis: analysis}
			r.check()
		}
	}
	if canary.Analysis != nil {
		r := reference{sheet: s, refs: refs, rollout: ro, path: path.Child("analysis"), analysis: &canary.Analysis.RolloutAnalysis, background: true}
		r.check()
	}
	return s.sorted()
}

// TemplateReferences says what is wrong with the Secrets a template takes arguments from.
func TemplateReferences(spec *api.AnalysisTemplateSpec, refs Refs) Findings {
	return secrets(spec.Args, refs)
}

// RunReferences says what is wrong with the Secrets an AnalysisRun takes arguments from.
func RunReferences(run *api.AnalysisRun, refs Refs) Findings {
	return secrets(run.Spec.Args, refs)
}

func secrets(args []api.Argument, refs Refs) Findings {
	s := &sheet{}
	r := reference{sheet: s, refs: refs}
	for i, arg := range args {
		r.secret(arg, "", field.NewPath("spec", "args").Index(i))
	}
	return s.sorted()
}

// reference is one analysis of a Rollout with the templates it names.
type reference struct {
	*sheet
	refs       Refs
	rollout    *api.Rollout
	path       *field.Path
	analysis   *api.RolloutAnalysis
	background bool
}

func (r *reference) check() {
	refs := r.templates()
	spec, problems := compose.Spec(refs, r.refs.Template, r.args(), nil, nil)
	for _, problem := range problems {
		r.invalid(r.place(problem.Templates), problem.Message, "")
	}
	for _, arg := range spec.Args {
		if owner, path := r.declaredBy(refs, arg); !r.refs.Checked {
			r.secret(arg, owner, path)
		}
	}
	for i := range spec.Metrics {
		if from, ok := r.measuredBy(refs, spec.Metrics[i].Name); ok {
			r.metric(&spec.Metrics[i], &spec, from)
		}
	}
}

// templates reports which of the templates are missing and returns the others.
func (r *reference) templates() []api.AnalysisTemplateRef {
	var found []api.AnalysisTemplateRef
	for i, ref := range r.analysis.Templates {
		if ref.TemplateName == "" {
			continue
		}
		path := r.path.Child("templates").Index(i)
		spec, ok := r.refs.Template(ref.TemplateName, ref.ClusterScope)
		if !ok {
			r.missing(ref, path.Child("templateName"))
			continue
		}
		found = append(found, ref)
		if r.refs.Checked {
			continue
		}
		for _, finding := range Template(&spec) {
			r.add(ofTemplate(finding.Kind), path, title(ref)+": "+finding.Path+": "+finding.Message, finding.Fix)
		}
	}
	return found
}

// ofTemplate is what a finding in a template means for the Rollout: it cannot go forward with a
// template that is not supported, and it can always go back.
func ofTemplate(kind Kind) Kind {
	if kind == Unsupported {
		return Invalid
	}
	return kind
}

func title(ref api.AnalysisTemplateRef) string {
	if ref.ClusterScope {
		return fmt.Sprintf("ClusterAnalysisTemplate %q", ref.TemplateName)
	}
	return fmt.Sprintf("AnalysisTemplate %q", ref.TemplateName)
}

func (r *reference) missing(ref api.AnalysisTemplateRef, path *field.Path) {
	if r.refs.Partial {
		r.warn(path, title(ref)+" is not among the files that were read", "")
		return
	}
	fix := ""
	if _, ok := r.refs.Template(ref.TemplateName, !ref.ClusterScope); ok {
		fix = fmt.Sprintf("the other kind exists: write clusterScope: %t", !ref.ClusterScope)
	}
	r.invalid(path, title(ref)+" does not exist", fix)
}

// args are the Rollout's arguments with the values they have now. One whose field is not there yet
// counts as given: only the run will tell.
func (r *reference) args() []api.Argument {
	const anyHash = "6b54fd8b9c"
	var args []api.Argument
	for i, arg := range r.analysis.Args {
		if arg.Value == "" && arg.ValueFrom == nil {
			continue
		}
		known, problems := compose.RolloutArgs([]api.AnalysisRunArgument{arg}, r.rollout, anyHash, anyHash)
		if len(problems) > 0 {
			from := arg.ValueFrom
			if from != nil && from.FieldRef != nil && !strings.HasPrefix(from.FieldRef.FieldPath, "metadata") {
				r.warn(r.path.Child("args").Index(i).Child("valueFrom", "fieldRef", "fieldPath"), "cannot be read at present: "+problems[0].Message, "")
			}
			known = []api.Argument{unknown(arg.Name)}
		}
		args = append(args, known...)
	}
	return args
}

// unknown is an argument that will have a value nobody knows yet.
func unknown(name string) api.Argument {
	return api.Argument{Name: name, ValueFrom: &api.ValueFrom{FieldRef: &api.FieldRef{}}}
}

// place is the last template of a problem as the analysis names it, else the analysis itself.
func (r *reference) place(names []string) *field.Path {
	if len(names) == 0 {
		return r.path.Child("args")
	}
	name, cluster := strings.CutPrefix(names[len(names)-1], "cluster/")
	for i, ref := range r.analysis.Templates {
		if ref.TemplateName == name && ref.ClusterScope == cluster {
			return r.path.Child("templates").Index(i)
		}
	}
	return r.path.Child("templates")
}

// declaredBy finds the template an argument's value comes from.
func (r *reference) declaredBy(refs []api.AnalysisTemplateRef, arg api.Argument) (string, *field.Path) {
	for _, ref := range refs {
		spec, _ := r.refs.Template(ref.TemplateName, ref.ClusterScope)
		for _, declared := range spec.Args {
			if declared.Name == arg.Name && reflect.DeepEqual(declared.ValueFrom, arg.ValueFrom) {
				return title(ref), r.at(ref)
			}
		}
	}
	return "", r.path
}

// origin is where a metric stands: which template, which of its metrics.
type origin struct {
	ref   api.AnalysisTemplateRef
	index int
}

// measuredBy finds the template a metric comes from; false when it is included by another template.
func (r *reference) measuredBy(refs []api.AnalysisTemplateRef, metric string) (origin, bool) {
	for _, ref := range refs {
		spec, _ := r.refs.Template(ref.TemplateName, ref.ClusterScope)
		i := slices.IndexFunc(spec.Metrics, func(m api.Metric) bool { return m.Name == metric })
		if i >= 0 {
			return origin{ref, i}, true
		}
	}
	return origin{}, false
}

func (r *reference) at(ref api.AnalysisTemplateRef) *field.Path {
	return r.path.Child("templates").Index(slices.Index(r.analysis.Templates, ref))
}

// secret looks for the Secret and key an argument takes its value from.
func (r *reference) secret(arg api.Argument, owner string, path *field.Path) {
	ref, secret := compose.Secrets([]api.Argument{arg})[arg.Name]
	if r.refs.SecretKeys == nil || !secret {
		return
	}
	from := "argument " + arg.Name
	if owner != "" {
		from += " of " + owner
	}
	keys, ok := r.refs.SecretKeys(ref.Name)
	switch {
	case !ok && r.refs.Partial: // Secrets are rarely kept with the other files
	case !ok:
		r.invalid(path, fmt.Sprintf("%s takes its value from Secret %s, which does not exist", from, ref.Name), "")
	case !slices.Contains(keys, ref.Key):
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
	return "it has " + strings.Join(slices.Sorted(slices.Values(keys)), ", ")
}

// metric checks a metric of a template as it will be measured here, with its arguments filled in.
func (r *reference) metric(metric *api.Metric, spec *api.AnalysisRunSpec, from origin) {
	path, names := r.at(from.ref), argumentNames(spec.Args)
	for _, name := range compose.Unresolved(*metric) {
		if !slices.Contains(names, name) {
			r.invalid(path, fmt.Sprintf("args.%s was not resolved: metric %s of %s uses it, and no template of this analysis declares it", name, metric.Name, title(from.ref)), declare(name, names))
		}
	}
	filled, err := compose.Metric(*metric, compose.Values(spec.Args))
	if err != nil {
		r.invalid(path, title(from.ref)+": "+err.Error(), "")
		return
	}
	r.filled(metric, &filled, from)
	if r.background {
		return
	}
	count, known := integer(filled.Count)
	if filled.Interval != "" && (filled.Count == nil || known && count == 0) && !endsEarly(&filled) {
		r.invalid(path, fmt.Sprintf("metric %s of %s has an interval and no count, so it never ends and neither would this step", metric.Name, title(from.ref)),
			"give the metric a count, or measure it in the background: spec.strategy.canary.analysis")
	}
}

// filled says what is wrong with a metric only because of the values its arguments have here.
func (r *reference) filled(template, filled *api.Metric, from origin) {
	before, after := &sheet{}, &sheet{}
	path := field.NewPath("spec", "metrics").Index(from.index)
	before.metric(template, path)
	after.metric(filled, path)
	for _, finding := range after.sorted() {
		if !slices.Contains(before.findings, finding) {
			r.add(ofTemplate(finding.Kind), r.at(from.ref), fmt.Sprintf("%s, with the arguments given here: %s: %s", title(from.ref), finding.Path, finding.Message), finding.Fix)
		}
	}
}

// endsEarly tells that a metric without count still ends by itself.
func endsEarly(metric *api.Metric) bool {
	successes, _ := integer(metric.ConsecutiveSuccessLimit)
	return successes > 0
}
