package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/util/jsonpath"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/manifest"
	"sluice.dev/sluice/internal/validate"
)

func (a *app) lint() *cobra.Command {
	var (
		files  []string
		output string
	)
	cmd := &cobra.Command{
		Use:   "lint FILE|DIR|-…",
		Short: "Check manifests: every mistake, with its place and what to write instead",
		Long: `Check Rollouts, AnalysisTemplates, ClusterAnalysisTemplates, AnalysisRuns and Experiments, without a cluster.

Unknown fields, values of the wrong type and everything the controller would refuse are errors;
what is legal and probably not meant is a warning. Rollouts are checked together with the templates
and Secrets among the files.

Exit code: 0 no errors · 1 errors · 2 a file could not be read, or there was nothing to check`,
		Example: "  sluice lint rollout.yaml templates/\n  kustomize build . | sluice lint -",
		RunE: func(_ *cobra.Command, args []string) error {
			files = append(files, args...)
			if len(files) == 0 {
				return fmt.Errorf("lint wants to know what to read: add files, directories, or - for the standard input")
			}
			if output != "" && output != "json" {
				return fmt.Errorf("lint cannot print %q: write -o json, or leave it out", output)
			}
			return a.lintFiles(files, output)
		},
	}
	cmd.Flags().StringArrayVarP(&files, "filename", "f", nil, "file, directory, or - for the standard input, like those named without it")
	cmd.Flags().StringVarP(&output, "output", "o", "", "json prints the findings for machines")
	return cmd
}

func (a *app) lintFiles(names []string, output string) error {
	sources, err := a.sources(names)
	if err != nil {
		return err
	}
	findings, objects := lintAll(sources)
	errors := 0
	for _, f := range findings {
		if f.Severity == "error" {
			errors++
		}
	}
	if output == "json" {
		err = printJSON(a.Out, findings)
	} else {
		a.printFindings(findings)
		printLines(a.Out, fmt.Sprintf("%s, %s; %s checked in %s", plural(errors, "error"), plural(len(findings)-errors, "warning"), plural(objects, "object"), plural(len(sources), "file")))
	}
	switch {
	case err != nil:
		return err
	case errors > 0:
		return &exit{code: ExitNo}
	case objects == 0:
		return &exit{ExitFailed, "nothing was checked: there is no Rollout, AnalysisTemplate, ClusterAnalysisTemplate, AnalysisRun or Experiment in what was read"}
	}
	return nil
}

func printJSON(w io.Writer, value any) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(value)
}

func (a *app) printFindings(findings []LintFinding) {
	for _, f := range findings {
		object := ""
		if f.Object != "" {
			object = " [" + f.Object + "]"
		}
		place, text, _ := strings.Cut(f.String(), ": ")
		printLines(a.Out, fmt.Sprintf("%s: %s: %s%s", place, f.Severity, text, object))
	}
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// Source is a file to lint.
type Source struct {
	Name string
	Text []byte
	// Found tells that the file was found in a directory, where other things than Kubernetes objects
	// may lie.
	Found bool
}

func (a *app) sources(names []string) ([]Source, error) {
	var sources []Source
	for _, name := range names {
		if name == "-" {
			text, err := io.ReadAll(a.In)
			if err != nil {
				return nil, fmt.Errorf("reading the standard input: %w", err)
			}
			sources = append(sources, Source{Name: "<stdin>", Text: text})
			continue
		}
		found, err := fromDisk(name)
		if err != nil {
			return nil, err
		}
		sources = append(sources, found...)
	}
	return sources, nil
}

// fromDisk reads a file, or the YAML and JSON files below a directory in the order of their names.
func fromDisk(name string) ([]Source, error) {
	var sources []Source
	err := filepath.WalkDir(name, func(path string, entry os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		known := slices.Contains([]string{".yaml", ".yml", ".json"}, strings.ToLower(filepath.Ext(path)))
		if entry.IsDir() || path != name && !known {
			return nil
		}
		text, err := os.ReadFile(path)
		sources = append(sources, Source{path, text, path != name})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading manifests: %w", err)
	}
	return sources, nil
}

// LintFinding is one thing to know about a manifest.
type LintFinding struct {
	manifest.Problem
	// Severity is error or warning.
	Severity string `json:"severity"`
	// Kind is Syntax, Invalid, Unsupported or Warning.
	Kind string `json:"kind"`
	// Object is the object concerned, such as Rollout/shop.
	Object string `json:"object,omitempty"`
}

// Lint checks manifests that belong together, by themselves and with what they refer to. The result
// is in the order of the files and of the places in them, and never nil.
func Lint(sources []Source) []LintFinding {
	findings, _ := lintAll(sources)
	return findings
}

// lintAll also counts the objects there were to check.
func lintAll(sources []Source) (findings []LintFinding, objects int) {
	findings = []LintFinding{}
	var documents []manifest.Document
	for _, source := range sources {
		found, problems := manifest.Read(source.Name, source.Text)
		documents = append(documents, found...)
		for _, document := range found {
			if document.Foreign() && !source.Found {
				problems = append(problems, document.At("", "this is no Kubernetes object: it has neither apiVersion nor kind", ""))
			}
		}
		for _, problem := range problems {
			findings = append(findings, LintFinding{Problem: problem, Severity: "error", Kind: "Syntax"})
		}
	}
	for i := range documents {
		document := &documents[i]
		if document.Ours() {
			objects++
		}
		for _, finding := range check(document, documents) {
			severity := "error"
			if finding.Kind == validate.Warning {
				severity = "warning"
			}
			findings = append(findings, LintFinding{
				Problem:  document.At(finding.Path, finding.Message, finding.Fix),
				Severity: severity, Kind: string(finding.Kind), Object: document.Kind + "/" + document.Name,
			})
		}
	}
	arrange(findings, sources)
	return findings, objects
}

// arrange puts findings in the order of the files and of the places in them.
func arrange(findings []LintFinding, sources []Source) {
	order := map[string]int{}
	for i, source := range sources {
		order[source.Name] = i
	}
	slices.SortStableFunc(findings, func(a, b LintFinding) int {
		if d := order[a.File] - order[b.File]; d != 0 {
			return d
		}
		if d := a.Line - b.Line; d != 0 {
			return d
		}
		return a.Column - b.Column
	})
}

// check says what validation finds in an object. Where a value of the wrong type was left out, what
// is missed because of it is not said a second time.
func check(document *manifest.Document, all []manifest.Document) validate.Findings {
	found := checkAlone(document)
	refs := lookup(document.Namespace, all)
	if more := checkReferences(document, refs); !refs.torn && len(document.Left) == 0 {
		found = append(found, more...)
	}
	return slices.DeleteFunc(found, func(f validate.Finding) bool { return concerns(f.Path, document.Left) })
}

func checkReferences(document *manifest.Document, refs *referred) validate.Findings {
	switch object := document.Object.(type) {
	case *api.Rollout:
		return validate.References(object, refs.Refs)
	case *api.AnalysisTemplate:
		return validate.TemplateReferences(&object.Spec, refs.Refs)
	case *api.AnalysisRun:
		return validate.RunReferences(object, refs.Refs)
	}
	return nil
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
				Kind: validate.Invalid, Path: fmt.Sprintf("spec.metrics[%d].provider.web.jsonPath", i),
				Message: "is not a JSONPath: " + err.Error(), Fix: "write for example {$.data.errorRate}",
			})
		}
	}
	return found
}

// referred is what an object may refer to, and whether something of what it did was left out of the
// objects found.
type referred struct {
	validate.Refs
	torn bool
}

// lookup finds templates and Secrets among the documents. An object without a namespace goes to
// whichever namespace the others are applied to.
func lookup(namespace string, all []manifest.Document) *referred {
	near := slices.DeleteFunc(slices.Clone(all), func(d manifest.Document) bool {
		return d.Namespace != namespace && d.Namespace != "" && namespace != ""
	})
	r := &referred{Refs: validate.Refs{Partial: true, Checked: true}}
	r.Template = func(name string, cluster bool) (api.AnalysisTemplateSpec, bool) {
		if cluster {
			if template, ok := named[*api.ClusterAnalysisTemplate](r, all, name); ok {
				return template.Spec, true
			}
		} else if template, ok := named[*api.AnalysisTemplate](r, near, name); ok {
			return template.Spec, true
		}
		return api.AnalysisTemplateSpec{}, false
	}
	r.SecretKeys = func(name string) ([]string, bool) {
		secret, ok := named[*corev1.Secret](r, near, name)
		if !ok {
			return nil, false
		}
		return keysOf(secret), true
	}
	return r
}

// named finds the object of one kind and name.
func named[T any](r *referred, documents []manifest.Document, name string) (object T, ok bool) {
	for i := range documents {
		if object, ok := documents[i].Object.(T); ok && documents[i].Name == name {
			r.torn = r.torn || len(documents[i].Left) > 0
			return object, true
		}
	}
	return object, false
}

func keysOf(secret *corev1.Secret) []string {
	var keys []string
	for key := range secret.Data {
		keys = append(keys, key)
	}
	for key := range secret.StringData {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}
