package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"sluice.dev/sluice/internal/view"
)

func (a *app) why() *cobra.Command {
	return &cobra.Command{
		Use:   "why [rollout|analysisrun] NAME",
		Short: "Show why a rollout or an analysis run stands where it does",
		Long: `Show why a rollout stands where it does: its last decisions with what was measured, the newest first;
or why an analysis run came to its verdict, measurement by measurement.

A name alone is that of a rollout or, when there is none of that name, of an analysis run.`,
		Example:           "  sluice why shop\n  sluice why analysisrun shop-6b54fd8b9c-2-2",
		Args:              cobra.RangeArgs(1, 2),
		ValidArgsFunction: a.completeWhy,
		RunE: func(cmd *cobra.Command, args []string) error {
			words := args
			if len(args) == 1 {
				if kind, name, ok := strings.Cut(args[0], "/"); ok {
					words = []string{kind, name}
				}
			}
			c, err := a.connect()
			if err != nil {
				return err
			}
			if len(words) == 1 {
				return a.whyEither(cmd.Context(), c, words[0])
			}
			switch {
			case slices.Contains(rolloutWords, words[0]):
				return a.whyRollout(cmd.Context(), c, words[1])
			case slices.Contains(runWords, words[0]):
				return a.whyRun(cmd.Context(), c, words[1])
			}
			return fmt.Errorf("%q is neither rollout nor analysisrun: why knows nothing else", words[0])
		},
	}
}

var (
	rolloutWords = []string{"rollout", "rollouts", "ro"}
	runWords     = []string{"analysisrun", "analysisruns", "ar"}
)

func (a *app) completeWhy(cmd *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
	switch {
	case len(args) == 0:
		return a.complete(rollouts)(cmd, args, word)
	case len(args) == 1 && slices.Contains(rolloutWords, args[0]):
		return a.complete(rollouts)(cmd, args, word)
	case len(args) == 1 && slices.Contains(runWords, args[0]):
		return a.complete(runs)(cmd, args, word)
	}
	return nil, cobra.ShellCompDirectiveNoFileComp
}

// whyEither takes a name for that of a rollout first. What it says when there is neither is about
// rollouts.
func (a *app) whyEither(ctx context.Context, c *cluster, name string) error {
	err := a.whyRollout(ctx, c, name)
	var none *absent
	if !errors.As(err, &none) {
		return err
	}
	if other := a.whyRun(ctx, c, name); !errors.As(other, &none) {
		return other
	}
	return err
}

func (a *app) whyRollout(ctx context.Context, c *cluster, name string) error {
	scene, err := c.scene(ctx, name)
	if err != nil {
		return err
	}
	return a.print(func(t terminal) view.Page { return view.Why(scene, t.width) })
}

func (a *app) whyRun(ctx context.Context, c *cluster, name string) error {
	scene, err := c.runScene(ctx, name)
	if err != nil {
		return err
	}
	return a.print(func(t terminal) view.Page { return view.WhyRun(scene, t.width) })
}
