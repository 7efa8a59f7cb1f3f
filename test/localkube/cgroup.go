package localkube

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// cgroupMount is where Linux systems mount cgroups.
const cgroupMount = "/sys/fs/cgroup"

// cgroups is how this machine's control groups are laid out: one hierarchy on
// version 2; one per controller on version 1, mixed ("hybrid") systems included.
type cgroups struct {
	V1          bool
	Hierarchies []string
}

// neededV1 are the controllers a kubelet does not start without.
var neededV1 = []string{"cpu", "cpuacct", "cpuset", "memory"}

// wantedV2 are the controllers containers are given, as far as the kernel has them.
var wantedV2 = []string{"cpu", "cpuset", "io", "memory", "pids", "hugetlb"}

// detectCgroups looks at the tree mounted at root.
func detectCgroups(root string) (cgroups, error) {
	if _, err := os.Stat(filepath.Join(root, "cgroup.controllers")); err == nil {
		return cgroups{Hierarchies: []string{root}}, nil
	}
	found, err := filepath.Glob(filepath.Join(root, "*", "cgroup.procs"))
	if err != nil {
		return cgroups{}, fmt.Errorf("looking for control groups: %w", err)
	}
	g := cgroups{V1: true}
	seen := map[string]bool{}
	for _, f := range found {
		dir, err := filepath.EvalSymlinks(filepath.Dir(f)) // "cpu" is often a link to "cpu,cpuacct"
		if err != nil {
			return cgroups{}, fmt.Errorf("looking for control groups: %w", err)
		}
		if !slices.Contains(g.Hierarchies, dir) {
			g.Hierarchies = append(g.Hierarchies, dir)
		}
		for _, controller := range append(strings.Split(filepath.Base(dir), ","), filepath.Base(filepath.Dir(f))) {
			seen[controller] = true
		}
	}
	for _, controller := range neededV1 {
		if !seen[controller] {
			return cgroups{}, fmt.Errorf("%w: no cgroup controller %q is mounted below %s", ErrUnsupported, controller, root)
		}
	}
	return g, nil
}

// create makes the group in every hierarchy; a kubelet refuses a root that is
// missing in one of them.
func (g cgroups) create(name string) error {
	for _, h := range g.Hierarchies {
		if !g.V1 {
			if err := delegate(h); err != nil {
				return err
			}
		}
		if err := os.MkdirAll(filepath.Join(h, name), 0o755); err != nil {
			return fmt.Errorf("making the cluster's cgroup: %w", err)
		}
	}
	return nil
}

// delegate lets the children of a version 2 group have the controllers it has.
func delegate(hierarchy string) error {
	available, err := os.ReadFile(filepath.Join(hierarchy, "cgroup.controllers"))
	if err != nil {
		return fmt.Errorf("reading the cgroup controllers: %w", err)
	}
	var enable []string
	for _, controller := range strings.Fields(string(available)) {
		if slices.Contains(wantedV2, controller) {
			enable = append(enable, "+"+controller)
		}
	}
	control := filepath.Join(hierarchy, "cgroup.subtree_control")
	err = os.WriteFile(control, []byte(strings.Join(enable, " ")), 0o644)
	if errors.Is(err, syscall.EBUSY) {
		return fmt.Errorf("%w: %s holds processes, so its controllers cannot be handed on; "+
			"inside a container, move them into a group of their own first: %w", ErrUnsupported, hierarchy, err)
	}
	if err != nil {
		return fmt.Errorf("handing on cgroup controllers: %w", err)
	}
	return nil
}

// remove takes the group and all below it away. Left-over groups of pods would
// cost the next kubelet 3 s each. The kernel keeps a group for a moment after
// its last process has ended.
func (g cgroups) remove(name string, patience time.Duration) error {
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		var errs []error
		for _, h := range g.Hierarchies {
			errs = append(errs, removeTree(filepath.Join(h, name)))
		}
		err := errors.Join(errs...)
		if err == nil {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("removing the cluster's cgroups: %w", err)
		}
	}
}

// removeTree removes directories only: the files of a cgroup go with it.
func removeTree(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var errs []error
	for _, e := range entries {
		if e.IsDir() {
			errs = append(errs, removeTree(filepath.Join(dir, e.Name())))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	if err := syscall.Rmdir(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s: %w", dir, err)
	}
	return nil
}
