package httpx

import (
	"context"
	"crypto/tls"
	"net/http/httptrace"
	"sync"
	"time"
)

// connecting times what comes before a request is sent.
type connecting struct {
	mu            sync.Mutex
	dns, tcp, tls span
}

// span is when something began and ended.
type span struct{ from, to time.Time }

// took is at least a nanosecond for what took place, else 0.
func (s span) took() time.Duration {
	if s.from.IsZero() || s.to.IsZero() {
		return 0
	}
	return max(1, s.to.Sub(s.from))
}

// took returns what the hop that ends waited for, and forgets it.
func (c *connecting) took() (dns, tcp, secure time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	dns, tcp, secure = c.dns.took(), c.tcp.took(), c.tls.took()
	c.dns, c.tcp, c.tls = span{}, span{}, span{}
	return dns, tcp, secure
}

// trace has the dialing under a context watched.
func (c *connecting) trace(ctx context.Context) context.Context {
	t := &httptrace.ClientTrace{}
	c.watch(t)
	return httptrace.WithClientTrace(ctx, t)
}

func (c *connecting) watch(t *httptrace.ClientTrace) {
	begin := func(s *span) {
		c.mu.Lock()
		defer c.mu.Unlock()
		if s.from.IsZero() {
			s.from = time.Now()
		}
	}
	end := func(s *span) {
		c.mu.Lock()
		defer c.mu.Unlock()
		s.to = time.Now()
	}
	t.DNSStart = func(httptrace.DNSStartInfo) { begin(&c.dns) }
	t.DNSDone = func(httptrace.DNSDoneInfo) { end(&c.dns) }
	t.ConnectStart = func(string, string) { begin(&c.tcp) }
	t.ConnectDone = func(string, string, error) { end(&c.tcp) }
	t.TLSHandshakeStart = func() { begin(&c.tls) }
	t.TLSHandshakeDone = func(tls.ConnectionState, error) { end(&c.tls) }
}
