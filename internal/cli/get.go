package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/view"
)

func (a *app) get() *cobra.Command {
	get := &cobra.Command{Use: "get", Short: "Show a rollout with its revisions, pods and analysis"}
	var (
		watch   bool
		timeout int
	)
	rollout := &cobra.Command{
		Use:     "rollout NAME",
		Aliases: []string{"ro", "rollouts"},
		Short:   "Show a rollout: where it stands, what it waits for, its analysis, its pods",
		Example: "  sluice get rollout shop\n  sluice get rollout shop --watch",
		Args:    one("rollout"),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, cancel := limited(cmd.Context(), time.Duration(timeout)*time.Second)
			defer cancel()
			c, err := a.connect()
			if err != nil {
				return err
			}
			if watch {
				return a.watchRollout(ctx, c, args[0])
			}
			scene, err := c.scene(ctx, args[0])
			if err != nil {
				return err
			}
			t := a.terminal()
			_, err = fmt.Fprint(a.Out, view.Rollout(scene, t.width).Text(t.width, t.paint))
			return err
		},
	}
	rollout.Flags().BoolVarP(&watch, "watch", "w", false, "keep the picture up to date until interrupted")
	rollout.Flags().IntVar(&timeout, "timeout-seconds", 0, "stop watching after this many seconds; 0 never")
	get.AddCommand(rollout)
	return get
}

// limited is ctx with a time limit; 0 means none.
func limited(ctx context.Context, limit time.Duration) (context.Context, context.CancelFunc) {
	if limit <= 0 {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, limit)
}

// watchRollout redraws the picture in place. On an output that is no terminal each different picture
// is printed below the one before.
func (a *app) watchRollout(ctx context.Context, c *cluster, name string) error {
	ro, err := c.rollout(ctx, name)
	if err != nil {
		return err
	}
	var (
		scene view.Scene
		shown string
	)
	return live(ctx, c.changes(ctx, ro), func(fresh bool) (bool, error) {
		if fresh {
			now, err := c.scene(ctx, name)
			if err != nil {
				return ctx.Err() != nil, err
			}
			scene = now
		}
		scene.Now = time.Now()
		t := a.terminal()
		page := view.Rollout(scene, t.width)
		if t.width > 0 {
			_, err := fmt.Fprint(a.Out, t.redraw(page))
			return false, err
		}
		if !fresh {
			return false, nil
		}
		if text := page.Text(0, nil); text != shown {
			shown = text
			printLines(a.Out, text)
		}
		return false, nil
	})
}

func (a *app) why() *cobra.Command {
	return &cobra.Command{
		Use:   "why NAME",
		Short: "Show why a rollout stands where it does: its last decisions and what was measured",
		Args:  one("rollout"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.connect()
			if err != nil {
				return err
			}
			scene, err := c.scene(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			t := a.terminal()
			_, err = fmt.Fprint(a.Out, view.Why(scene, t.width).Text(t.width, t.paint))
			return err
		},
	}
}

func (a *app) list() *cobra.Command {
	list := &cobra.Command{Use: "list", Short: "List rollouts"}
	var all bool
	rollouts := &cobra.Command{
		Use:     "rollouts",
		Aliases: []string{"ro", "rollout"},
		Short:   "List the rollouts of a namespace",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.connect()
			if err != nil {
				return err
			}
			if all {
				c.namespace = ""
			}
			var found api.RolloutList
			if err := c.listed(c.List(cmd.Context(), &found, client.InNamespace(c.namespace)), &found); err != nil {
				return err
			}
			if len(found.Items) == 0 {
				where := "in namespace " + c.namespace
				if all {
					where = "in any namespace"
				}
				printLines(a.Err, "there are no rollouts "+where)
				return nil
			}
			t := a.terminal()
			_, err = fmt.Fprint(a.Out, view.List(found.Items, all).Text(t.width, t.paint))
			return err
		},
	}
	rollouts.Flags().BoolVarP(&all, "all-namespaces", "A", false, "list the rollouts of all namespaces")
	list.AddCommand(rollouts)
	return list
}
