// Command demo tells the user's own story on a real cluster: a good version is promoted, a bad one
// is rolled back, and the numbers of a load test and of signed AMP queries decide which is which.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"sluice.dev/sluice/test/stage"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	root, err := filepath.Abs(".")
	if err != nil {
		return err
	}
	o := stage.Options{
		Root: root, Name: "demo", Log: os.Stdout,
		Existing: os.Getenv("DEMO_CLUSTER") == "existing",
		Registry: os.Getenv("DEMO_REGISTRY"), Load: os.Getenv("DEMO_LOAD"),
	}
	switch {
	case len(args) == 1 && args[0] == "up":
		return tell(ctx, o)
	case len(args) == 1 && args[0] == "down":
		return stage.Down(ctx, o)
	}
	return fmt.Errorf("usage: demo up|down (from the root of the repository)")
}

// tell plays the story from an empty cluster to its end and sums it up.
func tell(ctx context.Context, o stage.Options) error {
	started := time.Now()
	t := &teller{out: os.Stdout, started: started}
	t.chapter("A real cluster")
	s, err := stage.Up(ctx, o)
	if err != nil {
		return err
	}
	t.line("%s answers", s.Config.Host)
	t.line("installing the definitions, the controller, Prometheus and an AMP stand-in that verifies SigV4")
	if err := s.Install(ctx); err != nil {
		return err
	}
	t.stage = s
	end := t.play(ctx)
	t.summary(end)
	if end.err != nil {
		return end.err
	}
	t.lookAround()
	return nil
}
