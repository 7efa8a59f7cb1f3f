package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// lintOptions are what people say about a check.
type lintOptions struct {
	files      []string
	output     string
	complete   bool // all objects there are stand in the files
	cluster    bool // templates and Services of the cluster count
	strict     bool // warnings count as errors
	allowEmpty bool // files without an object of ours are fine
}

// lintOutputs are the ways to print findings.
var lintOutputs = []string{"text", "long", "json", "sarif", "github"}

func (a *app) lint() *cobra.Command {
	var o lintOptions
	cmd := &cobra.Command{
		Use:   "lint FILE|DIR|-…",
		Short: "Check manifests: every mistake, with its place and what to write instead",
		Long: `Check Rollouts, AnalysisTemplates, ClusterAnalysisTemplates, AnalysisRuns and Experiments. No cluster is asked without --cluster.

Unknown fields, values of the wrong type and everything the controller would refuse are errors;
what is legal and probably not meant is a warning. Lines that are indented wrongly are found by
what the API allows, named one by one, and the rest is checked as if they were right.
Objects are checked together with the templates, Services and Secrets among the files; what is not
among them is a note, or an error with --complete. With --cluster, templates and Services are also
looked for in the namespace of the command, and are an error where neither has them.

Reads YAML and JSON with several documents and Lists, directories with all that is below them, and
the blocks of YAML in Markdown, also those that show a part of an object.

Exit code: 0 no errors · 1 errors · 2 a file could not be read, or there was nothing to check`,
		Example: "  sluice lint rollout.yaml templates/\n  kustomize build . | sluice lint -\n  sluice lint docs/ -o sarif > lint.sarif",
		RunE: func(cmd *cobra.Command, args []string) error {
			o.files = append(o.files, args...)
			if len(o.files) == 0 {
				return fmt.Errorf("lint wants to know what to read: add files, directories, or - for the standard input")
			}
			if o.output != "" && !slices.Contains(lintOutputs, o.output) {
				return fmt.Errorf("lint cannot print %q: write -o %s, or leave it out", o.output, strings.Join(lintOutputs, ", "))
			}
			return a.lintFiles(cmd.Context(), o)
		},
	}
	flags := cmd.Flags()
	flags.StringArrayVarP(&o.files, "filename", "f", nil, "file, directory, or - for the standard input, like those named without it")
	flags.StringVarP(&o.output, "output", "o", "", "text (a line for each finding), long (with the lines of the file, as on a terminal), json, sarif or github")
	flags.BoolVar(&o.complete, "complete", false, "the files are all there is: what they refer to and do not have is an error")
	flags.BoolVar(&o.cluster, "cluster", false, "look in the cluster for templates and Services that are not among the files")
	flags.BoolVar(&o.strict, "warnings-as-errors", false, "exit with code 1 when there are warnings")
	flags.BoolVar(&o.allowEmpty, "allow-empty", false, "accept files that are nothing of ours, for example in a pre-commit hook")
	return cmd
}

func (a *app) lintFiles(ctx context.Context, o lintOptions) error {
	sources, unread := a.lintSources(o)
	if unread != nil && len(sources) == 0 {
		return unread
	}
	around := world{complete: o.complete}
	if o.cluster {
		var err error
		if around.live, around.namespace, err = a.beyond(ctx); err != nil {
			return err
		}
	}
	report := lintIn(sources, around)
	if err := a.printReport(report, o.output); err != nil {
		return err
	}
	errors, warnings := report.count("error"), report.count("warning")
	switch {
	case unread != nil:
		return &exit{ExitFailed, unread.Error()}
	case errors > 0, o.strict && warnings > 0:
		return &exit{code: ExitNo}
	case report.objects == 0 && !o.allowEmpty:
		return &exit{ExitFailed, "nothing was checked: there is no Rollout, AnalysisTemplate, ClusterAnalysisTemplate, AnalysisRun or Experiment in what was read"}
	}
	return nil
}

func (a *app) printReport(r lintReport, output string) error {
	if output == "" {
		output = "text"
		if a.terminal().width > 0 {
			output = "long"
		}
	}
	switch output {
	case "json":
		return printJSON(a.Out, r.findings)
	case "sarif":
		return printJSON(a.Out, r.sarif(a.version))
	case "github":
		printLines(a.Out, r.github()...)
	case "long":
		printLines(a.Out, r.long(a.terminal())...)
	default:
		printLines(a.Out, r.short()...)
	}
	return nil
}

// count is the number of findings of a severity.
func (r lintReport) count(severity string) int {
	n := 0
	for _, f := range r.findings {
		if f.Severity == severity {
			n++
		}
	}
	return n
}

// summary is the last line of a report for people.
func (r lintReport) summary() string {
	notes := ""
	if n := r.count("note"); n > 0 {
		notes = ", " + plural(n, "note")
	}
	return fmt.Sprintf("%s, %s%s; %s checked in %s", plural(r.count("error"), "error"), plural(r.count("warning"), "warning"), notes,
		plural(r.objects, "object"), plural(len(r.sources), "file"))
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
