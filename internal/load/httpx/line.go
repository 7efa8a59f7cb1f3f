package httpx

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"os"
	"sync"
	"time"
)

// line is the wire that speaks HTTP/1.1 itself: one request after the other goes
// over a connection, in the goroutine of the user that sends it.
type line struct {
	factory *Factory
	// most is how many connections are kept while nobody uses them.
	most int

	mu sync.Mutex
	// kept are the connections that nobody uses, the one used last at the end.
	kept []*conn
}

// take returns a kept connection that the server has not closed meanwhile, or nil.
func (l *line) take(origin string, now time.Time) *conn {
	for {
		c := l.pick(origin)
		if c == nil {
			return nil
		}
		c.mark(now)
		if c.alive(now) {
			return c
		}
		c.close()
	}
}

func (l *line) pick(origin string) *conn {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := len(l.kept) - 1; i >= 0; i-- {
		if c := l.kept[i]; c.origin == origin {
			copy(l.kept[i:], l.kept[i+1:])
			l.kept[len(l.kept)-1] = nil
			l.kept = l.kept[:len(l.kept)-1]
			return c
		}
	}
	return nil
}

// keep puts a connection back; the one that was not used for the longest time makes room.
func (l *line) keep(c *conn) {
	var oldest *conn
	l.mu.Lock()
	if len(l.kept) >= l.most {
		oldest = l.kept[0]
		l.kept = append(l.kept[:0], l.kept[1:]...)
	}
	l.kept = append(l.kept, c)
	l.mu.Unlock()
	if oldest != nil {
		oldest.close()
	}
}

func (l *line) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.kept {
		c.close()
	}
	l.kept = nil
}

// hop sends one message and reads its answer.
func (l *line) hop(ctx context.Context, m *message, keep *Answer) (Hop, reply) {
	var out Hop
	out.Sent = time.Now()
	answer, err := l.exchange(ctx, m, keep, &out)
	if out.Done.IsZero() {
		out.Done = time.Now()
	}
	if err != nil {
		out.Err = classify(err, err)
	}
	return out, answer
}

// exchange finds a connection and sends the message over it. A connection that
// was kept and that the server has closed meanwhile is replaced by a new one: it has
// not seen the request then. One that was seen is never sent again.
func (l *line) exchange(ctx context.Context, m *message, keep *Answer, out *Hop) (reply, error) {
	until := out.Sent.Add(l.factory.options.Timeout)
	origin, name := m.origin()
	for c := l.take(origin, out.Sent); ; c = nil {
		used := c != nil
		if !used {
			var err error
			if c, err = l.factory.connect(ctx, m.to, name, until, out); err != nil {
				return reply{}, because(err, errNoConnection)
			}
			c.origin = origin
		}
		c.watch(ctx)
		d := desks.Get().(*desk)
		again := d.exchange(c, m, keep, out, until)
		answer, err, clean := d.answer, because(d.err, c.reason), d.clean
		d.release()
		if !clean {
			c.close()
		} else {
			c.since = out.Done
			l.keep(c)
		}
		if !again || !used {
			return answer, err
		}
	}
}

// because is the reason why something had to end, if its time was over.
func because(err, reason error) error {
	if errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded) {
		return reason
	}
	return err
}

// connect makes a connection, over TLS to the server of a name.
func (f *Factory) connect(ctx context.Context, to *address, name string, until time.Time, out *Hop) (*conn, error) {
	raw, err := f.reach(ctx, to, until, out)
	if err != nil {
		return nil, err
	}
	c := &conn{stall: max(leastStall, f.options.Timeout)}
	c.socket = socket{Conn: raw, slack: f.options.Timeout / 4}
	c.stream = &c.socket
	if !to.secure {
		return c, nil
	}
	c.watch(ctx)
	c.bound(until, errNoConnection)
	secured := tls.Client(&c.socket, f.config(name))
	c.stream = secured
	began := time.Now()
	if err := secured.Handshake(); err != nil { //nolint:noctx // the context closes the socket
		c.close()
		return nil, err
	}
	if f.options.Extended {
		out.TLS = max(1, time.Since(began))
	}
	return c, nil
}

// reach makes a TCP connection.
func (f *Factory) reach(ctx context.Context, to *address, until time.Time, out *Hop) (net.Conn, error) {
	ctx, cancel := context.WithDeadline(ctx, until)
	defer cancel()
	if f.options.Extended {
		c := &connecting{}
		ctx = c.trace(ctx)
		defer func() { out.DNS, out.TCP, _ = c.took() }()
	}
	raw, err := f.book.dialTo(ctx, to)
	if err != nil && ctx.Err() != nil && classOf(err) != DNS {
		return nil, ctx.Err()
	}
	return raw, err
}

// config is how connections to a host are made secure; made once, because it is copied each time otherwise.
func (f *Factory) config(name string) *tls.Config {
	if found, ok := f.configs.Load(name); ok {
		return found.(*tls.Config)
	}
	made := f.tls.Clone()
	if made.ServerName == "" {
		made.ServerName = name
	}
	if f.addresses.n.Load() < maxAddresses { // a script that makes up hosts has made up addresses
		f.configs.Store(name, made)
	}
	return made
}
