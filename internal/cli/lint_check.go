package cli

import (
	"fmt"
	"slices"
	"strings"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/client-go/util/jsonpath"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/manifest"
	"sluice.dev/sluice/internal/validate"
)

// LintFinding is one thing to know about a manifest.
type LintFinding struct {
	manifest.Problem
	// Severity is error, warning or note.
	Severity string `json:"severity"`
	// Kind is Syntax, Invalid, Unsupported, Warning or Note.
	Kind string `json:"kind"`
	// Object is the object concerned, such as Rollout/shop.
	Object string `json:"object,omitempty"`
	// Related are other places that the finding is about.
	Related []LintPlace `json:"related,omitempty"`

	needsRouter bool // it is unsupported for want of a traffic router alone
}

// LintPlace is a place in a file.
type LintPlace struct {
	File    string `json:"file"`
	Line    int    `json:"line"`
	Column  int    `json:"column"`
	Message string `json:"message"`
}

// lintReport is what a check came to.
type lintReport struct {
	sources   []Source
	files     []manifest.File     // of the sources
	documents []manifest.Document // of the files, with the templates that Rollouts take from others
	findings  []LintFinding       // in the order of the files and of the places in them
	objects   int                 // there were to check
}

// Lint checks manifests that belong together, by themselves and with what they refer to. The result
// is in the order of the files and of the places in them, and never nil.
func Lint(sources []Source) []LintFinding { return lintAll(sources, false).findings }

func lintAll(sources []Source, complete bool) lintReport {
	return lintIn(sources, world{complete: complete})
}

// lintIn checks manifests in a world of which more is known than they say.
func lintIn(sources []Source, around world) lintReport {
	r := lintReport{sources: sources, findings: []LintFinding{}}
	var documents []manifest.Document
	for _, source := range sources {
		file := manifest.Load(source.Name, source.Text)
		r.files = append(r.files, file)
		for _, problem := range file.Problems {
			if source.Found && foreign(file, problem) {
				continue
			}
			r.findings = append(r.findings, LintFinding{Problem: problem, Severity: "error", Kind: "Syntax"})
		}
		if !source.Found {
			r.findings = append(r.findings, strangers(file, source.Text)...)
		}
		documents = append(documents, file.Documents...)
	}
	w := &around
	w.documents = documents
	w.lend()
	for i := range documents {
		if documents[i].Ours() || documents[i].Excerpt != nil {
			r.objects++
		}
		r.findings = append(r.findings, w.check(&documents[i])...)
	}
	r.documents = w.documents
	r.findings = append(r.findings, w.together()...)
	r.intoScripts()
	r.arrange()
	return r
}

// strangers are the documents of a file somebody named that are no Kubernetes objects.
func strangers(file manifest.File, text []byte) []LintFinding {
	var found []LintFinding
	for _, document := range file.Documents {
		if !document.Foreign() || document.Excerpt != nil {
			continue
		}
		problem := document.At("", "this is no Kubernetes object: it has neither apiVersion nor kind", "")
		if artillery(text) {
			problem.Message, problem.Fix = "this is an Artillery script, no Kubernetes object", "check it with sluice-load lint"
		}
		problem.Rule = manifest.RuleNotObject
		found = append(found, LintFinding{Problem: problem, Severity: "error", Kind: "Syntax"})
	}
	return found
}

// foreign tells that a problem of a file in a directory is nobody's business here: the text names no kind
// that is checked, and is JSON of another kind, or a template.
func foreign(file manifest.File, problem manifest.Problem) bool {
	at := blockOf(file.Blocks, problem.Line)
	return at >= 0 && file.Blocks[at].Foreign && (problem.Rule == manifest.RuleNotObject || problem.Rule == manifest.RuleSyntax)
}

// arrange puts findings in the order of the files and of the places in them.
func (r *lintReport) arrange() {
	order := map[string]int{}
	for i, source := range r.sources {
		order[source.Name] = i
	}
	slices.SortStableFunc(r.findings, func(a, b LintFinding) int {
		if d := order[a.File] - order[b.File]; d != 0 {
			return d
		}
		if d := a.Line - b.Line; d != 0 {
			return d
		}
		return a.Column - b.Column
	})
}

// world is all that is known when an object is checked.
type world struct {
	documents []manifest.Document
	complete  bool                // there is nothing else
	live      []manifest.Document // templates and Services of the cluster
	namespace string              // that live was looked for in; "" when no cluster was asked
}

// check says what is wrong with one object. Where a value of the wrong type was left out, what is
// missed because of it is not said a second time.
func (w *world) check(document *manifest.Document) []LintFinding {
	found := slices.Concat(checkAlone(document), checkPods(document), w.dangers(document))
	if document.Excerpt == nil {
		refs := w.lookup(document.Namespace)
		if more := checkReferences(document, refs); !refs.torn && len(document.Left) == 0 {
			found = append(found, more...)
		}
	}
	var findings []LintFinding
	for _, f := range found {
		if concerns(f.Path, document.Left) || misnamed(f, document.Unknown) || !document.Shows(f.Path) || document.Excerpt != nil && slices.Contains(elsewhere, f.Rule) {
			continue
		}
		findings = append(findings, w.finding(document, f))
	}
	return findings
}

// elsewhere are rules whose remedy may stand in a part of the object that an excerpt does not show.
var elsewhere = []validate.Rule{validate.RuleUndeclared, validate.RuleNoCondition, validate.RuleNothingMeasured}

func (w *world) finding(document *manifest.Document, f validate.Finding) LintFinding {
	severity, kind := "error", string(f.Kind)
	switch {
	case f.Rule == validate.RuleTemplate && w.searched(document):
		f.Message, kind = strings.Replace(f.Message, " is not among the files that were read", nowhere, 1), string(validate.Invalid)
	case (f.Rule == validate.RuleTemplate || f.Rule == validate.RuleWorkload) && !w.complete:
		severity, kind = "note", "Note"
	case f.Kind == validate.Warning:
		severity = "warning"
	}
	problem := document.At(f.Path, f.Message, f.Fix)
	problem.Rule = manifest.Rule(f.Rule)
	if f.Rule == validate.RuleCondition && document.Cut(f.Path) {
		problem.Fix = "the # begins a comment in YAML, so that the condition ends before it: put the condition in quotes"
	}
	return LintFinding{Problem: problem, Severity: severity, Kind: kind, Object: document.Title(), needsRouter: f.NeedsRouter}
}

// imaginable tells that a simulation can do what a cluster cannot yet: divide requests, and answer for
// metric servers that are not known.
func (f LintFinding) imaginable() bool {
	return f.needsRouter || f.Kind == string(validate.Unsupported) && strings.Contains(f.Path, ".provider.")
}

func checkReferences(document *manifest.Document, refs *referred) validate.Findings {
	switch object := document.Object.(type) {
	case *api.Rollout:
		return validate.References(object, refs.Refs)
	case *api.AnalysisTemplate:
		return validate.TemplateReferences(&object.Spec, refs.Refs)
	case *api.ClusterAnalysisTemplate:
		return validate.TemplateReferences(&object.Spec, refs.Refs)
	case *api.AnalysisRun:
		return validate.RunReferences(object, refs.Refs)
	case *api.Experiment:
		return validate.ExperimentReferences(object, refs.Refs)
	}
	return nil
}

// checkPods says what the API server would say to names and pod templates. A part of an object, or one
// with lines left out, does not show all that belongs to a pod, nor do fields that could not be read.
func checkPods(document *manifest.Document) (found validate.Findings) {
	if document.Excerpt != nil || document.Torn {
		return nil
	}
	switch object := document.Object.(type) {
	case *api.Rollout:
		found = append(validate.Meta(&object.ObjectMeta), validate.RolloutPods(object)...)
	case *api.AnalysisTemplate:
		found = append(validate.Meta(&object.ObjectMeta), validate.JobPods(object.Spec.Metrics)...)
	case *api.ClusterAnalysisTemplate:
		found = append(validate.Meta(&object.ObjectMeta), validate.JobPods(object.Spec.Metrics)...)
	case *api.AnalysisRun:
		found = append(validate.Meta(&object.ObjectMeta), validate.JobPods(object.Spec.Metrics)...)
	case *api.Experiment:
		found = append(validate.Meta(&object.ObjectMeta), validate.ExperimentPods(object)...)
	}
	if len(document.Left)+len(document.Unknown) > 0 {
		found = slices.DeleteFunc(found, func(f validate.Finding) bool { return f.Rule == validate.RuleVolume })
	}
	return found
}

func checkAlone(document *manifest.Document) validate.Findings {
	switch object := document.Object.(type) {
	case *api.Rollout:
		return validate.Rollout(object)
	case *api.AnalysisTemplate:
		return append(validate.Template(&object.Spec), jsonPaths(object.Spec.Metrics)...)
	case *api.ClusterAnalysisTemplate:
		return append(validate.Template(&object.Spec), jsonPaths(object.Spec.Metrics)...)
	case *api.AnalysisRun:
		return append(validate.Run(object), jsonPaths(object.Spec.Metrics)...)
	case *api.Experiment:
		return validate.Experiment(object)
	}
	return nil
}

// dangers warns of what is valid and goes wrong easily. A part of an object does not show what there is
// against it, nor do fields that could not be read.
func (w *world) dangers(document *manifest.Document) validate.Findings {
	ro, ok := document.Object.(*api.Rollout)
	if !ok || document.Excerpt != nil || document.Torn || len(document.Left)+len(document.Unknown) > 0 {
		return nil
	}
	return validate.Dangers(ro, validate.Around{Autoscaled: w.autoscaled(document)})
}

// autoscaled tells that one of the objects sets the replicas of a Rollout.
func (w *world) autoscaled(rollout *manifest.Document) bool {
	return slices.ContainsFunc(w.near(rollout.Namespace), func(d manifest.Document) bool {
		scaler, ok := d.Object.(*autoscalingv2.HorizontalPodAutoscaler)
		return ok && d.Excerpt == nil && scaler.Spec.ScaleTargetRef.Kind == rollout.Kind && scaler.Spec.ScaleTargetRef.Name == rollout.Name
	})
}

// concerns tells that a path is one of those left out, lies below one, or is what directly holds one.
func concerns(path string, left []string) bool {
	for _, gone := range left {
		if path == gone || path == gone[:max(strings.LastIndexAny(gone, ".["), 0)] {
			return true
		}
		if rest, below := strings.CutPrefix(path, gone); below && strings.ContainsAny(rest[:1], ".[") {
			return true
		}
	}
	return false
}

// misnamed tells that something is missing where a field has a name that does not exist: it is the same
// mistake.
func misnamed(f validate.Finding, unknown []string) bool {
	if f.Rule != validate.RuleMissingField {
		return false
	}
	for _, path := range unknown {
		around := path[:max(strings.LastIndexAny(path, ".["), 0)]
		if f.Path == around || f.Path[:max(strings.LastIndexAny(f.Path, ".["), 0)] == around {
			return true
		}
	}
	return false
}

// jsonPaths finds JSONPaths that cannot be read, with the parser that will read them. A cluster finds
// them when it measures: package validate cannot import a parser that comes with a client.
func jsonPaths(metrics []api.Metric) (found validate.Findings) {
	for i := range metrics {
		web := metrics[i].Provider.Web
		if web == nil || web.JSONPath == "" || strings.Contains(web.JSONPath, "{{") {
			continue
		}
		if err := jsonpath.New("").Parse(web.JSONPath); err != nil {
			found = append(found, validate.Finding{
				Kind: validate.Invalid, Rule: validate.RuleInvalidValue, Path: fmt.Sprintf("spec.metrics[%d].provider.web.jsonPath", i),
				Message: "is not a JSONPath: " + err.Error(), Fix: "write for example {$.data.errorRate}",
			})
		}
	}
	return found
}
