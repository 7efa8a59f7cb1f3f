// Package localkube runs a real one-node Kubernetes cluster on this machine,
// inside namespaces of its own.
package localkube

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

const (
	// DefaultName is the name of the cluster nobody named.
	DefaultName = "localkube"

	nodeName   = "node1"
	apiPort    = 6443
	pauseImage = "local/pause:1"
	dnsImage   = "local/coredns:1"
)

// Words by which the program calls itself inside the namespaces.
const (
	InitCommand  = "@init"
	NodeCommand  = "@node"
	tiedArgument = "tied"
)

// ErrUnsupported says that this machine, or this user, cannot run a cluster;
// nothing was changed.
var ErrUnsupported = errors.New("cannot run a cluster here")

// ErrNotRunning says that there is no such cluster.
var ErrNotRunning = errors.New("not running")

// Cluster is one cluster: its name and where its files are. Two clusters with
// different directories can run side by side.
type Cluster struct {
	Name  string // shown in the kubeconfig
	Dir   string // everything the cluster writes
	Cache string // what is built or downloaded once: bin, images, debian
}

var validName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$`)

// New returns the cluster of that name. An empty cache means the directory above
// the one this program lies in, or $LOCALKUBE_CACHE; an empty dir means a
// directory in the cache.
func New(name, dir, cache string) (Cluster, error) {
	if name == "" {
		name = DefaultName
	}
	if !validName.MatchString(name) {
		return Cluster{}, fmt.Errorf("cluster name %q: must be lower-case letters, digits and dashes, at most 32", name)
	}
	cache, err := cacheDir(cache)
	if err != nil {
		return Cluster{}, err
	}
	if dir == "" {
		dir = filepath.Join(cache, "clusters", name)
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return Cluster{}, fmt.Errorf("locating the cluster's directory: %w", err)
	}
	return Cluster{Name: name, Dir: dir, Cache: cache}, nil
}

func cacheDir(cache string) (string, error) {
	if cache == "" {
		cache = os.Getenv("LOCALKUBE_CACHE")
	}
	if cache == "" {
		self, err := os.Executable()
		if err != nil {
			return "", fmt.Errorf("locating this program: %w", err)
		}
		if self, err = filepath.EvalSymlinks(self); err != nil {
			return "", fmt.Errorf("locating this program: %w", err)
		}
		cache = filepath.Dir(filepath.Dir(self))
	}
	cache, err := filepath.Abs(cache)
	if err != nil {
		return "", fmt.Errorf("locating the cache: %w", err)
	}
	return cache, nil
}

// Kubeconfig is the path of the administrator's kubeconfig.
func (c Cluster) Kubeconfig() string { return c.path("kubeconfig") }

func (c Cluster) path(elements ...string) string {
	return filepath.Join(append([]string{c.Dir}, elements...)...)
}

func (c Cluster) logFile(name string) string { return c.path("log", name+".log") }

// kube is the combined binary of all of Kubernetes' programs.
func (c Cluster) kube() string { return filepath.Join(c.Cache, "bin", "kube") }

func (c Cluster) requireKube() error {
	if _, err := os.Stat(c.kube()); err != nil {
		return fmt.Errorf("the Kubernetes programs are not built (make -C test/localkube): %w", err)
	}
	return nil
}

// checkPaths refuses directories that are covered up inside the cluster's mount
// namespace, where /var and /run are its own.
func (c Cluster) checkPaths() error {
	for what, dir := range map[string]string{"the cluster's directory": c.Dir, "the cache": c.Cache} {
		real := dir
		if r, err := filepath.EvalSymlinks(dir); err == nil {
			real = r
		}
		for _, covered := range []string{"/var", "/run", "/proc"} {
			if real == covered || strings.HasPrefix(real, covered+"/") {
				return fmt.Errorf("%s is %s: it must not lie under %s, which the cluster replaces by its own", what, real, covered)
			}
		}
	}
	return nil
}

// record is what a cluster remembers about itself between two commands.
type record struct {
	Name  string `json:"name"`
	Cache string `json:"cache"`
	Slot  int    `json:"slot"`
	PID   int    `json:"pid"` // of the cluster's PID 1, as the host sees it; 0 when down
}

func (c Cluster) readRecord() (record, error) {
	data, err := os.ReadFile(c.path("cluster.json"))
	if err != nil {
		return record{}, err
	}
	var r record
	if err := json.Unmarshal(data, &r); err != nil {
		return record{}, fmt.Errorf("reading %s: %w", c.path("cluster.json"), err)
	}
	return r, nil
}

func (c Cluster) writeRecord(r record) error {
	data, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("encoding the cluster's record: %w", err)
	}
	return writeFile(c.path("cluster.json"), append(data, '\n'), 0o644)
}

// writeFile writes a file whole or not at all, with its directory.
func writeFile(path string, data []byte, mode os.FileMode) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("making the directory of %s: %w", path, err)
	}
	temporary := path + ".new"
	if err := os.WriteFile(temporary, data, mode); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	if err := os.Rename(temporary, path); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return nil
}
