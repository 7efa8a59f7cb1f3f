package command

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"sluice.dev/sluice/internal/load/vu"
)

const (
	// glance is how often the start file is looked at.
	glance = 20 * time.Millisecond
	// lateStart is how long ago a start may have been: what was due since then is sent late.
	lateStart = time.Second
	// maxStart bounds how much of a start file is read.
	maxStart = 256
)

// barrier holds all sides until they are ready and somebody says when to start.
type barrier struct {
	ready chan struct{}
	// open is closed when at is set.
	open chan struct{}
	at   time.Time
}

func newBarrier() *barrier { return &barrier{ready: make(chan struct{}), open: make(chan struct{})} }

// wait is what a side does after its before flow.
func (b *barrier) wait(ctx context.Context) (time.Time, error) {
	select {
	case b.ready <- struct{}{}:
	case <-ctx.Done():
		return time.Time{}, context.Cause(ctx)
	}
	select {
	case <-b.open:
		return b.at, nil
	case <-ctx.Done():
		return time.Time{}, context.Cause(ctx)
	}
}

// begin starts all sides and lets them send at the same moment. It returns why
// the run cannot start, or "".
func (s *session) begin(ctx context.Context) (stopped stop, why string) {
	b := newBarrier()
	for i, side := range s.sides {
		c := vu.Config{Share: s.plan.part(), Seed: s.seed, Tags: s.plan.tags, Begin: b.wait}
		if i == 0 {
			c.Log = s.log
		}
		side.start(ctx, c)
	}
	if stopped, why = s.prepared(b); why != "" {
		return stopped, why
	}
	if err := s.isReady(); err != nil {
		return stop{}, err.Error()
	}
	at, stopped, why := s.startTime()
	if why != "" {
		return stopped, why
	}
	s.started, s.cpu, b.at = at, processorTime(), at
	s.periodFrom, s.secondFrom, s.beatFrom, s.draftedAt = at, at, at, at
	close(b.open)
	return stop{}, ""
}

// prepared waits for the before flows. That of the stable version may fail:
// then there is nothing to compare with.
func (s *session) prepared(b *barrier) (stopped stop, why string) {
	deadline := time.NewTimer(s.flags.waitForUsers)
	defer deadline.Stop()
	for range s.sides {
		select {
		case <-b.ready:
		case pace := <-s.sides[0].done:
			if pace.Err == nil {
				return stop{}, "nothing was sent"
			}
			return stop{}, pace.Err.Error()
		case pace := <-s.second():
			s.sides[1].finish(pace)
		case sig := <-s.env.Signals:
			stopped = stopOf(sig)
			return stopped, fmt.Sprintf("stopped by %s before anything was sent", stopped.word)
		case <-deadline.C:
			return stop{}, fmt.Sprintf("the before flow did not end within %s", s.flags.waitForUsers)
		}
	}
	return stop{}, ""
}

// isReady tells by a file that the run waits for nothing but its start.
func (s *session) isReady() error {
	if s.flags.readyFile == "" {
		return nil
	}
	if err := os.WriteFile(s.flags.readyFile, []byte(time.Now().UTC().Format(time.RFC3339Nano)+"\n"), 0o644); err != nil { //nolint:gosec // others are to read it
		return fmt.Errorf("saying that the generator is ready: %w", err)
	}
	return nil
}

// newReady asks for the file of --ready-file. It is what a probe runs: an image without a shell has nothing else to.
func newReady() *cobra.Command {
	return &cobra.Command{
		Use:   "ready FILE",
		Short: "Exit with 0 when a generator has written FILE, its --ready-file",
		Args:  cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if _, err := os.Stat(args[0]); err != nil {
				return exit(exitFailed)
			}
			return nil
		},
	}
}

// startTime is now, or what the start file says.
func (s *session) startTime() (at time.Time, stopped stop, why string) {
	if s.flags.startFile == "" {
		return time.Now(), stop{}, ""
	}
	ticker := time.NewTicker(glance)
	defer ticker.Stop()
	deadline := time.NewTimer(s.flags.startWithin)
	defer deadline.Stop()
	for {
		at, why = readStart(s.flags.startFile)
		if why == "" {
			return startOf(at, time.Now())
		}
		select {
		case sig := <-s.env.Signals:
			stopped = stopOf(sig)
			return at, stopped, fmt.Sprintf("stopped by %s while it waited for its start", stopped.word)
		case <-deadline.C:
			return at, stop{}, fmt.Sprintf("nobody said within %s when to start: %s", s.flags.startWithin, why)
		case <-ticker.C:
		}
	}
}

// readStart reads the start; why says what keeps it from being one.
func readStart(file string) (at time.Time, why string) {
	data, err := readFile(file, "the start file", maxStart)
	if err != nil {
		return at, err.Error()
	}
	text := string(bytes.TrimSpace(data))
	if text == "" {
		return at, "the start file " + file + " is empty"
	}
	at, err = time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return at, fmt.Sprintf("the start file %s holds %q, which is not a time such as 2026-08-06T13:27:30.5Z", file, text)
	}
	return at, ""
}

// startOf puts a wall time on this process's own clock, which later changes of
// the wall clock do not move.
func startOf(at, now time.Time) (time.Time, stop, string) {
	wait := at.Sub(now.Round(0))
	if wait < -lateStart {
		return at, stop{}, fmt.Sprintf("the start was %s ago when this generator came to read it", -wait.Round(time.Millisecond))
	}
	return now.Add(wait), stop{}, ""
}
