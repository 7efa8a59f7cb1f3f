package cli

import (
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/manifest"
	"sluice.dev/sluice/internal/simulate"
	"sluice.dev/sluice/internal/validate"
	"sluice.dev/sluice/internal/view"
)

// simulateOptions are what people say about a simulation.
type simulateOptions struct {
	files    []string
	rollout  string
	scenario string
	whatIfs  []string
	output   string
}

// Simulation is what `sluice simulate -o json` prints.
type Simulation struct {
	simulate.Result
	// Warnings are what there is to say about the manifests.
	Warnings []LintFinding `json:"warnings"`
}

func (a *app) simulate() *cobra.Command {
	var o simulateOptions
	cmd := &cobra.Command{
		Use:   "simulate -f FILE…",
		Short: "Show what an update would do, and what if it goes wrong, without a cluster",
		Long: `Play an update of a Rollout on a simulated cluster with a clock of its own: the decisions are those of the
controller, conditions of metrics included. Shown are the timeline with everything that happens and why,
requests that nobody could have served, the worst moment for capacity, and what an abort would do at each
step.

The version that runs now is called old, that of the manifest new. What nobody says is assumed, and every
assumption is named: metrics without values are Successful, Jobs succeed after 30s. A scenario says more
(docs/simulate.md), and so does --what-if, as often as needed:

` + shortForms() + `

A MOMENT is a time after the new version is applied (2m), the share of the requests it has come to (75%),
or a step that begins (step 3).

Exit code: 0 everything is as the scenario expects, or the version is promoted · 1 it is not
           2 the question could not be asked: flags, files, mistakes in them`,
		Example: "  sluice simulate -f rollout.yaml -f analysis.yaml\n" +
			"  sluice simulate -f shop/ --what-if error-rate=5%@2m --what-if slow-start=90s\n" +
			"  sluice simulate -f shop/ --scenario bad-release.yaml -o json",
		RunE: func(_ *cobra.Command, args []string) error {
			o.files = append(o.files, args...)
			switch {
			case len(o.files) == 0:
				return errors.New("simulate wants a Rollout and its templates: add -f with files, directories, or - for the standard input")
			case o.output != "" && o.output != "json":
				return fmt.Errorf("simulate cannot print %q: write -o json, or leave it out", o.output)
			}
			return a.simulateFiles(o)
		},
	}
	flags := cmd.Flags()
	flags.StringArrayVarP(&o.files, "filename", "f", nil, "file, directory, or - for the standard input: the Rollout and its analysis templates")
	flags.StringVar(&o.rollout, "rollout", "", "name of the Rollout, where there are several")
	flags.StringVar(&o.scenario, "scenario", "", "file that says what happens meanwhile, and what is expected")
	flags.StringArrayVar(&o.whatIfs, "what-if", nil, "something that happens, in short; may be repeated")
	flags.StringVarP(&o.output, "output", "o", "", "json prints everything for machines")
	return cmd
}

// shortForms is the table of what --what-if takes.
func shortForms() string {
	var lines []string
	for _, f := range simulate.WhatIfs() {
		lines = append(lines, fmt.Sprintf("  %-21s %s", f.Form, f.Says))
	}
	return strings.Join(lines, "\n")
}

func (a *app) simulateFiles(o simulateOptions) error {
	sources, err := a.sources(o.files)
	if err != nil {
		return err
	}
	report := lintAll(sources, false)
	setup, err := setUp(report, o.rollout)
	if err != nil {
		return err
	}
	if err := a.plot(&setup, o); err != nil {
		return err
	}
	defer debug.SetGCPercent(debug.SetGCPercent(playing))
	result, err := simulate.Simulate(setup)
	if err != nil {
		return err
	}
	s := Simulation{Result: result, Warnings: []LintFinding{}}
	var texts []string
	for _, f := range report.findings {
		if f.Severity == "error" {
			f = f.imagined()
		}
		if f.Severity == "warning" {
			s.Warnings = append(s.Warnings, f)
			texts = append(texts, f.String())
		}
	}
	if o.output == "json" {
		err = printJSON(a.Out, s)
	} else {
		err = a.print(func(t terminal) view.Page { return view.Simulation(result, texts, t.width) })
	}
	if err == nil && !result.As {
		return &exit{code: ExitNo}
	}
	return err
}

// imagined is a finding that keeps a manifest out of a cluster, and is played all the same.
func (f LintFinding) imagined() LintFinding {
	what := "what stands there"
	switch {
	case f.needsRouter:
		what = "the router"
	case strings.Contains(f.Path, ".provider."):
		what = "the metric server"
	}
	f.Severity = "warning"
	f.Message += fmt.Sprintf(" on a cluster: this version rejects the manifest there; %s is only simulated here", what)
	return f
}

// playing lets more garbage gather than usual: a simulation is over before it matters.
const playing = 800

// setUp finds the Rollout and its templates in what was read. Mistakes in them are told, since nothing would
// be rolled out.
func setUp(report lintReport, name string) (simulate.Setup, error) {
	setup := simulate.Setup{Templates: map[simulate.TemplateKey]api.AnalysisTemplateSpec{}}
	if wrong := report.mistakes(); len(wrong) > 0 {
		return setup, errors.New("nothing would be rolled out while there are mistakes:\n" + strings.Join(wrong, "\n"))
	}
	var names []string
	for _, d := range report.documents {
		switch object := d.Object.(type) {
		case *api.Rollout:
			names = append(names, object.Name)
			if name == "" || object.Name == name {
				setup.Rollout = object
			}
		case *api.AnalysisTemplate:
			setup.Templates[simulate.TemplateKey{Name: object.Name}] = object.Spec
		case *api.ClusterAnalysisTemplate:
			setup.Templates[simulate.TemplateKey{Name: object.Name, Cluster: true}] = object.Spec
		}
	}
	return setup, chosen(setup.Rollout, name, names)
}

// chosen says what is wrong with the choice of a Rollout among those that were read; nil when it is clear.
func chosen(found *api.Rollout, name string, names []string) error {
	switch {
	case twice(names) != "":
		return fmt.Errorf("there is more than one Rollout %s in what was read: leave all but one of them out", twice(names))
	case len(names) == 0:
		return errors.New("there is no Rollout in what was read: add its file with -f")
	case found == nil:
		return fmt.Errorf("there is no Rollout %s in what was read; there is %s", name, strings.Join(names, ", "))
	case name == "" && len(names) > 1:
		return fmt.Errorf("there are several Rollouts: add --rollout with one of %s", strings.Join(names, ", "))
	}
	return nil
}

// twice is a name that occurs more than once, or "".
func twice(names []string) string {
	for i, name := range names {
		if slices.Contains(names[:i], name) {
			return name
		}
	}
	return ""
}

// mistakes are what keeps an update from being simulated. What only a traffic router is missing for is
// imagined; what is referred to must be there.
func (r lintReport) mistakes() (wrong []string) {
	for _, f := range r.findings {
		switch {
		case f.Rule == manifest.Rule(validate.RuleTemplate), f.Rule == manifest.Rule(validate.RuleWorkload):
			f.Fix = "add its file with -f"
			wrong = append(wrong, f.String())
		case f.Severity == "error" && !f.imaginable():
			wrong = append(wrong, f.String())
		}
	}
	return wrong
}

// plot is what happens meanwhile: the scenario of the file, and the short forms after it.
func (a *app) plot(setup *simulate.Setup, o simulateOptions) error {
	document := manifest.Document{}
	if o.scenario != "" {
		source, err := a.source(o.scenario, manifests)
		if err != nil {
			return err
		}
		if len(source) != 1 {
			return fmt.Errorf("--scenario wants one file, and %s holds %s", o.scenario, plural(len(source), "file"))
		}
		scenario, d, problems := manifest.One[simulate.Scenario](source[0].Name, source[0].Text)
		if len(problems) > 0 {
			return problem(problems)
		}
		setup.Scenario, document = *scenario, d
	}
	var problems []manifest.Problem
	if o.scenario != "" {
		problems = complaints(document, setup.Check())
	}
	for _, text := range o.whatIfs {
		if err := setup.WhatIf(text); err != nil {
			problems = append(problems, manifest.Problem{Message: complained(err)})
		}
	}
	if len(problems) == 0 {
		problems = complaints(document, setup.Check())
	}
	return problem(problems)
}

// complaints are the mistakes of a scenario with their places; those of short forms have none.
func complaints(document manifest.Document, found []simulate.Complaint) (problems []manifest.Problem) {
	for _, c := range found {
		if document.File == "" {
			problems = append(problems, manifest.Problem{Message: complained(&c)})
			continue
		}
		problems = append(problems, document.At(c.Path, c.Message, remedy(&c)))
	}
	slices.SortStableFunc(problems, func(a, b manifest.Problem) int { return a.Line - b.Line })
	return problems
}

// complained is a mistake in one line, with what to write instead.
func complained(err error) string {
	var c *simulate.Complaint
	if !errors.As(err, &c) {
		return err.Error()
	}
	whole := *c
	whole.Fix = remedy(c)
	return whole.Error()
}

// remedy is what to write instead of a name that does not exist.
func remedy(c *simulate.Complaint) string {
	if c.Fix != "" || c.Word == "" && len(c.Known) == 0 {
		return c.Fix
	}
	known := "there is " + strings.Join(c.Known, ", ")
	if len(c.Known) == 0 {
		known = "there is none"
	}
	if near := manifest.Nearest(c.Word, c.Known); near != "" {
		return "did you mean " + near + "? " + known
	}
	return known
}

func problem(all []manifest.Problem) error {
	var lines []string
	for _, p := range all {
		if p.File == "" {
			lines = append(lines, p.Message)
			continue
		}
		lines = append(lines, p.String())
	}
	if len(lines) == 0 {
		return nil
	}
	return errors.New(strings.Join(lines, "\n"))
}
