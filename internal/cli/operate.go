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
	"sluice.dev/sluice/internal/view"
)

// Patience with a controller that has not seen the latest change, and with others who change the
// object at the same time.
const (
	patience = 5 * time.Second
	pace     = 200 * time.Millisecond
)

// build makes a change from an object as it is now.
type build[T client.Object] func(T) (command.Change, error)

func (a *app) promote() *cobra.Command {
	var full, skipOne, skipAll bool
	cmd := &cobra.Command{
		Use:   "promote NAME…",
		Short: "End the pause of a rollout, or skip the step it is at",
		Long: `End the pause of a rollout, or skip the step it is at.

With --full all remaining steps, pauses and analyses are skipped; the new pods must still be
available before the new version becomes the stable one.`,
		Example: `  sluice promote shop          # go on with the next step
  sluice promote shop --full   # skip all remaining steps, pauses and analysis`,
		Args:              some(rollouts),
		ValidArgsFunction: a.complete(rollouts),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case full:
				return a.operate(cmd, args, command.PromoteFull)
			case skipAll:
				printLines(a.Err, "--skip-all-steps is deprecated: use --full, which skips background analysis too")
				return a.operate(cmd, args, command.SkipSteps)
			case skipOne:
				printLines(a.Err, "--skip-current-step is deprecated: promote does this without a flag")
				return a.operate(cmd, args, command.SkipStep)
			}
			return a.operate(cmd, args, command.Promote)
		},
	}
	flags := cmd.Flags()
	flags.BoolVar(&full, "full", false, "skip all remaining steps, pauses and analysis")
	// The names and letters are those of Argo Rollouts, whose users have them in scripts.
	flags.BoolVarP(&skipOne, "skip-current-step", "c", false, "go on with the next step; deprecated: promote does this without a flag")
	flags.BoolVarP(&skipAll, "skip-all-steps", "a", false, "skip all remaining steps; deprecated: use --full, which skips background analysis too")
	cmd.MarkFlagsMutuallyExclusive("full", "skip-current-step", "skip-all-steps")
	return cmd
}

func (a *app) abort() *cobra.Command {
	cmd := a.operation("abort NAME…", "Take an update back: the stable version serves again", command.Abort)
	cmd.Long = `Take an update back: the stable version serves again.

The canary's pods go, and running analysis is stopped. The rollout stays Degraded until a corrected
version is applied, or the update is started again with retry.`
	cmd.Example = "  sluice abort shop"
	return cmd
}

func (a *app) pause() *cobra.Command {
	cmd := a.operation("pause NAME…", "Stop a rollout where it is, until it is resumed", command.Pause)
	cmd.Example = "  sluice pause shop\n  sluice resume shop"
	return cmd
}

func (a *app) resume() *cobra.Command {
	cmd := a.operation("resume NAME…", "End a pause without skipping anything", command.Resume)
	cmd.Long = `End a pause without skipping anything: the pause by hand, the pause of a step, or that of an
inconclusive analysis, which is measured again.`
	cmd.Example = "  sluice resume shop"
	return cmd
}

func (a *app) retry() *cobra.Command {
	rollout := a.operation("rollout NAME…", "Start an aborted update again at its first step", command.Retry)
	rollout.Aliases = []string{"ro", "rollouts"}
	rollout.Example = "  sluice retry rollout shop"
	return group("retry", "Start an aborted update, or an experiment, again", rollout, a.retryExperiment())
}

func (a *app) operation(use, short string, build build[*api.Rollout]) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: short, Args: some(rollouts), ValidArgsFunction: a.complete(rollouts),
		RunE: func(cmd *cobra.Command, args []string) error { return a.operate(cmd, args, build) },
	}
}

// operate gives the command to each rollout named.
func (a *app) operate(cmd *cobra.Command, args []string, build build[*api.Rollout]) error {
	return a.eachNamed(cmd, rollouts, args, func(ctx context.Context, c *cluster, name string) error {
		return change(ctx, a, c, subject[*api.Rollout]{name, c.rollout, build})
	})
}

// eachNamed reads the names of objects of a kind, connects, and does something for each of them.
func (a *app) eachNamed(cmd *cobra.Command, of kind, args []string, do func(context.Context, *cluster, string) error) error {
	names, err := of.names(cmd, args)
	if err != nil {
		return err
	}
	c, err := a.connect()
	if err != nil {
		return err
	}
	return each(cmd.Context(), names, func(ctx context.Context, name string) error { return do(ctx, c, name) })
}

// each goes on with the others after one that fails, and says in the end which did.
func each[T any](ctx context.Context, items []T, do func(context.Context, T) error) error {
	var errs []error
	for _, item := range items {
		if err := do(ctx, item); err != nil {
			errs = append(errs, err)
		}
	}
	return refused(errors.Join(errs...))
}

// refused gives an error the exit code of a refusal when it is one.
func refused(err error) error {
	var refusal *command.Refusal
	if errors.As(err, &refusal) {
		return &exit{ExitNo, err.Error()}
	}
	return err
}

// subject is an object to change: how it is read, and what is to be made of it.
type subject[T client.Object] struct {
	name  string
	read  func(context.Context, string) (T, error)
	build build[T]
}

// change builds the patches from the object as it is now, sends them and prints what comes of it. When
// somebody else was quicker they are built again; so they are, for a while, when the controller is
// behind.
func change[T client.Object](ctx context.Context, a *app, c *cluster, s subject[T]) error {
	for end := time.Now().Add(patience); ; {
		done, again, err := attempt(ctx, c, s, time.Now().Before(end))
		if !again {
			if err == nil {
				a.warn(ctx, c, s.name, done)
				printLines(a.Out, done.Effect)
			}
			return err
		}
		if !wait(ctx, pace) {
			return errors.Join(err, ctx.Err())
		}
	}
}

// warn says that the step somebody skipped is a gate that is still measuring, which a second promote in
// quick succession does unseen, or one that could not tell good from bad.
func (a *app) warn(ctx context.Context, c *cluster, name string, done command.Change) {
	if done.Doubt != "" {
		printLines(a.Err, fmt.Sprintf("warning: rollout %s skips %s, whose %s was inconclusive: nothing says that this version is good; "+
			"sluice resume would have measured it again", name, done.Step, done.Doubt))
	}
	if done.Stops == "" {
		return
	}
	how := "is still measuring"
	if run, err := c.run(ctx, done.Stops); err == nil {
		how = "has " + view.Measured(run)
	}
	printLines(a.Err, fmt.Sprintf("warning: rollout %s skips %s, an analysis that %s", name, done.Step, how))
}

// attempt tries a change once and says whether to try again; patient is for as long as there is time
// for that.
func attempt[T client.Object](ctx context.Context, c *cluster, s subject[T], patient bool) (done command.Change, again bool, err error) {
	object, err := s.read(ctx, s.name)
	if err != nil {
		return done, false, err
	}
	change, err := s.build(object)
	if err != nil {
		var refusal *command.Refusal
		return done, patient && errors.As(err, &refusal) && refusal.Soon, err
	}
	if change.Behind && patient {
		return done, true, nil
	}
	if err := c.send(ctx, object, change.Patches); err != nil {
		return done, patient && apierrors.IsConflict(err), err
	}
	return change, false, nil
}

func (c *cluster) send(ctx context.Context, object client.Object, patches []command.Patch) error {
	for _, patch := range patches {
		target, ok := object.DeepCopyObject().(client.Object)
		if !ok {
			return fmt.Errorf("%T is no object of the API", object)
		}
		body := client.RawPatch(patch.Type, patch.Body)
		var err error
		if patch.Subresource == "" {
			err = c.Patch(ctx, target, body, client.FieldOwner("sluice"))
		} else {
			err = c.SubResource(patch.Subresource).Patch(ctx, target, body, client.FieldOwner("sluice"))
		}
		if err != nil {
			return fmt.Errorf("changing %s in namespace %s: %w", object.GetName(), object.GetNamespace(), err)
		}
	}
	return nil
}
