package httpx

import (
	"context"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// Bounds of the address book.
const (
	// keepNames is how long an address is used before the name is looked up again.
	keepNames = 5 * time.Second
	// keepOld is for how long it may be used besides: while the name is looked up, and where that fails.
	keepOld = 30 * time.Second
	// keepFailure is how long nobody asks again for a name that could not be looked up.
	keepFailure = time.Second
	maxNames    = 1024
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
	// turn says whose turn it is among addresses of equal right.
	turn    atomic.Uint32
	mu      sync.Mutex
	entries map[string]*entry
}

// entry is what a name resolves to.
type entry struct {
	// ready is closed when it is known.
	ready chan struct{}
	// at is when the addresses were looked up, until when they are to be looked up again; zero before they are known.
	at, until time.Time
	addresses []netip.Addr
	err       error
	// before is what was known before, as long as this entry is not ready.
	before *entry
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
	equal := leading(addresses)
	first := int((b.turn.Add(1) - 1) % uint32(equal)) //nolint:gosec // at most maxTried
	for i, a := range addresses {
		if i < equal {
			a = addresses[(first+i)%equal]
		}
		var conn net.Conn
		conn, err = b.try(ctx, net.JoinHostPort(a.Unmap().String(), to.port), i == len(addresses)-1)
		if err == nil || ctx.Err() != nil {
			return conn, err
		}
	}
	return nil, err
}

// leading is how many addresses, of at least one, are of the first one's family. All of them are the
// target, as the pods behind a headless Service: connections are spread over them.
func leading(addresses []netip.Addr) int {
	n := 1
	for n < len(addresses) && addresses[n].Unmap().Is4() == addresses[0].Unmap().Is4() {
		n++
	}
	return n
}

func (b *book) try(ctx context.Context, endpoint string, last bool) (net.Conn, error) {
	if !last {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, tryNext)
		defer cancel()
	}
	return b.dialer.DialContext(ctx, "tcp", endpoint)
}

// lookup resolves a name. Users who ask while another does wait for its answer, unless there is one
// from before: what is wrong with a resolver for a moment is not what is tested.
func (b *book) lookup(ctx context.Context, host string) ([]netip.Addr, error) {
	now := time.Now()
	b.mu.Lock()
	e := b.entries[host]
	if e == nil || !e.until.IsZero() && now.After(e.until) {
		if len(b.entries) >= maxNames {
			clear(b.entries)
		}
		e = &entry{ready: make(chan struct{}), before: e.known(now)}
		b.entries[host] = e
		go b.fill(context.WithoutCancel(ctx), e, host)
	}
	before := e.before
	b.mu.Unlock()
	if before != nil {
		return before.addresses, nil
	}
	select {
	case <-ctx.Done():
		return nil, &net.DNSError{Err: "no answer within the timeout", Name: host, IsTimeout: true}
	case <-e.ready:
		return e.addresses, e.err
	}
}

// known is the entry if it holds addresses that may still be used.
func (e *entry) known(now time.Time) *entry {
	if e == nil || len(e.addresses) == 0 || now.Sub(e.at) > keepOld {
		return nil
	}
	return e
}

// fill asks the resolver. The user who asked first may give up meanwhile, the
// others want the answer nevertheless.
func (b *book) fill(ctx context.Context, e *entry, host string) {
	addresses, err := b.resolve(ctx, host)
	if err == nil && len(addresses) == 0 {
		err = &net.DNSError{Err: "the name has no address", Name: host, IsNotFound: true}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	e.addresses, e.err, e.at, e.until = addresses[:min(len(addresses), maxTried)], err, now, now.Add(keepNames)
	if err != nil {
		e.until = now.Add(keepFailure)
		if old := e.before.known(now); old != nil {
			e.addresses, e.err, e.at = old.addresses, nil, old.at
		}
	}
	e.before = nil
	close(e.ready)
}
