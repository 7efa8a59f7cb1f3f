package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"sluice.dev/sluice/test/localkube"
)

type command func(context.Context, localkube.Cluster, invocation) error

var commands = map[string]command{
	"up":                 up,
	"down":               down,
	"status":             status,
	"kubeconfig":         kubeconfig,
	"exec":               execute,
	"load":               load,
	"packages":           packages,
	"control-plane up":   planeUp,
	"control-plane down": planeDown,
	planeRun:             runPlane,
}

func up(ctx context.Context, c localkube.Cluster, in invocation) error {
	if in.withParent {
		return upWithParent(ctx, c)
	}
	start := time.Now()
	if err := c.Up(ctx, localkube.Options{Progress: os.Stderr}); err != nil {
		return err
	}
	fmt.Printf("cluster %s is up (%.1f s)\nexport KUBECONFIG=%s\n", c.Name, time.Since(start).Seconds(), c.Kubeconfig())
	return nil
}

// upWithParent stays until standard input ends, then brings the cluster down. The
// cluster has a lifeline to this process, in case nobody lets it do so.
func upWithParent(ctx context.Context, c localkube.Cluster) (err error) {
	ctx, cancel := withStdin(ctx)
	defer cancel()
	lifeline, held, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("making a pipe: %w", err)
	}
	defer held.Close()
	defer lifeline.Close()
	if err := c.Up(ctx, localkube.Options{Progress: os.Stderr, Lifeline: lifeline}); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Down(context.WithoutCancel(ctx))) }()
	state, err := c.Status(ctx)
	if err != nil {
		return err
	}
	if err := printJSON(state); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

func down(ctx context.Context, c localkube.Cluster, in invocation) error {
	if in.purge {
		return c.Purge(ctx)
	}
	return c.Down(ctx)
}

func status(ctx context.Context, c localkube.Cluster, in invocation) error {
	s, err := c.Status(ctx)
	if err != nil {
		return fmt.Errorf("cluster %s: %w", c.Name, err)
	}
	if in.json {
		if err := printJSON(s); err != nil {
			return err
		}
	} else {
		fmt.Printf("cluster %s in %s\n  API server  %s\n  node        %s %s (this machine is %s)\n  pods        %s\n  services    %s, DNS %s\n  kubeconfig  %s\n",
			s.Name, s.Dir, s.Server, s.NodeName, s.NodeIP, s.HostIP, s.PodCIDR, s.Services, s.DNS, s.Kubeconfig)
	}
	if s.Problem != "" {
		return fmt.Errorf("cluster %s is not ready: %s", c.Name, s.Problem)
	}
	return nil
}

func kubeconfig(_ context.Context, c localkube.Cluster, _ invocation) error {
	_, err := fmt.Println(c.Kubeconfig())
	return err
}

func execute(ctx context.Context, c localkube.Cluster, in invocation) error {
	cmd, err := c.Command(ctx, in.args[0], in.args[1:]...)
	if err != nil {
		return err
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	err = cmd.Run()
	var exited *exec.ExitError
	if errors.As(err, &exited) {
		return commandEnded{exited}
	}
	return err
}

// commandEnded is the failure of a command the user gave, whose exit code becomes
// this program's.
type commandEnded struct{ *exec.ExitError }

func load(ctx context.Context, c localkube.Cluster, in invocation) error {
	return c.Load(ctx, os.Stdout, in.args...)
}

func packages(ctx context.Context, c localkube.Cluster, in invocation) error {
	return c.FetchPackages(ctx, os.Stderr, in.args...)
}

// planeRun is how the program calls itself to stay behind with a control plane.
const planeRun = "control-plane @run"

// planeDir is beside the directories of whole clusters: both use the same file names.
func planeDir(c localkube.Cluster, in invocation) string {
	if in.dir != "" {
		return c.Dir
	}
	return filepath.Join(c.Cache, "control-planes", c.Name)
}

func runPlane(ctx context.Context, c localkube.Cluster, in invocation) error {
	o := localkube.PlaneOptions{Dir: c.Dir, ControllerManager: in.controllers}
	return c.RunPlane(ctx, o, func(p localkube.Plane) error { return printJSON(p) })
}

func planeUp(ctx context.Context, c localkube.Cluster, in invocation) error {
	if !in.withParent {
		dir := planeDir(c, in)
		p, err := localkube.FindPlane(dir)
		if errors.Is(err, localkube.ErrNotRunning) {
			return detachPlane(c, dir, in.controllers)
		}
		if err != nil {
			return err
		}
		return printJSON(p)
	}
	ctx, cancel := withStdin(ctx)
	defer cancel()
	if in.dir == "" {
		dir, err := os.MkdirTemp("", "localkube-")
		if err != nil {
			return fmt.Errorf("making a directory for the control plane: %w", err)
		}
		defer os.RemoveAll(dir)
		c.Dir = dir
	}
	return runPlane(ctx, c, in)
}

// detachPlane starts this program again, without a terminal, and returns when it
// has said that it is ready.
func detachPlane(c localkube.Cluster, dir string, controllers bool) error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("locating this program: %w", err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("making the control plane's directory: %w", err)
	}
	log, err := os.Create(filepath.Join(dir, "control-plane.log"))
	if err != nil {
		return fmt.Errorf("making the control plane's log: %w", err)
	}
	defer log.Close()
	cmd := exec.Command(self, "control-plane", "@run", "--name", c.Name, "--dir", dir, "--cache", c.Cache)
	if controllers {
		cmd.Args = append(cmd.Args, "--controller-manager")
	}
	cmd.Stderr = log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return fmt.Errorf("starting the control plane: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("starting the control plane: %w", err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		_ = cmd.Wait() // its log says more than its exit status
		said, _ := os.ReadFile(log.Name())
		return fmt.Errorf("starting the control plane: %s", said)
	}
	_, err = fmt.Print(line)
	return err
}

func planeDown(ctx context.Context, c localkube.Cluster, in invocation) error {
	return localkube.StopPlane(ctx, planeDir(c, in))
}

func printJSON(v any) error {
	return json.NewEncoder(os.Stdout).Encode(v)
}
