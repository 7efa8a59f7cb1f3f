package localkube

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// lock takes the lock on a cluster's directory, or reports that a running one
// holds it. The kernel gives it back with the last process that has it, so it
// cannot go stale.
func lockDir(dir string) (file *os.File, held bool, err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, false, fmt.Errorf("making %s: %w", dir, err)
	}
	file, err = os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, false, fmt.Errorf("locking %s: %w", dir, err)
	}
	err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, true, file.Close()
	}
	if err != nil {
		_ = file.Close() // nothing was written
		return nil, false, fmt.Errorf("locking %s: %w", dir, err)
	}
	return file, false, nil
}
