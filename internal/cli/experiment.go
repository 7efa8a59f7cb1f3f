package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/command"
	"sluice.dev/sluice/internal/view"
)

func (a *app) getExperiment() *cobra.Command {
	var l looking
	cmd := &cobra.Command{
		Use:               "experiment NAME",
		Aliases:           []string{"exp", "experiments"},
		Short:             "Show an experiment: what it has come to, its pods, its analyses",
		Example:           "  sluice get experiment compare --watch",
		Args:              one(experiments),
		ValidArgsFunction: a.completeOne(experiments),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.look(cmd, args, &l, experiments, func(ctx context.Context, c *cluster, name string) error {
				if l.watch {
					return a.watchExperiment(ctx, c, name)
				}
				scene, err := c.experimentScene(ctx, name)
				if err != nil {
					return err
				}
				return a.print(func(t terminal) view.Page { return view.Experiment(scene, t.width) })
			})
		},
	}
	a.lookingFlags(cmd, &l)
	return cmd
}

func (a *app) listExperiments() *cobra.Command {
	return a.listing(listing{
		kind: experiments, use: "experiments [NAME]", aliases: []string{"exp", "experiment"}, short: "List the experiments of a namespace",
		list: func() client.ObjectList { return &api.ExperimentList{} },
		table: func(list client.ObjectList, columns view.Columns) view.Table {
			return view.Experiments(list.(*api.ExperimentList).Items, columns)
		},
	})
}

func (a *app) retryExperiment() *cobra.Command {
	return a.forExperiments(&cobra.Command{
		Use: "experiment NAME…", Short: "Start an experiment that has ended over, with new analysis runs",
		Example: "  sluice retry experiment compare",
	}, command.RetryExperiment)
}

func (a *app) terminateExperiment() *cobra.Command {
	return a.forExperiments(&cobra.Command{
		Use: "experiment NAME…", Short: "End an experiment before its time",
		Long: `End an experiment before its time. It is judged by what it has measured: an analysis that was to measure
more often, or has measured nothing, is Inconclusive, never Successful.`,
		Example: "  sluice terminate experiment compare",
	}, command.TerminateExperiment)
}

// forExperiments makes a command that changes each experiment named.
func (a *app) forExperiments(cmd *cobra.Command, build build[*api.Experiment]) *cobra.Command {
	cmd.Aliases = []string{"exp", "experiments"}
	cmd.Args, cmd.ValidArgsFunction = some(experiments), a.complete(experiments)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return a.eachNamed(cmd, experiments, args, func(ctx context.Context, c *cluster, name string) error {
			return change(ctx, a, c, subject[*api.Experiment]{name, c.experiment, build})
		})
	}
	return cmd
}

// experiment reads an experiment.
func (c *cluster) experiment(ctx context.Context, name string) (*api.Experiment, error) {
	ex := &api.Experiment{}
	return ex, c.read(ctx, experiments, name, ex)
}

// experimentScene reads an experiment with what it runs.
func (c *cluster) experimentScene(ctx context.Context, name string) (view.ExperimentScene, error) {
	ex, err := c.experiment(ctx, name)
	if err != nil {
		return view.ExperimentScene{}, err
	}
	var (
		sets   appsv1.ReplicaSetList
		pods   corev1.PodList
		runs   api.AnalysisRunList
		jobs   batchv1.JobList
		hidden [4]string
	)
	err = together(
		func() error { return unless(&hidden[0], &sets, c.listWith(ctx, &sets, api.LabelPodTemplateHash)) },
		func() error { return unless(&hidden[1], &pods, c.listWith(ctx, &pods, api.LabelPodTemplateHash)) },
		func() error {
			return unless(&hidden[2], &runs, c.listed(c.List(ctx, &runs, client.InNamespace(c.namespace)), &runs))
		},
		func() error { return unless(&hidden[3], &jobs, c.listWith(ctx, &jobs, api.LabelAnalysisRunUID)) },
	)
	return view.ExperimentScene{
		Experiment: ex, ReplicaSets: sets.Items, Pods: pods.Items, Runs: runs.Items, Jobs: jobs.Items, Now: time.Now(),
	}, err
}

// watchExperiment shows an experiment until ctx ends.
func (a *app) watchExperiment(ctx context.Context, c *cluster, name string) error {
	if _, err := c.experiment(ctx, name); err != nil {
		return err
	}
	read := func(ctx context.Context) (view.ExperimentScene, error) { return c.experimentScene(ctx, name) }
	return watchPicture(ctx, a, c.experimentChanges(ctx, name), read, moving[view.ExperimentScene]{
		draw: func(scene view.ExperimentScene, t terminal, now time.Time) view.Page {
			scene.Now = now
			return view.Experiment(scene, t.width)
		},
	})
}

// experimentChanges signals that an experiment or something it may run changed.
func (c *cluster) experimentChanges(ctx context.Context, name string) <-chan struct{} {
	signal := make(chan struct{}, 1)
	in, hashed := client.InNamespace(c.namespace), client.HasLabels{api.LabelPodTemplateHash}
	go c.follow(ctx, signal, &api.ExperimentList{}, c.only(name)...)
	go c.follow(ctx, signal, &appsv1.ReplicaSetList{}, in, hashed)
	go c.follow(ctx, signal, &corev1.PodList{}, in, hashed)
	go c.follow(ctx, signal, &api.AnalysisRunList{}, in)
	return signal
}
