package httpx

import (
	"net"
	"sync"
	"time"
)

// Whoever closes a connection first keeps its port for a minute, and there are
// some 28,000 ports. So after politePorts connections in a minute the rest are
// reset when they are closed, which keeps no port: a test of many users must
// not end because its own machine ran out of ports.
const (
	politePorts = 10_000
	portsKept   = time.Minute
)

// ports counts the connections that were closed lately, by halves of portsKept.
type ports struct {
	mu             sync.Mutex
	since          time.Time
	before, closed int
}

// scarce counts a connection that is closed now, and says whether so many were that it should be reset.
func (p *ports) scarce(now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch age := now.Sub(p.since); {
	case age >= portsKept:
		p.since, p.before, p.closed = now, 0, 0
	case age >= portsKept/2:
		p.since, p.before, p.closed = now, p.closed, 0
	}
	if p.before+p.closed >= politePorts {
		return true
	}
	p.closed++
	return false
}

// thrifty is a connection that does not keep its port when ports are scarce.
type thrifty struct {
	*net.TCPConn
	ports *ports
}

func (t thrifty) Close() error {
	if t.ports.scarce(time.Now()) {
		_ = t.SetLinger(0) // the connection may be gone already
	}
	return t.TCPConn.Close()
}
