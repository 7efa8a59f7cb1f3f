package httpx

import (
	"context"
	"net"
	"net/netip"
	"sync"
	"time"
)

// Bounds of the address book.
const (
	// keepNames is how long an address is used before the name is looked up again.
	keepNames = 5 * time.Second
	maxNames  = 1024
	// maxTried is how many of a name's addresses are tried.
	maxTried = 16
	// tryNext is how long one address may take while there are others.
	tryNext = 2 * time.Second
)

// book remembers what names resolve to, for all users: each name is looked up
// at most once every few seconds, however many connections are made.
type book struct {
	dialer  net.Dialer
	resolve func(ctx context.Context, host string) ([]netip.Addr, error)
	ports   ports
	mu      sync.Mutex
	entries map[string]*entry
}

type entry struct {
	ready     chan struct{}
	until     time.Time
	addresses []netip.Addr
	err       error
}

func newBook() *book {
	return &book{
		dialer:  net.Dialer{KeepAlive: -1},
		entries: map[string]*entry{},
		resolve: func(ctx context.Context, host string) ([]netip.Addr, error) {
			return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
		},
	}
}

// dial connects for the standard library's transport, which gives addresses as text.
func (b *book) dial(ctx context.Context, network, text string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(text)
	if err != nil {
		return b.dialer.DialContext(ctx, network, text)
	}
	to := &address{name: host, port: port, endpoint: text}
	_, err = netip.ParseAddr(host)
	to.numeric = err == nil
	return b.dialTo(ctx, to)
}

// dialTo connects, and minds the ports.
func (b *book) dialTo(ctx context.Context, to *address) (net.Conn, error) {
	conn, err := b.reach(ctx, to)
	if tcp, ok := conn.(*net.TCPConn); ok && err == nil {
		return thrifty{tcp, &b.ports}, nil
	}
	return conn, err
}

// reach connects to the first of a name's addresses that answers.
func (b *book) reach(ctx context.Context, to *address) (net.Conn, error) {
	if to.numeric {
		return b.dialer.DialContext(ctx, "tcp", to.endpoint)
	}
	addresses, err := b.lookup(ctx, to.name)
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: err}
	}
	for i, a := range addresses {
		var conn net.Conn
		conn, err = b.try(ctx, net.JoinHostPort(a.Unmap().String(), to.port), i == len(addresses)-1)
		if err == nil || ctx.Err() != nil {
			return conn, err
		}
	}
	return nil, err
}

func (b *book) try(ctx context.Context, endpoint string, last bool) (net.Conn, error) {
	if !last {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, tryNext)
		defer cancel()
	}
	return b.dialer.DialContext(ctx, "tcp", endpoint)
}

// lookup resolves a name; users who ask while another does wait for its answer.
func (b *book) lookup(ctx context.Context, host string) ([]netip.Addr, error) {
	b.mu.Lock()
	e := b.entries[host]
	if e == nil || !e.until.IsZero() && time.Now().After(e.until) {
		if len(b.entries) >= maxNames {
			clear(b.entries)
		}
		e = &entry{ready: make(chan struct{})}
		b.entries[host] = e
		go b.fill(context.WithoutCancel(ctx), e, host)
	}
	b.mu.Unlock()
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-e.ready:
		return e.addresses, e.err
	}
}

// fill asks the resolver. The user who asked first may give up meanwhile, the
// others want the answer nevertheless.
func (b *book) fill(ctx context.Context, e *entry, host string) {
	addresses, err := b.resolve(ctx, host)
	if err == nil && len(addresses) == 0 {
		err = &net.DNSError{Err: "the name has no address", Name: host, IsNotFound: true}
	}
	b.mu.Lock()
	e.addresses, e.err = addresses[:min(len(addresses), maxTried)], err
	e.until = time.Now().Add(keepNames)
	b.mu.Unlock()
	close(e.ready)
}
