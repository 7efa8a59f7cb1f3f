//go:build unix

package httpx

import (
	"net"
	"syscall"
)

// quiet says whether nothing can be read from a connection that is open: no
// bytes, no end and no error. It takes nothing from it, and does not wait.
func quiet(c net.Conn) bool {
	owner, ok := c.(syscall.Conn)
	if !ok {
		return true
	}
	raw, err := owner.SyscallConn()
	if err != nil {
		return false
	}
	waiting := false
	// Control, because Read minds a deadline that is long past.
	err = raw.Control(func(fd uintptr) {
		var one [1]byte
		_, _, err := syscall.Recvfrom(int(fd), one[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		waiting = err == syscall.EAGAIN || err == syscall.EWOULDBLOCK
	})
	return err == nil && waiting
}
