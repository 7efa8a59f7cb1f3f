package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/manifest"
)

// creatable are the kinds create takes.
func creatable() map[string]kind {
	return map[string]kind{
		api.KindRollout: rollouts, api.KindAnalysisRun: runs, api.KindExperiment: experiments,
		api.KindAnalysisTemplate: templates, api.KindClusterAnalysisTemplate: clusterTemplates,
	}
}

func (a *app) create() *cobra.Command {
	var (
		files []string
		w     watching
	)
	cmd := &cobra.Command{
		Use:   "create -f FILE…",
		Short: "Create rollouts, analysis templates, analysis runs and experiments from files",
		Long: `Create Rollouts, AnalysisTemplates, ClusterAnalysisTemplates, AnalysisRuns and Experiments from files.

The files are checked first, as lint does: with a single error nothing is created.

With --watch an analysis run is shown until it is over, and the exit code is its verdict: 0 Successful,
1 Failed, Error or Inconclusive, 3 timed out.`,
		Example: "  sluice create -f rollout.yaml -f templates/\n  sluice create -f rollout.yaml --watch",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if len(files) == 0 {
				return fmt.Errorf("%s wants to know what to create: add -f FILE, or see %[1]s analysisrun --help", cmd.CommandPath())
			}
			if err := w.check(); err != nil {
				return err
			}
			objects, err := a.checked(files)
			if err != nil {
				return err
			}
			if w.watch && len(objects) != 1 {
				return fmt.Errorf("--watch wants one object, and there are %d", len(objects))
			}
			c, err := a.connect()
			if err != nil {
				return err
			}
			return a.createAll(cmd.Context(), c, objects, w)
		},
	}
	cmd.Flags().StringArrayVarP(&files, "filename", "f", nil, "file, directory, or - for the standard input")
	w.flags(cmd, "show the rollout afterwards, until interrupted, or the analysis run, until it is over")
	cmd.AddCommand(a.createRun())
	return cmd
}

// checked reads the objects to create. What lint calls an error is printed, and nothing is returned.
func (a *app) checked(files []string) ([]manifest.Document, error) {
	sources, err := a.sources(files)
	if err != nil {
		return nil, err
	}
	wrong := slices.DeleteFunc(Lint(sources), func(finding LintFinding) bool { return finding.Severity != "error" })
	for _, finding := range wrong {
		printLines(a.Err, finding.String())
	}
	if len(wrong) > 0 {
		return nil, &exit{ExitNo, "nothing was created: " + plural(len(wrong), "error") + " in " + strings.Join(files, ", ")}
	}
	objects, err := ours(sources)
	if err == nil && len(objects) == 0 {
		err = fmt.Errorf("there is nothing to create in %s", strings.Join(files, ", "))
	}
	return objects, err
}

// ours are the objects of the kinds create knows. Others are refused; what is no object is left out.
func ours(sources []Source) ([]manifest.Document, error) {
	var objects []manifest.Document
	for _, source := range sources {
		documents, _ := manifest.Read(source.Name, source.Text) // what is wrong with them lint says
		for _, document := range documents {
			if _, ok := creatable()[document.Kind]; ok && document.Ours() {
				objects = append(objects, document)
			} else if !document.Foreign() {
				return nil, fmt.Errorf("%s:%d: create knows no %s: use kubectl for it", document.File, document.Line, document.Kind)
			}
		}
	}
	return objects, nil
}

func (a *app) createAll(ctx context.Context, c *cluster, objects []manifest.Document, w watching) error {
	return each(ctx, objects, func(ctx context.Context, document manifest.Document) error {
		k := creatable()[document.Kind]
		content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(document.Object)
		if err != nil {
			return fmt.Errorf("reading %s %s: %w", k.name, document.Name, err)
		}
		object := &unstructured.Unstructured{Object: content}
		object.SetGroupVersionKind(k.gvk)
		unstructured.RemoveNestedField(object.Object, "status") // it is the controller's
		return a.createOne(ctx, c, k, object, w)
	})
}

// createOne creates an object and says so; with watch it shows what becomes of it.
func (a *app) createOne(ctx context.Context, c *cluster, k kind, object client.Object, w watching) error {
	if !k.global {
		if err := c.place(object); err != nil {
			return err
		}
	}
	err := c.Create(ctx, object, client.FieldOwner("sluice"), client.FieldValidation("Strict"))
	switch {
	case missingKind(err):
		return errNoCRDs
	case err != nil:
		return fmt.Errorf("creating %s %s%s: %w", k.name, object.GetName()+object.GetGenerateName(), k.in(object.GetNamespace()), err)
	}
	printLines(a.Out, k.reference(object.GetName())+" created")
	if !w.watch {
		return nil
	}
	there := *c
	there.namespace = object.GetNamespace()
	ctx, cancel := limited(ctx, w.timeout)
	defer cancel()
	switch k {
	case rollouts:
		return a.watchRollout(ctx, &there, object.GetName(), false)
	case runs:
		return a.watchToTheEnd(ctx, &there, object.GetName())
	}
	return nil
}

// watching is whether a command shows what it has created, and for how long at most.
type watching struct {
	watch   bool
	timeout time.Duration
}

func (w *watching) flags(cmd *cobra.Command, what string) {
	cmd.Flags().BoolVarP(&w.watch, "watch", "w", false, what)
	cmd.Flags().DurationVarP(&w.timeout, "timeout", "t", 0, "with --watch, give up after this long; 0 never")
}

func (w watching) check() error {
	if w.timeout != 0 && !w.watch {
		return errors.New("--timeout is how long --watch waits: add --watch, or leave it out")
	}
	return nil
}

// watchToTheEnd shows an analysis run until it is over. How it ended makes the exit code.
func (a *app) watchToTheEnd(ctx context.Context, c *cluster, name string) error {
	var last standing
	err := a.showRun(ctx, c, name, func(run *api.AnalysisRun) bool {
		last = runState(run)
		return last.over
	})
	if err == nil && last.over {
		return last.verdict()
	}
	return cut(ctx, target{kind: runs, name: name}, last.text, err)
}

// place puts an object into the namespace of the command unless it names its own.
func (c *cluster) place(object client.Object) error {
	switch own := object.GetNamespace(); {
	case own == "":
		object.SetNamespace(c.namespace)
	case c.asked && own != c.namespace:
		return fmt.Errorf("%s belongs to namespace %s by its manifest, and the command says -n %s: leave one of them out", object.GetName(), own, c.namespace)
	}
	return nil
}

// parseArguments reads NAME=VALUE.
func parseArguments(texts []string) ([]api.Argument, error) {
	var args []api.Argument
	for _, text := range texts {
		name, value, ok := strings.Cut(text, "=")
		if !ok || name == "" {
			return nil, fmt.Errorf("%q is no argument: write NAME=VALUE", text)
		}
		if slices.ContainsFunc(args, func(other api.Argument) bool { return other.Name == name }) {
			return nil, fmt.Errorf("argument %s is given twice", name)
		}
		args = append(args, api.Argument{Name: name, Value: &value})
	}
	return args, nil
}
