package localkube

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
)

// overlayMagic is the type statfs reports for an overlay file system.
const overlayMagic = 0x794c7630

// preflight says what is missing before anything is changed.
func (c Cluster) preflight() (cgroups, error) {
	if os.Geteuid() != 0 {
		return cgroups{}, fmt.Errorf("%w: namespaces, mounts and cgroups need root (the control plane alone does not: localkube control-plane up)", ErrUnsupported)
	}
	if err := c.checkPaths(); err != nil {
		return cgroups{}, err
	}
	if err := c.requireKube(); err != nil {
		return cgroups{}, err
	}
	groups, err := detectCgroups(cgroupMount)
	if err != nil {
		return cgroups{}, err
	}
	if _, err := c.snapshotter(); err != nil {
		return cgroups{}, err
	}
	return groups, nil
}

// snapshotter is overlayfs, except where the directory lies on an overlay
// already (in most containers): these cannot be stacked, so files are copied.
func (c Cluster) snapshotter() (string, error) {
	if err := os.MkdirAll(c.Dir, 0o755); err != nil {
		return "", fmt.Errorf("making the cluster's directory: %w", err)
	}
	var fs syscall.Statfs_t
	if err := syscall.Statfs(c.Dir, &fs); err != nil {
		return "", fmt.Errorf("looking at the file system of %s: %w", c.Dir, err)
	}
	if fs.Type == overlayMagic {
		return "native", nil
	}
	if !kernelHas("overlay") {
		return "", fmt.Errorf("%w: the kernel has no overlay file system (modprobe overlay)", ErrUnsupported)
	}
	return "overlayfs", nil
}

// kernelHas reports whether a file system is known, loading its module if need be.
func kernelHas(filesystem string) bool {
	known := func() bool {
		list, err := os.ReadFile("/proc/filesystems")
		if err != nil {
			return false
		}
		for line := range strings.Lines(string(list)) {
			if fields := strings.Fields(line); len(fields) > 0 && fields[len(fields)-1] == filesystem {
				return true
			}
		}
		return false
	}
	if known() {
		return true
	}
	_ = exec.Command("modprobe", filesystem).Run() // the second look decides
	return known()
}
