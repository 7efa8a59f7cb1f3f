package localkube

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// Up brings the cluster up and returns when pods can run and names resolve. A
// cluster that is up already is left as it is. An error leaves nothing behind
// but logs and the cache.
func (c Cluster) Up(ctx context.Context, o Options) (err error) {
	groups, err := c.preflight()
	if err != nil {
		return err
	}
	if err := c.FetchPackages(ctx, o.Progress); err != nil {
		return err
	}
	if _, err := c.archives(); err != nil {
		return err
	}
	lock, held, err := lockDir(c.Dir)
	if err != nil {
		return err
	}
	if held {
		return c.alreadyUp(ctx, o)
	}
	defer lock.Close()
	if err := c.clean(groups); err != nil {
		return err
	}
	if err := saveSysctls("/proc/sys", c.path("sysctl.json")); err != nil {
		return err
	}
	s, err := c.spawn(lock, o.Lifeline)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("%w\n%s", err, tail(c.logFile("localkube"), 10))
			err = errors.Join(err, c.end(s.pid, groups))
		}
	}()
	if err := c.settle(s, groups); err != nil {
		return err
	}
	return s.awaitReady(ctx)
}

// cgroupPatience is how long the kernel may take to let go of a group whose last
// process has ended.
const cgroupPatience = 10 * time.Second

// settle gives the namespaces their network and lets their PID 1 go on. Groups
// of a crashed cluster that had the same slot are removed first: each pod among
// them would cost the kubelet seconds.
func (c Cluster) settle(s space, groups cgroups) error {
	defer s.goOn.Close()
	preferred := 0
	if old, err := c.readRecord(); err == nil {
		preferred = old.Slot
	}
	a, err := c.joinHost(s.pid, preferred)
	if err != nil {
		return err
	}
	if err := c.writeRecord(record{Name: c.Name, Cache: c.Cache, Slot: a.Slot, PID: s.pid}); err != nil {
		return err
	}
	return groups.remove(a.Link, cgroupPatience)
}

// alreadyUp accepts a running cluster only when it works: a lock alone is not
// health. Somebody else may be bringing it up at this moment.
func (c Cluster) alreadyUp(ctx context.Context, o Options) error {
	if o.Lifeline != nil {
		return fmt.Errorf("cluster %s is up already and not tied to this process", c.Name)
	}
	err := poll(ctx, "the cluster that runs already", 30*time.Second, func(ctx context.Context) error {
		state, err := c.Status(ctx)
		if err == nil && state.Problem != "" {
			err = errors.New(state.Problem)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("cluster %s is running but not ready, bring it down first: %w", c.Name, err)
	}
	return nil
}

// Down ends the cluster and undoes what no namespace hides. Bringing down what is
// not up is fine.
func (c Cluster) Down(_ context.Context) error {
	if os.Geteuid() != 0 {
		return fmt.Errorf("%w: ending a cluster needs root", ErrUnsupported)
	}
	if _, err := os.Stat(c.Dir); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	groups, err := detectCgroups(cgroupMount)
	if err != nil {
		return err
	}
	pid, err := c.initPID()
	if err != nil && !errors.Is(err, ErrNotRunning) {
		return err
	}
	return c.end(pid, groups)
}

// Purge brings the cluster down and removes its files, images included.
func (c Cluster) Purge(ctx context.Context) error {
	if err := c.Down(ctx); err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(c.Dir, "lock")); errors.Is(err, os.ErrNotExist) {
		return nil // never was a cluster's directory: not ours to remove
	}
	if err := os.RemoveAll(c.Dir); err != nil {
		return fmt.Errorf("removing the cluster's files: %w", err)
	}
	return nil
}

// end kills PID 1, with which the kernel ends every process, mount, link and
// firewall rule of the cluster, and cleans up the rest. 0 means it has ended.
func (c Cluster) end(pid int, groups cgroups) error {
	if pid > 1 {
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("ending the cluster: %w", err)
		}
		for deadline := time.Now().Add(30 * time.Second); alive(pid); time.Sleep(5 * time.Millisecond) {
			if time.Now().After(deadline) {
				return fmt.Errorf("the cluster's PID 1 (%d) does not end", pid)
			}
		}
	}
	return c.clean(groups)
}

// alive is false for a zombie too: it has no command line any more.
func alive(pid int) bool {
	line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	return err == nil && len(line) > 0
}

// clean undoes what outlives the namespaces, also after a crash or a failed `up`.
func (c Cluster) clean(groups cgroups) error {
	err := restoreSysctls("/proc/sys", c.path("sysctl.json"))
	r, rerr := c.readRecord()
	if errors.Is(rerr, os.ErrNotExist) || (rerr == nil && r.PID == 0) {
		return err // nothing was made
	}
	if err = errors.Join(err, rerr); err != nil {
		return err
	}
	if a := addressesOf(r.Slot); c.owns(a) {
		if err := errors.Join(c.leaveHost(a), groups.remove(a.Link, cgroupPatience)); err != nil {
			return err
		}
	}
	r.PID = 0
	return c.writeRecord(r)
}
