package httpx

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// traffic asks the system about a connection.
func traffic(c net.Conn) (f flow) {
	owner, ok := c.(syscall.Conn)
	if !ok {
		return flow{}
	}
	raw, err := owner.SyscallConn()
	if err != nil {
		return flow{}
	}
	_ = raw.Control(func(fd uintptr) { // fails on closed connections only, of which nothing is known
		if info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO); err == nil {
			f = flow{taken: info.Bytes_acked, received: info.Bytes_received, known: true}
		}
	})
	return f
}
