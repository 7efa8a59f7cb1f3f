package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// startOn starts a command whose threads may run on one processor only; any when cpu is negative.
func (b *bench) startOn(cpu int, cmd *exec.Cmd) error {
	if cpu < 0 {
		return cmd.Start()
	}
	// A child inherits what its parent's thread may use.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var before, one unix.CPUSet
	if err := unix.SchedGetaffinity(0, &before); err != nil {
		return err
	}
	one.Set(cpu)
	if err := unix.SchedSetaffinity(0, &one); err != nil {
		return err
	}
	err := cmd.Start()
	if restored := unix.SchedSetaffinity(0, &before); err == nil {
		err = restored
	}
	return err
}

// spent is what a process used.
type spent struct {
	CPU    time.Duration
	Took   time.Duration
	MaxRSS int64 // bytes
	Code   int
}

// run runs a command on the generator's processor to its end. An exit code is no error.
func (b *bench) run(cmd *exec.Cmd) (spent, error) {
	return b.runOn(b.clientCPU, cmd)
}

func (b *bench) runOn(cpu int, cmd *exec.Cmd) (spent, error) {
	began := time.Now()
	if err := b.startOn(cpu, cmd); err != nil {
		return spent{}, err
	}
	err := cmd.Wait()
	out := spent{Took: time.Since(began)}
	if state := cmd.ProcessState; state != nil {
		out.CPU, out.Code = state.UserTime()+state.SystemTime(), state.ExitCode()
		if usage, ok := state.SysUsage().(*syscall.Rusage); ok {
			out.MaxRSS = usage.Maxrss << 10
		}
		if state.Exited() {
			err = nil
		}
	}
	return out, err
}

// script writes a script into the bench's directory.
func (b *bench) script(name, text string) (string, error) {
	path := filepath.Join(b.dir, name)
	return path, os.WriteFile(path, []byte(text), 0o600)
}

// generator is a command line of sluice-load whose result goes to a file of its own.
func (b *bench) generator(result string, args ...string) *exec.Cmd {
	cmd := exec.Command(b.sluiceLoad, args...)
	cmd.Env = append(os.Environ(), "SLUICE_TERMINATION_LOG="+result)
	if b.verbose {
		cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	}
	return cmd
}

// environ drops what would change how a tool behaves.
func environ(add ...string) []string {
	var out []string
	for _, e := range os.Environ() {
		if !strings.HasPrefix(e, "GOMAXPROCS=") && !strings.HasPrefix(e, "GOGC=") {
			out = append(out, e)
		}
	}
	return append(out, add...)
}
