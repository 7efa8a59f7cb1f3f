package cli

import (
	"context"
	"errors"

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
		Args:              oneOfEither,
		ValidArgsFunction: a.completeEither,
		RunE: func(cmd *cobra.Command, args []string) error {
			asked, err := either(cmd, args)
			if err != nil {
				return err
			}
			c, err := a.connect()
			switch {
			case err != nil:
				return err
			case !asked.given:
				return a.whyEither(cmd.Context(), c, asked.name)
			case asked.kind == runs:
				return a.whyRun(cmd.Context(), c, asked.name)
			}
			return a.whyRollout(cmd.Context(), c, asked.name)
		},
	}
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
