package localkube

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// startTimeout is for one program on a machine that compiles beside it.
const startTimeout = 90 * time.Second

// group runs programs that live and die together: when one ends, the group's
// context ends with the reason.
type group struct {
	logs    string // directory of one log file per program
	env     []string
	cancel  context.CancelCauseFunc
	members []*member
}

type member struct {
	name string
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended
}

// newGroup returns a group and the context that ends when one of its programs does.
func newGroup(ctx context.Context, logs string, env []string) (context.Context, *group, error) {
	if err := os.MkdirAll(logs, 0o755); err != nil {
		return nil, nil, fmt.Errorf("making the log directory: %w", err)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	return ctx, &group{logs: logs, env: env, cancel: cancel}, nil
}

// start runs a program and does not wait for it.
func (g *group) start(name string, argv ...string) error {
	log, err := os.Create(filepath.Join(g.logs, name+".log"))
	if err != nil {
		return fmt.Errorf("starting %s: %w", name, err)
	}
	defer log.Close()
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env, cmd.Stdout, cmd.Stderr = g.env, log, log
	cmd.SysProcAttr = childAttributes()
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("starting %s: %w", name, err)
	}
	m := &member{name: name, cmd: cmd, done: make(chan struct{})}
	g.members = append(g.members, m)
	go func() {
		err := cmd.Wait()
		close(m.done)
		g.cancel(fmt.Errorf("%s ended (%v):\n%s", name, exitReason(err), tail(log.Name(), 5)))
	}()
	return nil
}

// kill ends the programs without letting them finish anything.
func (g *group) kill() {
	for _, m := range g.members {
		_ = m.cmd.Process.Kill() // it may have ended already
	}
	for _, m := range g.members {
		<-m.done
	}
}

func exitReason(err error) string {
	if err == nil {
		return "exit status 0"
	}
	return err.Error()
}

// tail returns the last lines of a log for an error message.
func tail(path string, lines int) string {
	data, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	all := bytes.Split(bytes.TrimSpace(data), []byte("\n"))
	all = all[max(0, len(all)-lines):]
	return string(bytes.Join(all, []byte("\n"))) + "\n(" + path + ")"
}

// poll calls f until it succeeds, the context ends or the time is up; the error
// then says what was waited for and what was last wrong.
func poll(ctx context.Context, what string, timeout time.Duration, f func(context.Context) error) error {
	limit, cancel := context.WithTimeoutCause(ctx, timeout, fmt.Errorf("no success within %s", timeout))
	defer cancel()
	tick := time.NewTicker(25 * time.Millisecond)
	defer tick.Stop()
	for {
		err := f(limit)
		if err == nil {
			return nil
		}
		select {
		case <-limit.Done():
			return fmt.Errorf("waiting for %s: %w (%w)", what, context.Cause(limit), err)
		case <-tick.C:
		}
	}
}

// run runs a program to its end; the error holds what it printed.
func run(env []string, argv ...string) error {
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env = env
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w: %s", strings.Join(argv, " "), err, bytes.TrimSpace(out))
	}
	return nil
}

// withoutProxies drops the variables that would send cluster traffic to a proxy.
func withoutProxies(environ []string) []string {
	var kept []string
	for _, e := range environ {
		name, _, _ := strings.Cut(e, "=")
		if !strings.HasSuffix(strings.ToLower(name), "_proxy") {
			kept = append(kept, e)
		}
	}
	return kept
}
