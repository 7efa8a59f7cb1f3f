package cli

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	appsv1 "k8s.io/api/apps/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/command"
)

func (a *app) undo() *cobra.Command {
	var to int64
	cmd := &cobra.Command{
		Use:   "undo NAME…",
		Short: "Go back to the pod template of an earlier revision",
		Long: `Go back to the pod template of an earlier revision.

That is an update like any other, with its steps and analysis, unless the revision is the stable one:
then the canary goes at once. Within rollbackWindow, and with blue-green while the old pods are still kept, steps
and analysis are skipped. It warns when the update to that revision was aborted, its analysis did not succeed, or
nothing shows that it was ever stable. What else stands in the spec stays as it is. Where the rollout takes its template
from another object (workloadRef), it is changed there.`,
		Example:           "  sluice undo shop\n  sluice undo shop --to-revision 3",
		Aliases:           []string{"rollback"},
		Args:              some(rollouts),
		ValidArgsFunction: a.complete(rollouts),
		RunE: func(cmd *cobra.Command, args []string) error {
			if to < 0 {
				return fmt.Errorf("--to-revision is %d: revisions are counted from 1, and 0 is the one before the present one", to)
			}
			return a.changeTemplates(cmd, args, func(ctx context.Context, c *cluster, ro *api.Rollout, in command.Holder) (command.Change, error) {
				sets, err := c.replicaSets(ctx, ro)
				if err != nil {
					return command.Change{}, err
				}
				var runs api.AnalysisRunList
				var hidden string
				if err := unless(&hidden, &runs, c.listed(c.List(ctx, &runs, client.InNamespace(c.namespace)), &runs)); err != nil {
					return command.Change{}, err
				}
				return command.Undo(ro, in, command.Past{ReplicaSets: sets, Runs: runs.Items, Now: time.Now()}, to)
			})
		},
	}
	cmd.Flags().Int64Var(&to, "to-revision", 0, "the revision to go back to; 0 is the one before the present one")
	a.completeFlag(cmd, "to-revision", a.revisions)
	return cmd
}

// replicaSets are those a rollout selects.
func (c *cluster) replicaSets(ctx context.Context, ro *api.Rollout) ([]appsv1.ReplicaSet, error) {
	selector, err := selectorOf(ro)
	if err != nil {
		return nil, err
	}
	var sets appsv1.ReplicaSetList
	err = c.listSelected(ctx, &sets, selector)
	return sets.Items, err
}

func (a *app) restart() *cobra.Command {
	var in string
	cmd := &cobra.Command{
		Use:   "restart NAME…",
		Short: "Replace the pods of a rollout, a few at a time",
		Long: `Replace the pods of a rollout that are older than now, a few at a time: no more than its maxUnavailable
are missing at any moment, and disruption budgets are kept. The template does not change, and nothing is
analysed.`,
		Example:           "  sluice restart shop\n  sluice restart shop --in 10m",
		Args:              some(rollouts),
		ValidArgsFunction: a.complete(rollouts),
		RunE: func(cmd *cobra.Command, args []string) error {
			delay, err := delayOf(in)
			if err != nil {
				return err
			}
			now := time.Now()
			return a.operate(cmd, args, func(ro *api.Rollout) (command.Change, error) {
				return command.Restart(ro, now.Add(delay), now)
			})
		},
	}
	cmd.Flags().StringVarP(&in, "in", "i", "0s", "how long to wait before it: 30s, 10m, 1h30m")
	return cmd
}

// delayOf reads a time to come. A bare number is one of seconds, as everywhere in this API.
func delayOf(text string) (time.Duration, error) {
	delay, err := time.ParseDuration(text)
	if seconds, bare := strconv.ParseInt(text, 10, 32); bare == nil {
		delay, err = time.Duration(seconds)*time.Second, nil
	}
	switch {
	case err != nil:
		return 0, fmt.Errorf("--in %q is no time span: write it like 30s, 10m or 1h30m", text)
	case delay < 0:
		return 0, fmt.Errorf("--in %s lies in the past", text)
	}
	return delay, nil
}

func (a *app) set() *cobra.Command {
	image := &cobra.Command{
		Use:   "image NAME CONTAINER=IMAGE…",
		Short: "Give containers other images, which starts an update",
		Long: `Give containers other images, which starts an update. Containers, init containers and ephemeral
containers are found by their names; * is all of them. Where the rollout takes its template from another object
(workloadRef), it is changed there.`,
		Example:           "  sluice set image shop web=shop:2\n  sluice set image shop web=shop:2 log=log:7\n  sluice set image shop '*=shop:2'",
		ValidArgsFunction: a.completeImage,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) < 2 {
				return fmt.Errorf("%s wants the name of a rollout, and CONTAINER=IMAGE", cmd.CommandPath())
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			names := 1
			if rollouts.is(args[0]) && len(args) > 2 && !strings.Contains(args[1], "=") {
				names = 2 // set image rollout shop web=shop:2, as for kubectl
			}
			images, err := command.ParseImages(args[names:])
			if err != nil {
				return err
			}
			return a.changeTemplates(cmd, args[:names], func(_ context.Context, _ *cluster, ro *api.Rollout, in command.Holder) (command.Change, error) {
				return command.SetImages(ro, in, images)
			})
		},
	}
	return group("set", "Change an image of a rollout", image)
}

func (a *app) terminate() *cobra.Command {
	run := &cobra.Command{
		Use:     "analysisrun NAME…",
		Aliases: []string{"ar", "analysisruns"},
		Short:   "End an analysis run before its time",
		Long: `End an analysis run before its time. It is judged by what it has measured: a metric that was to be
measured more often, or has measured nothing, is Inconclusive, never Successful.`,
		Example:           "  sluice terminate analysisrun shop-6b54fd8b9c-2-2",
		Args:              some(runs),
		ValidArgsFunction: a.complete(runs),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.eachNamed(cmd, runs, args, func(ctx context.Context, c *cluster, name string) error {
				return change(ctx, a, c, subject[*api.AnalysisRun]{name, c.run, command.Terminate})
			})
		},
	}
	return group("terminate", "End an analysis run or an experiment before its time", run, a.terminateExperiment())
}
