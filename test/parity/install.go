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

//go:embed testdata/npm/package.json testdata/npm/package-lock.json
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
	nodePackage := "node-linux-" + arch
	a := artillery{
		node: filepath.Join(dir, "node", "node_modules", nodePackage, "bin", "node"),
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
	if err := os.MkdirAll(filepath.Join(dir, "node"), 0o755); err != nil {
		return artillery{}, err
	}
	for _, name := range []string{"package.json", "package-lock.json"} {
		data, err := npmFiles.ReadFile("testdata/npm/" + name)
		if err != nil {
			return artillery{}, err
		}
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			return artillery{}, err
		}
	}
	// No scripts: browsers and native parts would be fetched by them, and none is needed.
	quiet := []string{"--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"}
	if err := npm(dir, append([]string{"ci", "--omit=optional"}, quiet...)); err != nil {
		return artillery{}, err
	}
	if err := npm(filepath.Join(dir, "node"), append([]string{"install", "--prefix", ".", "--no-save", nodePackage + "@" + nodeVersion}, quiet...)); err != nil {
		return artillery{}, err
	}
	return a, os.WriteFile(mark, nil, 0o644)
}

// npm runs npm in a directory.
func npm(dir string, args []string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 8*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "npm", args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		lines := strings.Split(strings.TrimSpace(string(out)), "\n")
		return fmt.Errorf("npm %s: %w: %s", args[0], err, lines[len(lines)-1])
	}
	return nil
}
