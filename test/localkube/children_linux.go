package localkube

import "syscall"

// childAttributes let a child end with the thread that started it, and so with
// this process even when that is killed. The caller must keep to one thread.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
}
