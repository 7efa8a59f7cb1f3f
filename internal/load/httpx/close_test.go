package httpx

import (
	"errors"
	"io"
	"net"
	"syscall"
	"testing"
	"time"
)

func TestPortsAreScarceAfterManyConnectionsInAMinute(t *testing.T) {
	var p ports
	now := time.UnixMilli(1_700_000_000_000)
	closing := func(n int) (reset int) {
		for range n {
			if p.scarce(now) {
				reset++
			}
		}
		return reset
	}
	if n := closing(politePorts); n != 0 {
		t.Errorf("%d of the first %d were reset", n, politePorts)
	}
	if n := closing(100); n != 100 {
		t.Errorf("%d of 100 further ones were reset", n)
	}
	now = now.Add(31 * time.Second)
	if n := closing(100); n != 100 {
		t.Errorf("half a minute later %d of 100 were reset, the ports of the first are not free yet", n)
	}
	now = now.Add(31 * time.Second)
	if n := closing(100); n != 0 {
		t.Errorf("a minute later %d of 100 were reset", n)
	}
}

func TestAThriftyConnectionIsReset(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	for _, closed := range []int{0, politePorts} {
		conn, err := net.Dial("tcp", listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		other, err := listener.Accept()
		if err != nil {
			t.Fatal(err)
		}
		if err := (thrifty{conn.(*net.TCPConn), &ports{since: time.Now(), closed: closed}}).Close(); err != nil {
			t.Error(err)
		}
		_, err = other.Read(make([]byte, 1))
		if reset := errors.Is(err, syscall.ECONNRESET); reset != (closed > 0) || !reset && err != io.EOF {
			t.Errorf("after %d connections the other side read %v", closed, err)
		}
		_ = other.Close()
	}
}
