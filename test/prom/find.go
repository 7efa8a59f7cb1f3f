package prom

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

const module = "module sluice.dev/sluice\n"

// Binaries are the programs of Debian's prometheus package.
type Binaries struct {
	Prometheus string
	// Promtool is empty where it is not installed beside Prometheus.
	Promtool string
}

// BuildDir is the directory for built and fetched things, .build in the root of the repository the current directory lies in.
func BuildDir() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("looking for the repository: %w", err)
	}
	for {
		content, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil && bytes.HasPrefix(content, []byte(module)) {
			return filepath.Join(dir, ".build"), nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("looking for the repository: no directory above has the go.mod of sluice.dev/sluice")
		}
		dir = parent
	}
}

// Find looks for Prometheus in PATH and in the packages unpacked under buildDir. When it is in neither, Debian's package is downloaded and unpacked
// to buildDir/prometheus; nothing is installed and no service is started.
func Find(ctx context.Context, buildDir string) (Binaries, error) {
	if binaries, found := Installed(buildDir); found {
		return binaries, nil
	}
	dir := filepath.Join(buildDir, "prometheus")
	if err := unpackPackage(ctx, dir); err != nil {
		return Binaries{}, fmt.Errorf("prometheus is neither in PATH nor under %s, and fetching Debian's package: %w", buildDir, err)
	}
	binaries, found := inDir(filepath.Join(dir, "usr", "bin"))
	if !found {
		return Binaries{}, fmt.Errorf("debian's package of prometheus has no usr/bin/prometheus in %s", dir)
	}
	return binaries, nil
}

// Installed is Find without fetching anything.
func Installed(buildDir string) (Binaries, bool) {
	if path, err := exec.LookPath("prometheus"); err == nil {
		if binaries, found := inDir(filepath.Dir(path)); found {
			return binaries, true
		}
	}
	for _, unpacked := range []string{"localkube/root", "localkube/debs", "prometheus"} {
		if binaries, found := inDir(filepath.Join(buildDir, unpacked, "usr", "bin")); found {
			return binaries, true
		}
	}
	return Binaries{}, false
}

func inDir(dir string) (Binaries, bool) {
	binaries := Binaries{Prometheus: filepath.Join(dir, "prometheus"), Promtool: filepath.Join(dir, "promtool")}
	if !executable(binaries.Promtool) {
		binaries.Promtool = ""
	}
	return binaries, executable(binaries.Prometheus)
}

func executable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}

// unpackPackage leaves dir complete or not there at all: it works beside it and renames at the end.
func unpackPackage(ctx context.Context, dir string) error {
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return fmt.Errorf("making the build directory: %w", err)
	}
	work, err := os.MkdirTemp(filepath.Dir(dir), "prometheus-*.tmp")
	if err != nil {
		return fmt.Errorf("making a directory to download to: %w", err)
	}
	defer os.RemoveAll(work)
	if err := download(ctx, work); err != nil {
		return err
	}
	packages, err := filepath.Glob(filepath.Join(work, "prometheus_*.deb"))
	if err != nil || len(packages) != 1 {
		return fmt.Errorf("apt-get left %d packages, not one", len(packages))
	}
	unpacked := filepath.Join(work, "unpacked")
	if err := run(ctx, work, "dpkg", "-x", packages[0], unpacked); err != nil {
		return err
	}
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("clearing what an interrupted run left: %w", err)
	}
	return os.Rename(unpacked, dir)
}

// download fetches the package as any user; only root may refresh the package lists, which a fresh machine lacks.
func download(ctx context.Context, dir string) error {
	err := run(ctx, dir, "apt-get", "download", "prometheus")
	if err == nil || os.Getuid() != 0 || errors.Is(err, exec.ErrNotFound) {
		return err
	}
	if err := run(ctx, dir, "apt-get", "update"); err != nil {
		return err
	}
	return run(ctx, dir, "apt-get", "download", "prometheus")
}

func run(ctx context.Context, dir, name string, args ...string) error {
	command := exec.CommandContext(ctx, name, args...)
	command.Dir = dir
	output, err := command.CombinedOutput()
	if err != nil {
		return fmt.Errorf("running %s %s: %w: %s", name, strings.Join(args, " "), err, lastLines(output, 5))
	}
	return nil
}

func lastLines(text []byte, n int) string {
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
