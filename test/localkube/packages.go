package localkube

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// nodePackages are Debian's names of what a node needs beside Kubernetes itself.
var nodePackages = []string{"containerd", "runc", "containernetworking-plugins", "nftables", "iproute2", "util-linux", "mount"}

// nodePrograms is what these packages are needed for: the cluster calls each of
// them by name.
var nodePrograms = []string{"containerd", "containerd-shim-runc-v2", "ctr", "runc", "ip", "nft", "mount", "umount", "nsenter"}

// debian is where packages are unpacked that are not installed on this machine.
func (c Cluster) debian() string { return filepath.Join(c.Cache, "debian") }

// environ is the environment of the cluster's programs: unpacked packages first
// in the search path, no proxies.
func (c Cluster) environ() []string {
	env := slices.DeleteFunc(withoutProxies(os.Environ()), func(e string) bool {
		return strings.HasPrefix(e, "PATH=") || strings.HasPrefix(e, "LD_LIBRARY_PATH=")
	})
	env = append(env, "PATH="+strings.Join(c.searchPath(), ":"))
	if libs := c.libraries(); len(libs) > 0 {
		env = append(env, "LD_LIBRARY_PATH="+strings.Join(libs, ":"))
	}
	return env
}

func (c Cluster) searchPath() []string {
	var dirs []string
	for _, d := range []string{"usr/local/bin", "usr/bin", "usr/sbin", "bin", "sbin"} {
		dirs = append(dirs, filepath.Join(c.debian(), d))
	}
	dirs = append(dirs, "/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")
	return append(dirs, filepath.Join(c.Cache, "bin")) // kubectl, for `localkube exec`
}

// libraries are the directories of shared libraries that came with unpacked
// packages.
func (c Cluster) libraries() []string {
	var dirs []string
	for _, pattern := range []string{"usr/lib/*-linux-gnu", "lib/*-linux-gnu"} {
		found, err := filepath.Glob(filepath.Join(c.debian(), pattern))
		if err == nil {
			dirs = append(dirs, found...)
		}
	}
	return dirs
}

// program finds a program in the cluster's search path.
func (c Cluster) program(name string) (string, error) {
	for _, dir := range c.searchPath() {
		path := filepath.Join(dir, name)
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			return path, nil
		}
	}
	return "", fmt.Errorf("%s: %w", name, exec.ErrNotFound)
}

// run runs one of nodePrograms to its end.
func (c Cluster) run(name string, args ...string) error {
	path, err := c.program(name)
	if err != nil {
		return err
	}
	return run(c.environ(), append([]string{path}, args...)...)
}

// cniBinDir is where the CNI plugins are: unpacked, installed by Debian, or
// installed by anybody else.
func (c Cluster) cniBinDir() (string, error) {
	for _, dir := range []string{filepath.Join(c.debian(), "usr/lib/cni"), "/usr/lib/cni", "/opt/cni/bin"} {
		if _, err := os.Stat(filepath.Join(dir, "ptp")); err == nil {
			return dir, nil
		}
	}
	return "", fmt.Errorf("CNI plugin ptp: %w", exec.ErrNotFound)
}

// missing lists what a node needs and cannot find.
func (c Cluster) missing() error {
	var errs []error
	for _, name := range nodePrograms {
		if _, err := c.program(name); err != nil {
			errs = append(errs, err)
		}
	}
	if _, err := c.cniBinDir(); err != nil {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// FetchPackages downloads the Debian packages of which something is missing on
// this machine and unpacks them into the cache. Nothing is installed, so no
// service starts and nothing on the machine changes. Extra packages are fetched
// without what they depend on, each for the program of its name.
func (c Cluster) FetchPackages(ctx context.Context, progress io.Writer, extra ...string) error {
	if missing := c.missing(); missing != nil {
		fmt.Fprintf(progress, "fetching Debian packages: %s\n", strings.Join(nodePackages, " "))
		if err := c.fetch(ctx, func(dir string) *exec.Cmd { return aptInstallable(ctx, dir, nodePackages) }); err != nil {
			return fmt.Errorf("%w\n%w", missing, err)
		}
		if err := c.missing(); err != nil {
			return fmt.Errorf("not in any of Debian's packages: %w", err)
		}
	}
	for _, name := range extra {
		if _, err := c.program(name); err == nil {
			continue
		}
		fmt.Fprintf(progress, "fetching Debian package: %s\n", name)
		if err := c.fetch(ctx, func(dir string) *exec.Cmd { return aptDownload(ctx, dir, name) }); err != nil {
			return err
		}
	}
	return nil
}

// aptInstallable downloads packages together with what this machine lacks to
// run them, as an installation would, and stops there.
func aptInstallable(ctx context.Context, dir string, packages []string) *exec.Cmd {
	args := []string{
		"install", "--download-only", "--no-install-recommends", "--yes", "--quiet=2",
		"-o", "Dir::Cache::archives=" + dir,
		"-o", "Debug::NoLocking=true", // nothing of dpkg's is touched
	}
	return exec.CommandContext(ctx, "apt-get", append(args, packages...)...)
}

func aptDownload(ctx context.Context, dir, name string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "apt-get", "download", "--quiet=2", name)
	cmd.Dir = dir
	return cmd
}

// fetch runs a download into a directory of its own and unpacks what it brought.
func (c Cluster) fetch(ctx context.Context, download func(dir string) *exec.Cmd) error {
	if err := os.MkdirAll(c.Cache, 0o755); err != nil {
		return fmt.Errorf("making the cache: %w", err)
	}
	dir, err := os.MkdirTemp(c.Cache, "debs-")
	if err != nil {
		return fmt.Errorf("making a directory for packages: %w", err)
	}
	defer os.RemoveAll(dir)
	if err := os.Mkdir(filepath.Join(dir, "partial"), 0o755); err != nil {
		return fmt.Errorf("making a directory for packages: %w", err)
	}
	if err := downloadPackages(ctx, dir, download); err != nil {
		return err
	}
	debs, err := filepath.Glob(filepath.Join(dir, "*.deb"))
	if err != nil {
		return fmt.Errorf("listing packages: %w", err)
	}
	for _, deb := range debs {
		if out, err := exec.CommandContext(ctx, "dpkg", "-x", deb, c.debian()).CombinedOutput(); err != nil {
			return fmt.Errorf("unpacking %s: %w: %s", filepath.Base(deb), err, out)
		}
	}
	return nil
}

// downloadPackages tries once more with fresh package lists, which a new machine
// may not have at all.
func downloadPackages(ctx context.Context, dir string, download func(string) *exec.Cmd) error {
	out, err := download(dir).CombinedOutput()
	if err == nil {
		return nil
	}
	if errors.Is(err, exec.ErrNotFound) {
		return fmt.Errorf("this is not a Debian machine; install the programs named above yourself: %w", err)
	}
	if update, uerr := exec.CommandContext(ctx, "apt-get", "update", "--quiet=2").CombinedOutput(); uerr != nil {
		return fmt.Errorf("downloading packages: %w: %s; and apt-get update: %w: %s", err, out, uerr, update)
	}
	if out, err = download(dir).CombinedOutput(); err != nil {
		return fmt.Errorf("downloading packages: %w: %s", err, out)
	}
	return nil
}
