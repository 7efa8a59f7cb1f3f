package localkube

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// File descriptors PID 1 of a cluster starts with.
const (
	fdGo       = 3 + iota // ends when the network is in place
	fdReady               // "ok" when the cluster is ready, end without when it failed
	fdLock                // the lock on the directory, held as long as the namespace lives
	fdLifeline            // ends with whom the cluster is tied to, if anybody
)

// readyWord is what the node writes to fdReady.
const readyWord = "ok"

// space is a cluster's namespaces while they are being set up.
type space struct {
	pid   int
	goOn  *os.File // closing it lets PID 1 continue
	ready *os.File
}

// spawn starts PID 1 in new namespaces. It waits for goOn to be closed before it
// does anything.
func (c Cluster) spawn(lock, lifeline *os.File) (space, error) {
	log, err := c.createLog()
	if err != nil {
		return space{}, err
	}
	defer log.Close()
	var goOn, ready pipe
	if err := errors.Join(goOn.open(), ready.open()); err != nil {
		return space{}, fmt.Errorf("making pipes: %w", err)
	}
	cmd := exec.Command("/proc/self/exe", InitCommand, c.Dir)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.ExtraFiles = []*os.File{goOn.r, ready.w, lock}
	if lifeline != nil {
		cmd.Args = append(cmd.Args, tiedArgument)
		cmd.ExtraFiles = append(cmd.ExtraFiles, lifeline)
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Setsid:     true,
		Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWNET,
	}
	err = cmd.Start()
	closeAll(goOn.r, ready.w)
	if err != nil {
		closeAll(goOn.w, ready.r)
		return space{}, fmt.Errorf("%w: making namespaces: %w", ErrUnsupported, err)
	}
	go func() { _ = cmd.Wait() }() // reaps it; why it ended is in its log
	return space{pid: cmd.Process.Pid, goOn: goOn.w, ready: ready.r}, nil
}

func (c Cluster) createLog() (*os.File, error) {
	if err := os.MkdirAll(c.path("log"), 0o755); err != nil {
		return nil, fmt.Errorf("making the log directory: %w", err)
	}
	log, err := os.Create(c.logFile("localkube"))
	if err != nil {
		return nil, fmt.Errorf("making the cluster's log: %w", err)
	}
	return log, nil
}

type pipe struct{ r, w *os.File }

func (p *pipe) open() (err error) {
	p.r, p.w, err = os.Pipe()
	return err
}

func closeAll(files ...*os.File) {
	for _, f := range files {
		_ = f.Close() // pipes: nothing is lost
	}
}

// awaitReady waits for the node to say that the cluster is ready.
func (s space) awaitReady(ctx context.Context) error {
	defer s.ready.Close()
	stop := context.AfterFunc(ctx, func() { _ = s.ready.SetReadDeadline(time.Now()) })
	defer stop()
	word, err := io.ReadAll(s.ready)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err != nil || string(word) != readyWord {
		return errors.New("the cluster did not become ready")
	}
	return nil
}

// RunInit is PID 1 of the cluster's namespaces. It makes the mounts, starts the
// node and reaps orphans. When it ends, the kernel ends everything else.
func RunInit(dir string, tied bool) error {
	for fd := fdGo; fd <= fdLifeline; fd++ {
		syscall.CloseOnExec(fd) // inherited without; a component would hold them open
	}
	if _, err := io.ReadAll(os.NewFile(fdGo, "go")); err != nil {
		return fmt.Errorf("waiting for the network: %w", err)
	}
	if tied {
		go func() {
			// It ends when the other side does; what is read or why does not matter.
			_, _ = io.Copy(io.Discard, os.NewFile(fdLifeline, "lifeline"))
			os.Exit(0)
		}()
	}
	if err := mountPrivate(dir); err != nil {
		return err
	}
	ready := os.NewFile(fdReady, "ready")
	node := exec.Command("/proc/self/exe", NodeCommand, dir)
	node.Stdout, node.Stderr = os.Stdout, os.Stderr
	node.ExtraFiles = []*os.File{ready}
	if err := node.Start(); err != nil {
		return fmt.Errorf("starting the node: %w", err)
	}
	closeAll(ready)
	return reap(node.Process.Pid)
}

// reap collects orphans until the node ends.
func reap(node int) error {
	children := make(chan os.Signal, 16)
	signal.Notify(children, syscall.SIGCHLD)
	for range children {
		for {
			var status syscall.WaitStatus
			pid, err := syscall.Wait4(-1, &status, syscall.WNOHANG, nil)
			if pid == node {
				return fmt.Errorf("the node ended, exit status %d", status.ExitStatus())
			}
			if pid <= 0 || err != nil {
				break
			}
		}
	}
	return nil
}

// mountPrivate gives the namespace a /proc, /var and /run of its own, so that
// every default path of containerd and the kubelet is the cluster's.
func mountPrivate(dir string) error {
	for _, sub := range []string{"lib/kubelet", "lib/cni", "lib/containerd", "lib/etcd", "log/pods", "log/containers", "tmp"} {
		if err := os.MkdirAll(filepath.Join(dir, "var", sub), 0o755); err != nil {
			return fmt.Errorf("making the cluster's /var: %w", err)
		}
	}
	if err := os.Symlink("/run", filepath.Join(dir, "var", "run")); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("making the cluster's /var: %w", err)
	}
	resolver, err := filepath.EvalSymlinks("/etc/resolv.conf")
	if errors.Is(err, fs.ErrNotExist) {
		resolver, err = "", nil // programs then ask this machine itself, where nobody answers
	}
	if err != nil {
		return fmt.Errorf("locating resolv.conf: %w", err)
	}
	mounts := []struct {
		source, target, kind string
		flags                uintptr
		data                 string
	}{
		{"", "/", "", syscall.MS_REC | syscall.MS_PRIVATE, ""},
		{"proc", "/proc", "proc", 0, ""},
		{filepath.Join(dir, "var"), "/var", "", syscall.MS_BIND, ""},
		{"tmpfs", "/run", "tmpfs", 0, "mode=755"},
	}
	for _, m := range mounts {
		if err := syscall.Mount(m.source, m.target, m.kind, m.flags, m.data); err != nil {
			return fmt.Errorf("mounting %s: %w", m.target, err)
		}
	}
	return maskResolver(resolver)
}

// maskResolver replaces resolv.conf: asking for a registry must fail at once
// instead of after the time-outs of a name server that cannot be reached.
func maskResolver(path string) error {
	if path == "" {
		return nil
	}
	data, err := render("resolv.conf", settings{})
	if err != nil {
		return err
	}
	const private = "/run/localkube-resolv.conf"
	if strings.HasPrefix(path, "/run/") || strings.HasPrefix(path, "/var/") {
		return writeFile(path, data, 0o644) // its place is the cluster's own already
	}
	if err := writeFile(private, data, 0o644); err != nil {
		return err
	}
	if err := syscall.Mount(private, path, "", syscall.MS_BIND, ""); err != nil {
		return fmt.Errorf("mounting %s: %w", path, err)
	}
	return nil
}
