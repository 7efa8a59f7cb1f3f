package localkube

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// kernel is a stand-in for /proc/sys.
type kernel struct {
	t    *testing.T
	root string
}

func (k kernel) set(values map[string]string) {
	k.t.Helper()
	for name, value := range values {
		if err := writeFile(filepath.Join(k.root, name), []byte(value+"\n"), 0o644); err != nil {
			k.t.Fatal(err)
		}
	}
}

func (k kernel) get(name string) string {
	k.t.Helper()
	data, err := os.ReadFile(filepath.Join(k.root, name))
	if err != nil {
		k.t.Fatal(err)
	}
	return string(data)
}

func (k kernel) save(file string) {
	k.t.Helper()
	if err := saveSysctls(k.root, file); err != nil {
		k.t.Fatal(err)
	}
}

func (k kernel) restore(file string) {
	k.t.Helper()
	if err := restoreSysctls(k.root, file); err != nil {
		k.t.Fatal(err)
	}
}

func TestSysctlsAreSetBack(t *testing.T) {
	k := kernel{t, t.TempDir()}
	file := filepath.Join(t.TempDir(), "sysctl.json")
	k.set(map[string]string{"vm/overcommit_memory": "0", "kernel/panic": "0"})
	k.save(file)
	k.set(kubeletSysctls)
	k.restore(file)
	if diff := cmp.Diff("0", k.get("vm/overcommit_memory")); diff != "" {
		t.Errorf("vm.overcommit_memory (-want +got):\n%s", diff)
	}
	if _, err := os.Stat(file); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the saved values are still there (%v)", err)
	}
}

func TestSysctlsSurviveACrashBetweenTwoStarts(t *testing.T) {
	k := kernel{t, t.TempDir()}
	file := filepath.Join(t.TempDir(), "sysctl.json")
	k.set(map[string]string{"vm/overcommit_memory": "2"})
	k.save(file)
	k.set(kubeletSysctls) // the kubelet; then a crash, so nothing is restored
	k.save(file)
	k.restore(file)
	if diff := cmp.Diff("2", k.get("vm/overcommit_memory")); diff != "" {
		t.Errorf("vm.overcommit_memory (-want +got):\n%s", diff)
	}
}

func TestSysctlsSomebodyElseChangedStay(t *testing.T) {
	k := kernel{t, t.TempDir()}
	file := filepath.Join(t.TempDir(), "sysctl.json")
	k.set(map[string]string{"kernel/panic": "0"})
	k.save(file)
	k.set(map[string]string{"kernel/panic": "60"})
	k.restore(file)
	if diff := cmp.Diff("60\n", k.get("kernel/panic")); diff != "" {
		t.Errorf("kernel.panic (-want +got):\n%s", diff)
	}
}
