package localkube

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// tree makes empty files, and links written "link -> target", below a new directory.
func tree(t *testing.T, names ...string) string {
	t.Helper()
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if link, target, ok := strings.Cut(name, " -> "); ok {
			if err := os.Symlink(target, filepath.Join(root, link)); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if err := writeFile(filepath.Join(root, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestDetectCgroups(t *testing.T) {
	tests := []struct {
		name  string
		files []string
		want  cgroups // hierarchies relative to the root
	}{
		{
			name:  "version 2 is one hierarchy",
			files: []string{"cgroup.controllers", "cgroup.procs", "system.slice/cgroup.procs"},
			want:  cgroups{Hierarchies: []string{"."}},
		},
		{
			name:  "version 1 is one hierarchy per controller",
			files: []string{"cpu/cgroup.procs", "cpuacct/cgroup.procs", "cpuset/cgroup.procs", "memory/cgroup.procs"},
			want:  cgroups{V1: true, Hierarchies: []string{"cpu", "cpuacct", "cpuset", "memory"}},
		},
		{
			name: "a hybrid system counts as version 1, with its systemd and unified hierarchies",
			files: []string{"cpu/cgroup.procs", "cpuacct/cgroup.procs", "cpuset/cgroup.procs", "memory/cgroup.procs",
				"systemd/cgroup.procs", "unified/cgroup.procs", "unified/cgroup.controllers"},
			want: cgroups{V1: true, Hierarchies: []string{"cpu", "cpuacct", "cpuset", "memory", "systemd", "unified"}},
		},
		{
			name:  "controllers mounted together are one hierarchy under several names",
			files: []string{"cpu,cpuacct/cgroup.procs", "cpu -> cpu,cpuacct", "cpuacct -> cpu,cpuacct", "cpuset/cgroup.procs", "memory/cgroup.procs"},
			want:  cgroups{V1: true, Hierarchies: []string{"cpu,cpuacct", "cpuset", "memory"}},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			root := tree(t, tt.files...)
			got, err := detectCgroups(root)
			if err != nil {
				t.Fatal(err)
			}
			for i, h := range got.Hierarchies {
				if got.Hierarchies[i], err = filepath.Rel(root, h); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestDetectCgroupsNamesTheMissingController(t *testing.T) {
	_, err := detectCgroups(tree(t, "cpu/cgroup.procs", "cpuacct/cgroup.procs", "cpuset/cgroup.procs"))
	if !errors.Is(err, ErrUnsupported) || !strings.Contains(err.Error(), `"memory"`) {
		t.Errorf("got %v, want an unsupported machine that lacks memory", err)
	}
}

func TestCreateHandsOnControllersOfVersion2(t *testing.T) {
	root := tree(t, "cgroup.subtree_control")
	if err := os.WriteFile(filepath.Join(root, "cgroup.controllers"), []byte("cpuset cpu io memory rdma pids misc\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	g, err := detectCgroups(root)
	if err != nil {
		t.Fatal(err)
	}
	if err := g.create("lk0"); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(root, "cgroup.subtree_control"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("+cpuset +cpu +io +memory +pids", string(got)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if _, err := os.Stat(filepath.Join(root, "lk0")); err != nil {
		t.Error(err)
	}
}

func TestRemoveTakesTheWholeTreeInEveryHierarchy(t *testing.T) {
	root := tree(t, "cpu/keep/x", "memory/keep/x")
	g := cgroups{V1: true, Hierarchies: []string{filepath.Join(root, "cpu"), filepath.Join(root, "memory")}}
	for _, h := range g.Hierarchies {
		if err := os.MkdirAll(filepath.Join(h, "lk0", "kubepods", "pod1"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := g.remove("lk0", 0); err != nil {
		t.Fatal(err)
	}
	for _, h := range g.Hierarchies {
		if _, err := os.Stat(filepath.Join(h, "lk0")); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s/lk0 is still there (%v)", h, err)
		}
		if _, err := os.Stat(filepath.Join(h, "keep")); err != nil {
			t.Error(err)
		}
	}
	if err := g.remove("lk0", 0); err != nil {
		t.Errorf("removing what is not there: %v", err)
	}
}

func TestRemoveReportsAGroupThatStaysInUse(t *testing.T) {
	root := tree(t, "lk0/pod1/process") // a file stands for what keeps rmdir from working
	err := cgroups{Hierarchies: []string{root}}.remove("lk0", 50*time.Millisecond)
	if err == nil || !strings.Contains(err.Error(), "lk0/pod1") {
		t.Errorf("got %v, want an error that names the group", err)
	}
}
