//go:build !linux

package localkube

import "syscall"

// childAttributes put a child into a group of its own, so that an interrupt from
// the keyboard reaches it only through this process.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}
