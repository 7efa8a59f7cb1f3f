package parity

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// The versions that are compared with. Artillery needs a Node newer than most
// distributions have, so Node comes from npm too.
const (
	artilleryVersion = "2.0.34"
	nodeVersion      = "22.23.3"
)

// Both are pinned with all they need, by digest.
//
//go:embed testdata/npm
var npmFiles embed.FS

// artillery is an installation: the commands' beginning.
type artillery struct{ node, run string }

// installDir is where Artillery is kept, outside of what git knows.
func installDir() (string, error) {
	if dir := os.Getenv("SLUICE_PARITY_DIR"); dir != "" {
		return dir, nil
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		return "", err
	}
	return filepath.Join(root, ".build", "parity", artilleryVersion+"-node"+nodeVersion), nil
}

// install finds Artillery or installs it: about a minute, and 640 MB that are kept.
// Where it cannot be had, the error says why.
func install() (artillery, error) {
	dir, err := installDir()
	if err != nil {
		return artillery{}, err
	}
	arch := map[string]string{"amd64": "x64", "arm64": "arm64"}[runtime.GOARCH]
	if runtime.GOOS != "linux" || arch == "" {
		return artillery{}, fmt.Errorf("no Node is pinned for %s/%s", runtime.GOOS, runtime.GOARCH)
	}
	a := artillery{
		node: filepath.Join(dir, "node", "node_modules", "node-linux-"+arch, "bin", "node"),
		run:  filepath.Join(dir, "node_modules", "artillery", "bin", "run"),
	}
	// The mark is written last, so that half an installation is none.
	mark := filepath.Join(dir, "complete")
	if _, err := os.Stat(mark); err == nil {
		return a, nil
	}
	if _, err := exec.LookPath("npm"); err != nil {
		return artillery{}, errors.New("npm is not installed, and Artillery comes from it")
	}
	if err := fetch(dir); err != nil {
		return artillery{}, err
	}
	if out, err := exec.Command(a.node, "--version").CombinedOutput(); err != nil {
		return artillery{}, fmt.Errorf("the Node from npm does not run: %w: %s", err, out)
	}
	return a, os.WriteFile(mark, nil, 0o644)
}

// fetch has npm bring what is pinned. Whether the registry is there is asked
// first, because npm takes minutes to find out.
func fetch(dir string) error {
	if err := npm(30*time.Second, "", "view", "artillery@"+artilleryVersion, "version", "--fetch-retries=0", "--fetch-timeout=20000"); err != nil {
		return fmt.Errorf("npm's registry cannot be reached: %w", err)
	}
	for _, name := range []string{"package.json", "package-lock.json", "node/package.json", "node/package-lock.json"} {
		data, err := npmFiles.ReadFile("testdata/npm/" + name)
		if err != nil {
			return err
		}
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(file, data, 0o644); err != nil {
			return err
		}
	}
	// No scripts: browsers and native parts would be fetched by them, and none is needed.
	ci := []string{"ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", "--fetch-retries=2"}
	if err := npm(5*time.Minute, dir, append(ci, "--omit=optional")...); err != nil {
		return err
	}
	return npm(5*time.Minute, filepath.Join(dir, "node"), ci...)
}

// npm runs npm in a directory.
func npm(longest time.Duration, dir string, args ...string) error {
	ctx, cancel := context.WithTimeout(context.Background(), longest)
	defer cancel()
	cmd := exec.CommandContext(ctx, "npm", args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("npm %s: %w: %s", args[0], err, reason(string(out)))
	}
	return nil
}

// reason is what npm says went wrong: the longest of its lines about that.
func reason(out string) string {
	found := ""
	for line := range strings.SplitSeq(out, "\n") {
		line, isError := strings.CutPrefix(line, "npm error ")
		if isError && !strings.HasPrefix(line, " ") && !strings.Contains(line, "A complete log") && len(line) > len(found) {
			found = line
		}
	}
	return found
}
