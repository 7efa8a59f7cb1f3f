package httpx

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

// fresh is for how long nobody asks whether the server has closed a kept connection.
const fresh = time.Millisecond

// conn is one connection. One request after the other goes over it.
type conn struct {
	origin string
	socket socket
	// stream is the socket, or TLS over it.
	stream net.Conn
	// since is when the connection was used last, idle for how long it may be kept since then; 0 is for ever.
	since time.Time
	idle  time.Duration
	// marked says that it was not used for long, before what had gone over it until then.
	marked bool
	before flow
	// stall is how long a body may pause.
	stall time.Duration
	// reason is why it ends when its time is over.
	reason error
	// ctx is the context that closes the connection when it ends, stop what has it leave the connection alone.
	ctx  context.Context //nolint:containedctx // only to see whether the next request has the same
	stop func() bool
}

// watch has the end of a context close the connection.
func (c *conn) watch(ctx context.Context) {
	if c.ctx == ctx {
		return
	}
	if c.stop != nil {
		c.stop()
	}
	c.ctx, c.stop = ctx, context.AfterFunc(ctx, c.cut)
}

func (c *conn) cut() { _ = c.socket.Close() }

func (c *conn) close() {
	if c.stop != nil {
		c.stop()
	}
	_ = c.stream.Close() // the server may have closed it already
}

// alive says whether the connection can be used again. A server that closed it
// meanwhile, or said something nobody asked for, is not sent another request over it.
func (c *conn) alive(now time.Time) bool {
	kept := now.Sub(c.since)
	if c.idle > 0 && kept >= c.idle {
		return false
	}
	return kept < fresh || quiet(c.socket.Conn)
}

// beforeEnd is how long before a server closes a connection it is given up: a request that
// is sent just then is lost, which is nobody's fault. Node's agents keep the same distance.
const beforeEnd = time.Second

// idleFor is for how long a connection may be kept after an answer, 0 for ever, by what the
// server says of it in "Keep-Alive: timeout=5, max=100"; ok is false for one that is not kept at all.
func idleFor(h http.Header) (idle time.Duration, ok bool) {
	for _, text := range h["Keep-Alive"] {
		for hint := range strings.SplitSeq(text, ",") {
			name, value, _ := strings.Cut(hint, "=")
			seconds, err := strconv.ParseUint(strings.TrimSpace(value), 10, 31)
			if err != nil || !strings.EqualFold(strings.TrimSpace(name), "timeout") {
				continue
			}
			idle = time.Duration(seconds)*time.Second - beforeEnd
			return idle, idle > 0
		}
	}
	return 0, true
}

// bound ends what is under way at a time.
func (c *conn) bound(until time.Time, reason error) { c.socket.until, c.reason = until, reason }

func (c *conn) giveUp(error) { c.cut() }

// socket is a connection whose reads end at a time that can be moved for nothing:
// setting a deadline costs as much as sending a few hundred bytes. So an earlier
// one is left as it is, unless it is about to pass; when it does, the socket looks at the time.
type socket struct {
	net.Conn
	// until is when reading has to end, armed when the system ends it.
	until, armed time.Time
	// slack is how much earlier than it has to the system may end it.
	slack time.Duration
}

func (s *socket) Read(p []byte) (int, error) {
	if s.armed.IsZero() || s.armed.After(s.until) || s.until.Sub(s.armed) > s.slack {
		s.arm()
	}
	for {
		n, err := s.Conn.Read(p)
		if err == nil || n > 0 || !errors.Is(err, os.ErrDeadlineExceeded) || !time.Now().Before(s.until) {
			return n, err
		}
		s.arm()
	}
}

func (s *socket) arm() {
	s.armed = s.until
	_ = s.SetReadDeadline(s.until) // fails on closed connections only, as reading will
}
