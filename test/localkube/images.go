package localkube

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// ownImages are the archives every cluster needs, in the cache.
var ownImages = map[string]string{pauseImage: "pause.tar", dnsImage: "coredns.tar"}

// archives lists what `up` imports: the cluster's own images, and every archive
// somebody put into the directory "images" of the cluster.
func (c Cluster) archives() ([]string, error) {
	var paths []string
	for image, file := range ownImages {
		path := filepath.Join(c.Cache, "images", file)
		if _, err := os.Stat(path); err != nil {
			return nil, fmt.Errorf("the archive of %s is not built (make -C test/localkube): %w", image, err)
		}
		paths = append(paths, path)
	}
	added, err := filepath.Glob(c.path("images", "*.tar"))
	if err != nil {
		return nil, fmt.Errorf("listing image archives: %w", err)
	}
	return append(paths, added...), nil
}

// importImages imports archives from inside the cluster's namespaces.
func (c Cluster) importImages(paths []string) error {
	for _, path := range paths {
		if err := c.run("ctr", "--namespace", "k8s.io", "images", "import", path); err != nil {
			return fmt.Errorf("importing an image: %w", err)
		}
	}
	return nil
}

// Load imports image archives into a running cluster. Pods find them under the
// tags in the archives; a running pod keeps the image it started with.
func (c Cluster) Load(ctx context.Context, out io.Writer, paths ...string) error {
	for _, path := range paths {
		if err := c.loadOne(ctx, out, path); err != nil {
			return fmt.Errorf("loading %s: %w", path, err)
		}
	}
	return nil
}

// loadOne hands the archive over as a stream: its path may not exist inside.
func (c Cluster) loadOne(ctx context.Context, out io.Writer, path string) error {
	archive, err := os.Open(path)
	if err != nil {
		return err
	}
	defer archive.Close()
	cmd, err := c.Command(ctx, "ctr", "--namespace", "k8s.io", "images", "import", "-")
	if err != nil {
		return err
	}
	var problems strings.Builder
	cmd.Stdin, cmd.Stdout, cmd.Stderr = archive, out, &problems
	if err := cmd.Run(); err != nil {
		return errors.Join(err, errors.New(strings.TrimSpace(problems.String())))
	}
	return nil
}

// Command prepares a program to run inside the cluster's mount, network and
// process namespaces, with the cluster's search path and kubeconfig.
func (c Cluster) Command(ctx context.Context, name string, args ...string) (*exec.Cmd, error) {
	pid, err := c.initPID()
	if err != nil {
		return nil, err
	}
	nsenter, err := c.program("nsenter")
	if err != nil {
		return nil, err
	}
	enter := []string{"--target", fmt.Sprint(pid), "--mount", "--net", "--pid", "--", name}
	cmd := exec.CommandContext(ctx, nsenter, append(enter, args...)...)
	cmd.Env = append(c.environ(), "KUBECONFIG="+c.Kubeconfig())
	return cmd, nil
}

// initPID is the process ID of the cluster's PID 1. A stale record must not
// point at a stranger, so the command line is compared; a zombie has none.
func (c Cluster) initPID() (int, error) {
	r, err := c.readRecord()
	if errors.Is(err, os.ErrNotExist) || (err == nil && r.PID <= 1) {
		return 0, ErrNotRunning
	}
	if err != nil {
		return 0, err
	}
	line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", r.PID))
	if err != nil || !strings.Contains(string(line), "\x00"+InitCommand+"\x00"+c.Dir+"\x00") {
		return 0, ErrNotRunning
	}
	return r.PID, nil
}
