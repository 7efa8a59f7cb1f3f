package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/view"
)

func (a *app) status() *cobra.Command {
	var (
		watch   bool
		timeout time.Duration
	)
	cmd := &cobra.Command{
		Use:   "status NAME",
		Short: "Wait until a rollout is Healthy or Degraded",
		Long: `Wait until a rollout is Healthy or Degraded, printing each change of its state.

Exit code: 0 Healthy · 1 Degraded · 2 it could not be read · 3 timed out
           4 with --watch=false: Progressing or Paused`,
		Example: "  sluice status shop --timeout 10m",
		Args:    one("rollout"), ValidArgsFunction: a.completeOne(rollouts),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.connect()
			if err != nil {
				return err
			}
			if !watch {
				ro, err := c.rollout(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				phase, text := state(ro)
				printLines(a.Out, text)
				return verdict(phase, text)
			}
			ctx, cancel := limited(cmd.Context(), timeout)
			defer cancel()
			return a.await(ctx, c, args[0])
		},
	}
	cmd.Flags().BoolVarP(&watch, "watch", "w", true, "wait for the end; false prints the state as it is")
	cmd.Flags().DurationVarP(&timeout, "timeout", "t", 0, "give up after this long; 0 never")
	return cmd
}

// await prints the states of a rollout until it is Healthy or Degraded.
func (a *app) await(ctx context.Context, c *cluster, name string) error {
	changes := make(chan struct{}, 1)
	go c.follow(ctx, changes, &api.RolloutList{}, c.only(name)...)
	last, told := "", false
	read := func(ctx context.Context) (*api.Rollout, error) { return c.rollout(ctx, name) }
	err := live(ctx, changes, read, func(ro *api.Rollout, now outlook) (bool, error) {
		if now.trouble != nil && !told {
			printLines(a.Err, fmt.Sprintf("no answer from the API server: %v; trying again", now.trouble))
		}
		told = now.trouble != nil
		phase, text := state(ro)
		if text != last {
			last = text
			printLines(a.Out, text)
		}
		switch phase {
		case api.RolloutPhaseHealthy, api.RolloutPhaseDegraded:
			return true, verdict(phase, text)
		case api.RolloutPhaseProgressing, api.RolloutPhasePaused:
		}
		return false, nil
	})
	if ctx.Err() != nil && (err == nil || ctx.Err() == context.DeadlineExceeded) {
		return timedOut(ctx, name, last)
	}
	return err
}

func timedOut(ctx context.Context, name, last string) error {
	if ctx.Err() == context.DeadlineExceeded {
		return &exit{ExitTimeout, fmt.Sprintf("timed out waiting for rollout %s, which is %s", name, last)}
	}
	return &exit{ExitFailed, "interrupted"}
}

// state is phase and message in one line, as clients of the reference print them.
func state(ro *api.Rollout) (api.RolloutPhase, string) {
	phase, message := view.Phase(ro)
	if message == "" {
		return phase, string(phase)
	}
	return phase, string(phase) + " - " + message
}

// verdict makes the exit code of a state that was printed already.
func verdict(phase api.RolloutPhase, text string) error {
	switch phase {
	case api.RolloutPhaseHealthy:
		return nil
	case api.RolloutPhaseDegraded:
		return &exit{code: ExitNo}
	case api.RolloutPhaseProgressing, api.RolloutPhasePaused:
		return &exit{code: ExitUnfinished}
	}
	return &exit{ExitFailed, "unknown state " + text}
}
