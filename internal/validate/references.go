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
	// Workload says whether the object that spec.workloadRef names exists. nil: it is not looked for.
	Workload func(api.ObjectRef) bool
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
	s := &sheet{}
	s.workloadExists(ro, refs)
	strategy := field.NewPath("spec", "strategy")
	look := func(analysis *api.RolloutAnalysis, path *field.Path, background bool) {
		r := reference{sheet: s, refs: refs, rollout: ro, path: path, analysis: analysis, background: background}
		r.check()
	}
	if canary := ro.Spec.Strategy.Canary; canary != nil {
		path := strategy.Child("canary")
		for i := range canary.Steps {
			if analysis := canary.Steps[i].Analysis; analysis != nil {
				look(analysis, path.Child("steps").Index(i).Child("analysis"), false)
			}
			if step := canary.Steps[i].Experiment; step != nil {
				s.experimentStep(ro, step, refs, path.Child("steps").Index(i).Child("experiment"))
			}
		}
		if canary.Analysis != nil {
			look(&canary.Analysis.RolloutAnalysis, path.Child("analysis"), true)
		}
	}
	if bg := ro.Spec.Strategy.BlueGreen; bg != nil {
		path := strategy.Child("blueGreen")
		if bg.PrePromotionAnalysis != nil {
			look(bg.PrePromotionAnalysis, path.Child("prePromotionAnalysis"), false)
		}
		if bg.PostPromotionAnalysis != nil {
			look(bg.PostPromotionAnalysis, path.Child("postPromotionAnalysis"), false)
		}
	}
	return s.sorted()
}

// TemplateReferences says what is wrong with the Secrets a template takes arguments from, and with
// the templates it includes. What one of those lacks may come from whoever uses the template.
func TemplateReferences(spec *api.AnalysisTemplateSpec, refs Refs) Findings {
	s := &sheet{}
	s.secrets(spec.Args, refs)
	path := field.NewPath("spec", "templates")
	_, problems := compose.Templates(spec.Templates, refs.Template)
	for _, problem := range problems {
		at := path
		for i, ref := range spec.Templates {
			if len(problem.Templates) > 0 && named(ref) == problem.Templates[0] {
				at = path.Index(i)
			}
		}
		s.as(ruleOf(problem)).add(absent(problem, refs), at, problem.Message, "")
	}
	return s.sorted()
}

// RunReferences says what is wrong with the Secrets an AnalysisRun takes arguments from.
func RunReferences(run *api.AnalysisRun, refs Refs) Findings {
	s := &sheet{}
	s.secrets(run.Spec.Args, refs)
	return s.sorted()
}

func (s *sheet) secrets(args []api.Argument, refs Refs) {
	r := reference{sheet: s, refs: refs}
	for i, arg := range args {
		r.secret(arg, "", field.NewPath("spec", "args").Index(i))
	}
}

// absent is what a problem means: what is missing among some files may exist elsewhere.
func absent(problem compose.Problem, refs Refs) Kind {
	if problem.Missing && refs.Partial {
		return Warning
	}
	return Invalid
}

func ruleOf(problem compose.Problem) Rule {
	if problem.Missing {
		return RuleTemplate
	}
	return RuleUnresolved
}

// named is a template as problems name it.
func named(ref api.AnalysisTemplateRef) string {
	return compose.Template{AnalysisTemplateRef: ref}.Name()
}

// reference is one analysis of a Rollout with the templates it names.
type reference struct {
	*sheet
	refs       Refs
	rollout    *api.Rollout
	path       *field.Path
	analysis   *api.RolloutAnalysis
	background bool
	// sole is where an analysis of an experiment names its only template, given what an Experiment passes to it.
	sole  *field.Path
	given []api.Argument
}

// naming is where the analysis names its i-th template.
func (r *reference) naming(i int) *field.Path {
	if r.sole != nil {
		return r.sole
	}
	return r.path.Child("templates").Index(i)
}

func (r *reference) check() {
	refs := r.named()
	templates, _ := compose.Templates(refs, r.refs.Template)
	if !r.refs.Checked {
		r.alone(templates)
	}
	spec, problems := compose.Spec(refs, r.refs.Template, r.args(), r.analysis.DryRun, r.analysis.MeasurementRetention)
	whole := len(refs) == len(r.analysis.Templates)
	for _, problem := range problems {
		whole = whole && !problem.Missing
	}
	for _, problem := range problems {
		if kind := absent(problem, r.refs); whole || !problem.Open || !r.refs.Partial {
			r.as(ruleOf(problem)).add(kind, r.place(problem, templates), problem.Message, "")
		}
	}
	for _, arg := range spec.Args {
		if owner, path := r.declaredBy(templates, arg); !r.refs.Checked {
			r.secret(arg, owner, path)
		}
	}
	for i := range spec.Metrics {
		r.metric(&spec.Metrics[i], &spec, measuredBy(templates, spec.Metrics[i].Name))
	}
	spec.Metrics = filled(spec.Metrics, compose.Values(spec.Args))
	if whole {
		r.measured(spec, templates)
	}
}

// named reports which of the templates the analysis names are missing and returns the others.
func (r *reference) named() []api.AnalysisTemplateRef {
	var found []api.AnalysisTemplateRef
	for i, ref := range r.analysis.Templates {
		if ref.TemplateName == "" {
			continue
		}
		if _, ok := r.refs.Template(ref.TemplateName, ref.ClusterScope); ok {
			found = append(found, ref)
		} else {
			at := r.naming(i)
			if r.sole == nil {
				at = at.Child("templateName")
			}
			r.missing(ref, at)
		}
	}
	return found
}

// alone reports what is wrong with the templates by themselves.
func (r *reference) alone(templates []compose.Template) {
	for _, t := range templates {
		for _, finding := range Template(&t.Spec) {
			r.add(ofTemplate(finding.Kind), r.at(t), titled(t)+": "+finding.Path+": "+finding.Message, finding.Fix)
		}
	}
}

// measured looks at the whole of what will be measured, all templates taken together.
func (r *reference) measured(spec api.AnalysisRunSpec, templates []compose.Template) {
	r.matched(Invalid, namings(r.analysis.DryRun, r.analysis.MeasurementRetention, r.path), spec.Metrics, "")
	for _, t := range templates {
		rules := namings(t.Spec.DryRun, t.Spec.MeasurementRetention, r.at(t))
		for i := range rules {
			rules[i].path = r.at(t)
		}
		r.matched(Invalid, rules, spec.Metrics, ", in "+titled(t))
	}
	r.windows(spec.Metrics, templates)
	what := "this step passes whatever is measured"
	switch {
	case r.sole != nil:
		what = "this analysis passes whatever is measured"
	case r.background:
		what = "the analysis in the background stops nothing"
	case r.rollout.Spec.Strategy.BlueGreen != nil:
		what = "this analysis passes whatever is measured"
	}
	r.tried(spec, r.path, what)
	if n := len(spec.Metrics); n > maxItems {
		r.invalid(r.path.Child("templates"), fmt.Sprintf("have %d metrics together, more than %d", n, maxItems), "")
	}
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

// titled is a template with the way that leads to it.
func titled(t compose.Template) string {
	if via := t.Via(); via != "" {
		return title(t.AnalysisTemplateRef) + " (included by " + via + ")"
	}
	return title(t.AnalysisTemplateRef)
}

func (r *reference) missing(ref api.AnalysisTemplateRef, path *field.Path) {
	if r.refs.Partial {
		r.as(RuleTemplate).warn(path, title(ref)+" is not among the files that were read", "")
		return
	}
	fix := ""
	if _, ok := r.refs.Template(ref.TemplateName, !ref.ClusterScope); ok {
		fix = fmt.Sprintf("the other kind exists: write clusterScope: %t", !ref.ClusterScope)
	}
	r.as(RuleTemplate).invalid(path, title(ref)+" does not exist", fix)
}

// args are the Rollout's arguments with the values they have now. One whose field is not there yet
// counts as given: only the run will tell.
func (r *reference) args() []api.Argument {
	const anyHash = "6b54fd8b9c"
	args := untold(r.given)
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
		if r.sole != nil {
			known = untold(known)
		}
		args = append(args, known...)
	}
	return args
}

// untold are an experiment's arguments as far as they are known: what they say about the experiment is not.
func untold(args []api.Argument) (all []api.Argument) {
	for _, arg := range args {
		if _, problems := compose.ExperimentArgs([]api.Argument{arg}, nil); len(problems) > 0 {
			arg = unknown(arg.Name)
		}
		all = append(all, arg)
	}
	return all
}

// unknown is an argument that will have a value nobody knows yet.
func unknown(name string) api.Argument {
	return api.Argument{Name: name, ValueFrom: &api.ValueFrom{FieldRef: &api.FieldRef{}}}
}

// place is where the analysis names the template a problem is about, or what leads to it; the last
// one where there are several.
func (r *reference) place(problem compose.Problem, templates []compose.Template) *field.Path {
	if len(problem.Templates) == 0 {
		return r.path.Child(problem.Field)
	}
	for _, name := range slices.Backward(problem.Templates) {
		for _, t := range templates {
			if t.Name() == name {
				return r.at(t)
			}
		}
	}
	return r.path.Child("templates")
}

// declaredBy finds the template an argument's value comes from.
func (r *reference) declaredBy(templates []compose.Template, arg api.Argument) (string, *field.Path) {
	for _, t := range templates {
		for _, declared := range t.Spec.Args {
			if declared.Name == arg.Name && reflect.DeepEqual(declared.ValueFrom, arg.ValueFrom) {
				return titled(t), r.at(t)
			}
		}
	}
	return "", r.path
}

// origin is where a metric stands: which template, which of its metrics.
type origin struct {
	compose.Template
	index int
}

// measuredBy finds the template a metric comes from. It is one of those that were merged.
func measuredBy(templates []compose.Template, metric string) origin {
	for _, t := range templates {
		i := slices.IndexFunc(t.Spec.Metrics, func(m api.Metric) bool { return m.Name == metric })
		if i >= 0 {
			return origin{t, i}
		}
	}
	return origin{}
}

// at is where the analysis names the template, or the one that leads to it.
func (r *reference) at(t compose.Template) *field.Path {
	if len(t.Path) == 0 {
		return r.path.Child("templates")
	}
	return r.naming(slices.Index(r.analysis.Templates, t.Path[0]))
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
		r.as(RuleSecret).invalid(path, fmt.Sprintf("%s takes its value from Secret %s, which does not exist", from, ref.Name), "")
	case !slices.Contains(keys, ref.Key):
		r.as(RuleSecretKey).invalid(path, fmt.Sprintf("%s takes its value from key %s of Secret %s, which has no such key", from, ref.Key, ref.Name), otherKeys(ref.Key, keys))
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
	path, names := r.at(from.Template), argumentNames(spec.Args)
	for _, name := range compose.Unresolved(*metric) {
		if !slices.Contains(names, name) {
			r.as(RuleUnresolved).invalid(path, fmt.Sprintf("args.%s was not resolved: metric %s of %s uses it, and no template of this analysis declares it", name, metric.Name, titled(from.Template)), declare(name, names))
		}
	}
	r.shown(metric, spec, from)
	filled, err := compose.Metric(*metric, compose.Values(spec.Args))
	if err != nil {
		r.invalid(path, titled(from.Template)+": "+err.Error(), "")
		return
	}
	r.filled(metric, &filled, from)
	if r.background {
		return
	}
	count, known := integer(filled.Count)
	if filled.Interval != "" && (filled.Count == nil || known && count == 0) && !endsEarly(&filled) {
		what, fix := "this step", "give the metric a count, or measure it in the background: spec.strategy.canary.analysis"
		if r.sole != nil {
			what, fix = "this experiment", "give the metric a count, or take requiredForCompletion away"
		}
		if r.rollout.Spec.Strategy.BlueGreen != nil {
			what, fix = "this analysis", "give the metric a count"
		}
		r.as(RuleEndless).invalid(path, fmt.Sprintf("metric %s of %s has an interval and no count, so it never ends and neither would %s", metric.Name, titled(from.Template), what), fix)
	}
}

// shown refuses to show a secret that the metric has from another template.
func (r *reference) shown(metric *api.Metric, spec *api.AnalysisRunSpec, from origin) {
	own := compose.Exposed(*metric, compose.Secrets(from.Spec.Args))
	for _, problem := range compose.Exposed(*metric, compose.Secrets(spec.Args)) {
		if !slices.ContainsFunc(own, func(p compose.Problem) bool { return p.Message == problem.Message }) {
			r.invalid(r.at(from.Template), titled(from.Template)+": "+problem.Message, "use an argument with a plain value there")
		}
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
			r.add(ofTemplate(finding.Kind), r.at(from.Template), fmt.Sprintf("%s, with the arguments given here: %s: %s", titled(from.Template), finding.Path, finding.Message), finding.Fix)
		}
	}
}

// endsEarly tells that a metric without count still ends by itself.
func endsEarly(metric *api.Metric) bool {
	successes, _ := integer(metric.ConsecutiveSuccessLimit)
	return successes > 0 || metric.During != "" // it ends with its load test
}
