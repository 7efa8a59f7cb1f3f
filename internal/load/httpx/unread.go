package httpx

import (
	"errors"
	"io"
	"net/http"
	"syscall"
	"time"
)

// longIdle is from when on a server may be about to close a connection that nobody uses.
const longIdle = time.Second

// mark notes how much the server's system has taken over a connection that was not used for long.
func (c *conn) mark(now time.Time) {
	c.marked = now.Sub(c.since) >= longIdle
	if c.marked {
		c.before = traffic(c.socket.Conn)
	}
}

// unread says whether a server closed a connection that was not used for long before it read the
// request: the two crossed, which is nobody's fault, and the request may take another connection.
//
// A server that closes has seen the request if the end it sends acknowledges it. One that resets
// has left something unread, or means it so; that is believed where asking twice does no harm.
func (d *desk) unread(m *message) bool {
	c := d.conn
	reset := errors.Is(d.err, syscall.ECONNRESET) || errors.Is(d.err, syscall.EPIPE)
	ended := reset || errors.Is(d.err, io.EOF) || errors.Is(d.err, io.ErrUnexpectedEOF)
	if !c.marked || d.started || !ended {
		return false
	}
	return traffic(c.socket.Conn).onlyCame(c.before) || reset && harmless(m.method)
}

// harmless says that a request may be sent twice.
func harmless(method string) bool {
	return method == http.MethodGet || method == http.MethodHead || method == http.MethodOptions
}

// flow is how much went over a connection: what the other side has acknowledged, and what came
// from there, where its end counts as one.
type flow struct {
	taken, received uint64
	known           bool
}

// onlyCame says that something came since, and that nothing that was sent was taken.
func (f flow) onlyCame(before flow) bool {
	return f.known && before.known && f.received > before.received && f.taken == before.taken
}
