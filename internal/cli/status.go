package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"sigs.k8s.io/controller-runtime/pkg/client"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/view"
)

func (a *app) status() *cobra.Command {
	var (
		watch   bool
		timeout time.Duration
	)
	cmd := &cobra.Command{
		Use:   "status [rollout|analysisrun] NAME",
		Short: "Wait until a rollout is Healthy or Degraded, or an analysis run is over",
		Long: `Wait until a rollout is Healthy or Degraded, or until an analysis run is over, printing each change of
its state. A name alone is that of a rollout.

A rollout that an inconclusive analysis has paused is waited for as well, since somebody may resume or
promote it: why it is paused, and what to do about it, stands at once on standard error.

Exit code: 0 Healthy, Successful · 1 Degraded, Failed, Error, Inconclusive
           2 it could not be read · 3 timed out
           4 with --watch=false: Progressing, Paused, Pending, Running`,
		Example: "  sluice status shop --timeout 10m\n  sluice status analysisrun smoke --timeout 5m",
		Args:    oneOfEither, ValidArgsFunction: a.completeEither,
		RunE: func(cmd *cobra.Command, args []string) error {
			asked, err := either(cmd, args)
			if err != nil {
				return err
			}
			c, err := a.connect()
			if err != nil {
				return err
			}
			ctx, cancel := cmd.Context(), context.CancelFunc(func() {})
			if watch {
				ctx, cancel = limited(ctx, timeout)
			}
			defer cancel()
			if asked.kind == runs {
				return await(ctx, a, c, awaited[*api.AnalysisRun]{asked, &api.AnalysisRunList{}, c.run, runState}, watch)
			}
			return await(ctx, a, c, awaited[*api.Rollout]{asked, &api.RolloutList{}, c.rollout, state}, watch)
		},
	}
	cmd.Flags().BoolVarP(&watch, "watch", "w", true, "wait for the end; false prints the state as it is")
	cmd.Flags().DurationVarP(&timeout, "timeout", "t", 0, "give up after this long; 0 never")
	return cmd
}

// awaited is an object to wait for: how it is read, and how its state is told.
type awaited[T client.Object] struct {
	target
	list  client.ObjectList
	read  func(context.Context, string) (T, error)
	state func(T) standing
}

// standing is how an object stands: in a line, what a person has to know and do about it, whether that is
// the end, and what that makes the exit code.
type standing struct {
	text   string
	advice []string
	over   bool
	code   int
}

// verdict is the exit code of a standing that was printed already.
func (s standing) verdict() error {
	if s.code == ExitOK {
		return nil
	}
	return &exit{code: s.code}
}

// await prints the states of an object until the last.
func await[T client.Object](ctx context.Context, a *app, c *cluster, w awaited[T], watch bool) error {
	if !watch {
		object, err := w.read(ctx, w.name)
		if err != nil {
			return err
		}
		s := w.state(object)
		printLines(a.Out, s.text)
		printLines(a.Err, s.advice...)
		return s.verdict()
	}
	changes := make(chan struct{}, 1)
	go c.follow(ctx, changes, w.list, c.only(w.name)...)
	last, told, advice := "", false, []string(nil)
	read := func(ctx context.Context) (T, error) { return w.read(ctx, w.name) }
	err := live(ctx, changes, read, func(object T, now outlook) (bool, error) {
		if now.trouble != nil && !told {
			printLines(a.Err, fmt.Sprintf("no answer from the API server: %v; trying again", now.trouble))
		}
		told = now.trouble != nil
		s := w.state(object)
		if s.text != last {
			last = s.text
			printLines(a.Out, s.text)
		}
		if !slices.Equal(s.advice, advice) {
			advice = s.advice
			printLines(a.Err, s.advice...)
		}
		if s.over {
			return true, s.verdict()
		}
		return false, nil
	})
	return cut(ctx, w.target, last, err)
}

// cut is the error of a wait that ctx has ended before its time, and err otherwise.
func cut(ctx context.Context, of target, last string, err error) error {
	switch {
	case ctx.Err() == nil:
		return err
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		if last == "" {
			return &exit{ExitTimeout, fmt.Sprintf("timed out before %s %s could be read", of.kind.name, of.name)}
		}
		return &exit{ExitTimeout, fmt.Sprintf("timed out waiting for %s %s, which is %s", of.kind.name, of.name, last)}
	case err == nil:
		return &exit{ExitFailed, "interrupted"}
	}
	return err
}

// state is phase and message in one line, as clients of the reference print them.
func state(ro *api.Rollout) standing {
	phase, message := view.Phase(ro)
	s := standing{text: line(string(phase), message)}
	switch phase {
	case api.RolloutPhaseHealthy:
		s.over = true
	case api.RolloutPhaseDegraded:
		s.over, s.code = true, ExitNo
	case api.RolloutPhaseProgressing, api.RolloutPhasePaused:
		s.code = ExitUnfinished
	default:
		s.code = ExitFailed
	}
	if doubt := view.Doubt(ro); doubt != "" && !s.over {
		s.advice = []string{doubt, "waiting for: " + view.Waiting(view.Scene{Rollout: ro})}
	}
	return s
}

// runState is the same for an analysis run.
func runState(run *api.AnalysisRun) standing {
	phase := run.Status.Phase
	if phase == "" { // nobody has looked at it yet
		phase = api.AnalysisPhasePending
	}
	s := standing{text: line(string(phase), run.Status.Message), over: phase.Completed(), code: ExitNo}
	switch {
	case phase == api.AnalysisPhaseSuccessful:
		s.code = ExitOK
	case !s.over:
		s.code = ExitUnfinished
	}
	return s
}

func line(phase, message string) string {
	if message == "" {
		return phase
	}
	return phase + " - " + message
}
