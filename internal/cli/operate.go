package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/command"
)

// Patience with a controller that has not seen the latest change, and with others who change the
// rollout at the same time.
const (
	patience = 5 * time.Second
	pace     = 200 * time.Millisecond
)

type build func(*api.Rollout) (command.Change, error)

func (a *app) promote() *cobra.Command {
	var full bool
	cmd := &cobra.Command{
		Use:   "promote NAME",
		Short: "End the pause of a rollout, or skip the step it is at",
		Example: `  sluice promote shop          # go on with the next step
  sluice promote shop --full   # skip all remaining steps, pauses and analysis`,
		Args: one("rollout"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if full {
				return a.operate(cmd.Context(), args, command.PromoteFull)
			}
			return a.operate(cmd.Context(), args, command.Promote)
		},
	}
	cmd.Flags().BoolVar(&full, "full", false, "skip all remaining steps, pauses and analysis")
	return cmd
}

func (a *app) abort() *cobra.Command {
	return a.operation("abort NAME…", "Take an update back: the stable version serves again", command.Abort)
}

func (a *app) pause() *cobra.Command {
	return a.operation("pause NAME…", "Stop a rollout where it is, until it is resumed", command.Pause)
}

func (a *app) resume() *cobra.Command {
	return a.operation("resume NAME…", "End a pause without skipping anything", command.Resume)
}

func (a *app) retry() *cobra.Command {
	retry := &cobra.Command{Use: "retry", Short: "Start an aborted update again"}
	rollout := a.operation("rollout NAME…", "Start an aborted update again at its first step", command.Retry)
	rollout.Aliases = []string{"ro", "rollouts"}
	retry.AddCommand(rollout)
	return retry
}

func (a *app) operation(use, short string, build build) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: short, Args: some("rollout"),
		RunE: func(cmd *cobra.Command, args []string) error { return a.operate(cmd.Context(), args, build) },
	}
}

// operate gives the command to each rollout named, and goes on with the others after one that cannot
// take it.
func (a *app) operate(ctx context.Context, names []string, build build) error {
	c, err := a.connect()
	if err != nil {
		return err
	}
	var errs []error
	for _, name := range names {
		effect, err := c.change(ctx, name, build)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		printLines(a.Out, effect)
	}
	err = errors.Join(errs...)
	var refusal *command.Refusal
	if errors.As(err, &refusal) {
		return &exit{ExitNo, err.Error()}
	}
	return err
}

// change builds the patches from the rollout as it is now and sends them. When somebody else was
// quicker they are built again; so they are, for a while, when the controller is behind.
func (c *cluster) change(ctx context.Context, name string, build build) (string, error) {
	for end := time.Now().Add(patience); ; {
		effect, again, err := c.attempt(ctx, name, build, time.Now().Before(end))
		if !again {
			return effect, err
		}
		if !wait(ctx, pace) {
			return "", errors.Join(err, ctx.Err())
		}
	}
}

// attempt tries a change once and says whether to try again; patient is for as long as there is time
// for that.
func (c *cluster) attempt(ctx context.Context, name string, build build, patient bool) (effect string, again bool, err error) {
	ro, err := c.rollout(ctx, name)
	if err != nil {
		return "", false, err
	}
	change, err := build(ro)
	if err != nil {
		var refusal *command.Refusal
		return "", patient && errors.As(err, &refusal) && refusal.Soon, err
	}
	if change.Behind && patient {
		return "", true, nil
	}
	if err := c.send(ctx, ro, change.Patches); err != nil {
		return "", patient && apierrors.IsConflict(err), err
	}
	return change.Effect, false, nil
}

func (c *cluster) send(ctx context.Context, ro *api.Rollout, patches []command.Patch) error {
	for _, patch := range patches {
		target := &api.Rollout{ObjectMeta: ro.ObjectMeta}
		body := client.RawPatch(patch.Type, patch.Body)
		var err error
		if patch.Subresource == "" {
			err = c.Patch(ctx, target, body, client.FieldOwner("sluice"))
		} else {
			err = c.SubResource(patch.Subresource).Patch(ctx, target, body, client.FieldOwner("sluice"))
		}
		if err != nil {
			return fmt.Errorf("changing rollout %s in namespace %s: %w", ro.Name, ro.Namespace, err)
		}
	}
	return nil
}
