package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/compose"
	"sluice.dev/sluice/internal/manifest"
	"sluice.dev/sluice/internal/validate"
)

// order is an analysis run as the command line asks for it.
type order struct {
	from, file string
	global     bool
	watching
	name, generateName string
	instance           string
	args               []string
}

func (a *app) createRun() *cobra.Command {
	var o order
	cmd := &cobra.Command{
		Use:     "analysisrun",
		Aliases: []string{"ar", "analysisruns"},
		Short:   "Run an analysis template by hand",
		Long: `Run an analysis template by hand: one of the cluster, or one in a file. Arguments without a value must be
given with -a. What the run would be refused for is said before it is created.

With --watch the run is shown until it is over, and the exit code is its verdict: 0 Successful,
1 Failed, Error or Inconclusive, 3 timed out.`,
		Example: `  sluice create analysisrun --from success-rate -a service=shop
  sluice create analysisrun --from success-rate --global --name trial -a service=shop --watch --timeout 5m
  sluice create analysisrun --from-file template.yaml -a service=shop`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.runByHand(cmd.Context(), o) },
	}
	flags := cmd.Flags()
	flags.StringVar(&o.from, "from", "", "name of the AnalysisTemplate to run")
	flags.StringVar(&o.file, "from-file", "", "file with the AnalysisTemplate to run, or - for the standard input")
	flags.BoolVar(&o.global, "global", false, "--from names a ClusterAnalysisTemplate")
	flags.StringVar(&o.name, "name", "", "name of the run; default: the template's with random letters")
	flags.StringVar(&o.generateName, "generate-name", "", "beginning of the name of the run; random letters follow")
	flags.StringVar(&o.instance, "instance-id", "", "instance id of the controller that is to carry out the run")
	flags.StringArrayVarP(&o.args, "argument", "a", nil, "value of an argument, as NAME=VALUE; may be repeated")
	o.flags(cmd, "show the run until it is over, and exit with its verdict")
	cmd.MarkFlagsMutuallyExclusive("from", "from-file")
	cmd.MarkFlagsOneRequired("from", "from-file")
	cmd.MarkFlagsMutuallyExclusive("name", "generate-name")
	cmd.MarkFlagsMutuallyExclusive("global", "from-file")
	a.completeFlag(cmd, "from", func(cmd *cobra.Command, _ []string, word string) ([]string, cobra.ShellCompDirective) {
		if o.global {
			return a.complete(clusterTemplates)(cmd, nil, word)
		}
		return a.complete(templates)(cmd, nil, word)
	})
	return cmd
}

func (a *app) runByHand(ctx context.Context, o order) error {
	if err := o.check(); err != nil {
		return err
	}
	args, err := parseArguments(o.args)
	if err != nil {
		return err
	}
	c, err := a.connect()
	if err != nil {
		return err
	}
	ref := api.AnalysisTemplateRef{TemplateName: o.from, ClusterScope: o.global}
	known := library{}
	if o.file != "" {
		if ref, err = a.fromFile(o.file, known); err != nil {
			return err
		}
	}
	if err := c.fetch(ctx, ref, known); err != nil {
		return err
	}
	run, err := o.run(ref, known, args)
	if err != nil {
		return err
	}
	return a.createOne(ctx, c, runs, run, o.watching)
}

// library holds the templates a run is made of.
type library map[api.AnalysisTemplateRef]api.AnalysisTemplateSpec

// fromFile reads the template to run, the first in the file, and those it may include.
func (a *app) fromFile(file string, known library) (api.AnalysisTemplateRef, error) {
	var first api.AnalysisTemplateRef
	documents, err := a.checked([]string{file})
	if err != nil {
		return first, err
	}
	for _, document := range documents {
		ref := api.AnalysisTemplateRef{TemplateName: document.Name}
		switch object := document.Object.(type) {
		case *api.AnalysisTemplate:
			known[ref] = object.Spec
		case *api.ClusterAnalysisTemplate:
			ref.ClusterScope = true
			known[ref] = object.Spec
		default:
			return first, misplaced(document)
		}
		if first.TemplateName == "" {
			first = ref
		}
	}
	return first, nil
}

func misplaced(document manifest.Document) error {
	return fmt.Errorf("%s:%d: a run is made from an AnalysisTemplate, and this is an object of kind %s", document.File, document.Line, document.Kind)
}

// fetch reads a template and those it includes, as far as they are not known.
func (c *cluster) fetch(ctx context.Context, ref api.AnalysisTemplateRef, known library) error {
	waiting := []api.AnalysisTemplateRef{ref}
	for seen := map[api.AnalysisTemplateRef]bool{}; len(waiting) > 0; waiting = waiting[1:] {
		next := waiting[0]
		if seen[next] {
			continue
		}
		seen[next] = true
		if _, there := known[next]; !there {
			spec, err := c.template(ctx, next)
			if err != nil {
				return err
			}
			known[next] = spec
		}
		waiting = append(waiting, known[next].Templates...)
	}
	return nil
}

func (c *cluster) template(ctx context.Context, ref api.AnalysisTemplateRef) (api.AnalysisTemplateSpec, error) {
	if ref.ClusterScope {
		var template api.ClusterAnalysisTemplate
		err := c.read(ctx, clusterTemplates, ref.TemplateName, &template)
		return template.Spec, err
	}
	var template api.AnalysisTemplate
	err := c.read(ctx, templates, ref.TemplateName, &template)
	return template.Spec, err
}

// run composes the run and refuses what the controller would refuse.
func (o order) run(ref api.AnalysisTemplateRef, known library, args []api.Argument) (*api.AnalysisRun, error) {
	lookup := func(name string, cluster bool) (api.AnalysisTemplateSpec, bool) {
		spec, ok := known[api.AnalysisTemplateRef{TemplateName: name, ClusterScope: cluster}]
		return spec, ok
	}
	if err := undeclared(known, args); err != nil {
		return nil, err
	}
	spec, problems := compose.Spec([]api.AnalysisTemplateRef{ref}, lookup, args, nil, nil)
	var wrong []string
	for _, problem := range problems {
		wrong = append(wrong, problem.String())
	}
	for _, arg := range spec.Args {
		if arg.Value == nil && arg.ValueFrom != nil && arg.ValueFrom.FieldRef != nil {
			wrong = append(wrong, fmt.Sprintf("args.%s takes its value from a rollout, and there is none", arg.Name))
		}
	}
	run := &api.AnalysisRun{ObjectMeta: metav1.ObjectMeta{Name: o.name, GenerateName: o.generateName}, Spec: spec}
	if o.name == "" && o.generateName == "" {
		run.GenerateName = ref.TemplateName + "-"
	}
	if o.instance != "" {
		run.Labels = map[string]string{api.LabelInstanceID: o.instance}
	}
	if len(wrong) == 0 {
		wrong = validate.Run(run).Of(validate.Invalid, validate.Unsupported).Texts()
	}
	if len(wrong) > 0 {
		return nil, &exit{ExitNo, fmt.Sprintf("the run of %s would end in an error: %s", ref.TemplateName, strings.Join(wrong, "; ")) + advice(spec)}
	}
	return run, nil
}

// advice says how to give the values that are missing.
func advice(spec api.AnalysisRunSpec) string {
	var flags []string
	for _, arg := range spec.Args {
		if arg.Value == nil && (arg.ValueFrom == nil || arg.ValueFrom.SecretKeyRef == nil) {
			flags = append(flags, "-a "+arg.Name+"=…")
		}
	}
	if len(flags) == 0 {
		return ""
	}
	return "; add " + strings.Join(flags, " ")
}

// undeclared refuses arguments that no template asks for: a misspelt one would be ignored otherwise.
func undeclared(known library, args []api.Argument) error {
	var declared []string
	for _, spec := range known {
		for _, arg := range spec.Args {
			declared = append(declared, arg.Name)
		}
	}
	slices.Sort(declared)
	declared = slices.Compact(declared)
	for _, arg := range args {
		if slices.Contains(declared, arg.Name) {
			continue
		}
		if len(declared) == 0 {
			return fmt.Errorf("the template takes no arguments, so -a %s=… means nothing", arg.Name)
		}
		return fmt.Errorf("the template has no argument %s; there are %s", arg.Name, strings.Join(declared, ", "))
	}
	return nil
}
