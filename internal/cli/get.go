package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"
	batchv1 "k8s.io/api/batch/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/view"
)

func (a *app) get() *cobra.Command {
	return group("get", "Show a rollout, an analysis run or an experiment, live if you like", a.getRollout(), a.getRun(), a.getExperiment())
}

// looking are the flags of commands that show an object.
type looking struct {
	format
	watch   bool
	timeout int
}

func (a *app) lookingFlags(cmd *cobra.Command, l *looking) {
	a.formatFlags(cmd, &l.format)
	cmd.Flags().BoolVarP(&l.watch, "watch", "w", false, "keep the picture up to date until interrupted")
	cmd.Flags().IntVar(&l.timeout, "timeout-seconds", 0, "stop watching after this many seconds; 0 never")
}

func (a *app) getRollout() *cobra.Command {
	var l looking
	cmd := &cobra.Command{
		Use:     "rollout NAME",
		Aliases: []string{"ro", "rollouts"},
		Short:   "Show a rollout: where it stands, what it waits for, its analysis, its pods",
		Long: `Show a rollout: where it stands, what it waits for, its analysis metric by metric, its revisions and pods.

Icons: ✔ well · ✖ bad · ⚠ error · ◌ in progress · ◷ pending · ॥ paused · • neutral · ? undecided · » step skipped by hand
       ⟳ rollout · # revision · ⧉ ReplicaSet · □ pod · α analysis run · ⊞ Job · Σ experiment`,
		Example:           "  sluice get rollout shop\n  sluice get rollout shop --watch\n  sluice get rollout shop -o yaml",
		Args:              one(rollouts),
		ValidArgsFunction: a.completeOne(rollouts),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.look(cmd, args, &l, rollouts, func(ctx context.Context, c *cluster, name string) error {
				if l.watch {
					return a.watchRollout(ctx, c, name, l.wide())
				}
				scene, err := c.scene(ctx, name)
				if err != nil {
					return err
				}
				scene.Wide = l.wide()
				return a.print(func(t terminal) view.Page { return view.Rollout(scene, t.width) })
			})
		},
	}
	a.lookingFlags(cmd, &l)
	return cmd
}

func (a *app) getRun() *cobra.Command {
	var l looking
	cmd := &cobra.Command{
		Use:     "analysisrun NAME",
		Aliases: []string{"ar", "analysisruns"},
		Short:   "Show an analysis run: its metrics against their limits, and what was measured",
		Long: `Show an analysis run: its metrics against their limits, and what was measured.

With --watch the picture is kept up to date until interrupted, also when the run is over. To wait for
the end of a run use: sluice status analysisrun NAME`,
		Example:           "  sluice get analysisrun shop-6b54fd8b9c-2-2 --watch",
		Args:              one(runs),
		ValidArgsFunction: a.completeOne(runs),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.look(cmd, args, &l, runs, func(ctx context.Context, c *cluster, name string) error {
				if l.watch {
					return a.watchRun(ctx, c, name)
				}
				scene, err := c.runScene(ctx, name)
				if err != nil {
					return err
				}
				return a.print(func(t terminal) view.Page { return view.Run(scene, t.width) })
			})
		},
	}
	a.lookingFlags(cmd, &l)
	return cmd
}

// look shows an object as the API has it, or hands over to picture.
func (a *app) look(cmd *cobra.Command, args []string, l *looking, k kind, picture func(context.Context, *cluster, string) error) error {
	names, err := k.names(cmd, args)
	if err != nil {
		return err
	}
	if err := l.check(); err != nil {
		return err
	}
	name := names[0]
	ctx, cancel := limited(cmd.Context(), time.Duration(l.timeout)*time.Second)
	defer cancel()
	c, err := a.connect()
	switch {
	case err != nil:
		return err
	case !l.raw():
		return picture(ctx, c, name)
	case l.watch:
		return a.stream(ctx, c, l.format, k, name)
	}
	object, err := c.object(ctx, k, name)
	if err != nil {
		return err
	}
	return l.print(a.Out, k, object, true)
}

// stream prints an object each time it has changed.
func (a *app) stream(ctx context.Context, c *cluster, f format, k kind, name string) error {
	changes := make(chan struct{}, 1)
	list := &unstructured.UnstructuredList{}
	list.SetGroupVersionKind(k.gvk.GroupVersion().WithKind(k.gvk.Kind + "List"))
	go c.follow(ctx, changes, list, c.only(name)...)
	version := ""
	read := func(ctx context.Context) (*unstructured.Unstructured, error) { return c.object(ctx, k, name) }
	return live(ctx, changes, read, func(object *unstructured.Unstructured, now outlook) (bool, error) {
		if !now.fresh || object.GetResourceVersion() == version {
			return false, nil
		}
		first := version == ""
		version = object.GetResourceVersion()
		return false, f.print(a.Out, k, object, first)
	})
}

// limited is ctx with a time limit; 0 means none.
func limited(ctx context.Context, limit time.Duration) (context.Context, context.CancelFunc) {
	if limit <= 0 {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, limit)
}

// watchRollout shows a rollout until ctx ends.
func (a *app) watchRollout(ctx context.Context, c *cluster, name string, wide bool) error {
	ro, err := c.rollout(ctx, name)
	if err != nil {
		return err
	}
	read := func(ctx context.Context) (view.Scene, error) { return c.scene(ctx, name) }
	return watchPicture(ctx, a, c.changes(ctx, ro), read, moving[view.Scene]{draw: func(scene view.Scene, t terminal, now time.Time) view.Page {
		scene.Now, scene.Wide = now, wide
		return view.Fitted(scene, t.width, t.height)
	}})
}

// watchRun shows an analysis run until ctx ends, also when the run is over, as kubectl does.
func (a *app) watchRun(ctx context.Context, c *cluster, name string) error {
	return a.showRun(ctx, c, name, func(*api.AnalysisRun) bool { return false })
}

// showRun shows an analysis run until it is over or ctx ends.
func (a *app) showRun(ctx context.Context, c *cluster, name string, over func(*api.AnalysisRun) bool) error {
	run, err := c.run(ctx, name)
	if err != nil {
		return err
	}
	read := func(ctx context.Context) (view.RunScene, error) { return c.runScene(ctx, name) }
	return watchPicture(ctx, a, c.runChanges(ctx, run), read, moving[view.RunScene]{
		draw: func(scene view.RunScene, t terminal, now time.Time) view.Page {
			scene.Now = now
			return view.Run(scene, t.width)
		},
		over: func(scene view.RunScene) bool { return over(scene.Run) },
	})
}

// moving is a picture that changes.
type moving[T any] struct {
	draw func(T, terminal, time.Time) view.Page
	over func(T) bool // this is the last picture; nil when none is
}

// watchPicture shows what is read until ctx ends or it is over, and leaves the terminal as it was.
func watchPicture[T any](ctx context.Context, a *app, changes <-chan struct{}, read func(context.Context) (T, error), m moving[T]) (err error) {
	s := &screen{app: a}
	defer func() {
		if closing := s.close(); err == nil {
			err = closing
		}
	}()
	return live(ctx, changes, read, func(value T, now outlook) (bool, error) {
		over := m.over != nil && m.over(value)
		return over, s.show(func(t terminal, at time.Time) view.Page { return m.draw(value, t, at) }, now)
	})
}

// runScene reads an analysis run with its Jobs.
func (c *cluster) runScene(ctx context.Context, name string) (view.RunScene, error) {
	run, err := c.run(ctx, name)
	if err != nil {
		return view.RunScene{}, err
	}
	var jobs batchv1.JobList
	if err := c.List(ctx, &jobs, c.jobsOf(run)...); err != nil {
		return view.RunScene{}, c.listError(err, "jobs")
	}
	return view.RunScene{Run: run, Jobs: jobs.Items, Now: time.Now()}, nil
}

func (c *cluster) jobsOf(run *api.AnalysisRun) []client.ListOption {
	return []client.ListOption{client.InNamespace(c.namespace), client.MatchingLabels{api.LabelAnalysisRunUID: string(run.UID)}}
}
