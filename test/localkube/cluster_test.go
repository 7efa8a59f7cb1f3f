package localkube

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestNew(t *testing.T) {
	c, err := New("", "", "/cache")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Cluster{Name: "localkube", Dir: "/cache/clusters/localkube", Cache: "/cache"}, c); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, name := range []string{"Blue", "a/b", "-a", "a b", strings.Repeat("a", 33)} {
		if _, err := New(name, "", "/cache"); err == nil {
			t.Errorf("name %q was accepted", name)
		}
	}
}

func TestPathsThatAreCoveredUpInsideAreRefused(t *testing.T) {
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink("/var", link); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name    string
		cluster Cluster
		refused string
	}{
		{"an ordinary place is fine", Cluster{Dir: "/srv/cluster", Cache: "/srv/cache"}, ""},
		{"a name that only starts alike is fine", Cluster{Dir: "/various", Cache: "/runner"}, ""},
		{"the cluster's directory under /var", Cluster{Dir: "/var/lib/cluster", Cache: "/srv"}, "cluster's directory"},
		{"the cache under /run", Cluster{Dir: "/srv", Cache: "/run/cache"}, "cache"},
		{"a link that leads to /var", Cluster{Dir: link, Cache: "/srv"}, "cluster's directory"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := tt.cluster.checkPaths()
			if tt.refused == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tt.refused) {
				t.Errorf("got %v, want an error about %q", err, tt.refused)
			}
		})
	}
}

func TestAStaleRecordIsNotARunningCluster(t *testing.T) {
	c := Cluster{Dir: t.TempDir()}
	if _, err := c.initPID(); !errors.Is(err, ErrNotRunning) {
		t.Errorf("without a record: got %v, want ErrNotRunning", err)
	}
	// This test is alive, but it is not a cluster's PID 1.
	if err := c.writeRecord(record{PID: os.Getpid()}); err != nil {
		t.Fatal(err)
	}
	if pid, err := c.initPID(); !errors.Is(err, ErrNotRunning) {
		t.Errorf("with a stranger's number: got %d, %v, want ErrNotRunning", pid, err)
	}
}

func TestLock(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	first, held, err := lockDir(dir)
	if err != nil || held {
		t.Fatalf("first lock: held %t, %v", held, err)
	}
	if _, held, err := lockDir(dir); err != nil || !held {
		t.Errorf("second lock: held %t, %v, want held", held, err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	again, held, err := lockDir(dir)
	if err != nil || held {
		t.Fatalf("lock after the first was given back: held %t, %v", held, err)
	}
	if err := again.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestGroupEndsWithItsFirstProgram(t *testing.T) {
	ctx, g, err := newGroup(t.Context(), t.TempDir(), os.Environ())
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(g.start("steady", "sleep", "60"), g.start("broken", "sh", "-c", "echo out of luck; exit 3")); err != nil {
		t.Fatal(err)
	}
	defer g.kill()
	err = poll(ctx, "something that never comes", 10*time.Second, func(context.Context) error { return errors.New("not yet") })
	for _, part := range []string{"something that never comes", "broken ended", "exit status 3", "out of luck"} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("got %v, want an error with %q", err, part)
		}
	}
}

func TestPollSaysWhatWasLastWrong(t *testing.T) {
	err := poll(t.Context(), "the tide", 30*time.Millisecond, func(context.Context) error { return errors.New("still low") })
	if err == nil || !strings.Contains(err.Error(), "waiting for the tide: no success within 30ms (still low)") {
		t.Errorf("got %v", err)
	}
}

func TestProxiesAreDropped(t *testing.T) {
	got := withoutProxies([]string{"HOME=/root", "HTTPS_PROXY=http://p:1", "http_proxy=http://p:1", "no_proxy=x", "PROXY_MODE=on"})
	if diff := cmp.Diff([]string{"HOME=/root", "PROXY_MODE=on"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestUnpackedProgramsComeFirst(t *testing.T) {
	c := Cluster{Cache: t.TempDir()}
	own := filepath.Join(c.debian(), "usr/sbin/ip")
	if err := writeFile(own, nil, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := writeFile(filepath.Join(c.debian(), "usr/bin/mount"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if got, err := c.program("ip"); err != nil || got != own {
		t.Errorf("ip is %s, %v; want %s", got, err, own)
	}
	if got, err := c.program("mount"); err == nil && strings.HasPrefix(got, c.Cache) {
		t.Errorf("mount is %s, which is not executable", got)
	}
	if _, err := c.program("no-such-program"); err == nil {
		t.Error("a program that is nowhere was found")
	}
}
