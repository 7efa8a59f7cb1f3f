package localkube

import (
	"flag"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestConfigurationFiles(t *testing.T) {
	a := addressesOf(3)
	base := settings{
		Name: "blue", Dir: "/srv/blue", Server: "https://" + a.Node.String() + ":6443", Token: "TOKEN",
		Node: nodeName, CNIBinDir: "/usr/lib/cni", Snapshotter: "overlayfs", Cgroup: a.Link,
		Pods: a.Pods, DNS: a.DNS, PauseImage: pauseImage, DNSImage: dnsImage,
	}
	v1, v2 := base, base
	v1.CgroupV1 = true
	for version, s := range map[string]settings{"cgroup-v1": v1, "cgroup-v2": v2} {
		t.Run("on "+version, func(t *testing.T) {
			c := Cluster{Dir: t.TempDir()}
			if err := c.writeConfig(nodeFiles, s); err != nil {
				t.Fatal(err)
			}
			for _, file := range slices.Sorted(maps.Values(nodeFiles)) {
				got, err := os.ReadFile(c.path(file))
				if err != nil {
					t.Fatal(err)
				}
				compareGolden(t, filepath.Join("testdata", version, filepath.Base(file)), string(got))
			}
		})
	}
}

func compareGolden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := writeFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

func TestConfigurationIsForItsOwnerOnly(t *testing.T) {
	c := Cluster{Dir: t.TempDir()}
	if err := c.writeConfig(map[string]string{"kubeconfig.yaml": "kubeconfig"}, settings{Token: "secret"}); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(c.Kubeconfig())
	if err != nil {
		t.Fatal(err)
	}
	if mode := info.Mode().Perm(); mode != 0o600 {
		t.Errorf("the kubeconfig has mode %o, want 600: it holds an administrator's token", mode)
	}
}
