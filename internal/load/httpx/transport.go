package httpx

import (
	"context"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"slices"
	"sync"
	"time"
)

// roundTripper is the wire of the standard library's transport, for proxies and HTTP/2.
type roundTripper struct {
	transport *http.Transport
	timeout   time.Duration
	extended  bool

	mu sync.Mutex
	// spare is the flight that the last hop left behind, nil while one is under way.
	spare *flight
}

func newRoundTripper(f *Factory, perHost, all int) *roundTripper {
	t := &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            f.book.dial,
		TLSClientConfig:        f.tls,
		DisableCompression:     true,
		MaxIdleConnsPerHost:    perHost,
		MaxIdleConns:           all,
		MaxResponseHeaderBytes: maxHeaders,
		ReadBufferSize:         readBuffer,
		WriteBufferSize:        writeBuffer,
		ForceAttemptHTTP2:      slices.Contains(f.tls.NextProtos, "h2"),
	}
	if f.pool != nil {
		t.MaxConnsPerHost = perHost
	}
	return &roundTripper{transport: t, timeout: f.options.Timeout, extended: f.options.Extended}
}

// flight is what one hop needs besides its request: a context that ends it, the
// clock that ends it in time, and the moments that the transport reports. The
// next hop uses it again when this one went by the book.
type flight struct {
	parent context.Context //nolint:containedctx // only to see whether the next hop has the same
	// request carries the flight's context; every hop's request begins as its copy.
	request *http.Request
	cancel  context.CancelCauseFunc
	timer   *time.Timer

	mu sync.Mutex
	// fires is when the timer runs out, zero when it is not running.
	fires time.Time
	// until is when the hop has to be over because of reason, zero when none is under way.
	until            time.Time
	reason           error
	wrote, firstByte time.Time
	// sent says that the request went out whole, so that it must not go out again; informed that
	// something came before the answer, for information only.
	sent, informed bool
	connecting     *connecting
}

func newFlight(parent context.Context, extended bool) *flight {
	ctx, cancel := context.WithCancelCause(parent)
	f := &flight{parent: parent, cancel: cancel}
	trace := f.trace()
	if extended {
		f.connecting = &connecting{}
		f.connecting.watch(trace)
	}
	f.request = (&http.Request{}).WithContext(httptrace.WithClientTrace(ctx, trace))
	return f
}

// flight takes the spare one, or makes one.
func (t *roundTripper) flight(parent context.Context) *flight {
	t.mu.Lock()
	defer t.mu.Unlock()
	if f := t.spare; f != nil && f.parent == parent {
		t.spare = nil
		return f
	}
	return newFlight(parent, t.extended)
}

// land keeps a flight for the next hop, or ends it: the transport may still
// report to a flight whose hop failed, or was answered before it was sent.
func (t *roundTripper) land(f *flight, clean bool) {
	f.mu.Lock()
	clean = clean && !f.wrote.IsZero() && !f.firstByte.IsZero() && f.request.Context().Err() == nil
	f.until, f.wrote, f.firstByte, f.sent, f.informed = time.Time{}, time.Time{}, time.Time{}, false, false
	f.mu.Unlock()
	t.mu.Lock()
	defer t.mu.Unlock()
	if !clean || t.spare != nil {
		f.end()
		return
	}
	t.spare = f
}

// end gives back what the flight holds.
func (f *flight) end() {
	f.cancel(nil)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.until = time.Time{}
	if f.timer != nil {
		f.timer.Stop()
	}
}

// bound ends the hop at a time, for a reason. The timer is left running from
// hop to hop and looks at the bound when it runs out: setting it for each
// would cost more than all the rest.
func (f *flight) bound(until time.Time, reason error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.until, f.reason = until, reason
	if f.fires.IsZero() || until.Before(f.fires) {
		f.wind()
	}
}

// wind sets the timer to the bound.
func (f *flight) wind() {
	f.fires = f.until
	if f.timer == nil {
		f.timer = time.AfterFunc(time.Until(f.until), f.expire)
		return
	}
	f.timer.Reset(time.Until(f.until))
}

func (f *flight) expire() {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.until.IsZero():
		f.fires = time.Time{}
	case time.Now().Before(f.until):
		f.wind()
	default:
		f.cancel(f.reason)
	}
}

func (f *flight) giveUp(reason error) { f.cancel(reason) }

// marks returns when the request was sent and its answer began.
func (f *flight) marks() (wrote, firstByte time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.wrote, f.firstByte
}

// connected is told of every connection the request is given. The transport sends a GET
// again when a connection that was used before breaks under it: to a load test that is
// a failure, and the server must not see a request that nobody counts.
func (f *flight) connected(info httptrace.GotConnInfo) {
	f.mu.Lock()
	f.reason = errHeadersLate
	again := f.sent
	f.mu.Unlock()
	if again {
		f.cancel(errBroken)
		_ = info.Conn.Close() // before anything is written to it
	}
}

func (f *flight) trace() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		GotConn: f.connected,
		WroteRequest: func(info httptrace.WroteRequestInfo) {
			now := time.Now()
			f.mu.Lock()
			defer f.mu.Unlock()
			f.wrote, f.sent = now, info.Err == nil
		},
		GotFirstResponseByte: func() {
			now := time.Now()
			f.mu.Lock()
			defer f.mu.Unlock()
			f.firstByte = now
		},
		Got1xxResponse: func(int, textproto.MIMEHeader) error {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.informed = true
			return nil
		},
	}
}

// answered notes that the answer's headers are there. The transport reports the first byte of
// what came before them for information, which says nothing about how long the answer takes.
func (f *flight) answered() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.informed {
		f.firstByte = time.Now()
	}
}

// prepare returns the request as it is sent: with the flight's context and a body.
func (f *flight) prepare(request *http.Request) *http.Request {
	ready := request.WithContext(f.request.Context())
	if ready.GetBody != nil {
		ready.Body, _ = ready.GetBody() // never an error: it wraps bytes
	}
	return ready
}

// hop sends one request and reads its answer.
func (t *roundTripper) hop(parent context.Context, m *message, keep *Answer) (out Hop, answer reply) {
	f := t.flight(parent)
	request := f.prepare(m.request())
	out.Sent = time.Now()
	f.bound(out.Sent.Add(t.timeout), errNoConnection)
	response, err := t.transport.RoundTrip(request)
	f.answered()
	if err == nil && response.StatusCode < 100 {
		_ = response.Body.Close() // nobody looks at it
		err = errNoCode
	}
	if err == nil {
		out.Code, answer = response.StatusCode, replyOf(response)
		if keep != nil {
			keep.begin(response)
		}
		out.Bytes, err = drain(response.Body, f, max(leastStall, t.timeout), keep)
	}
	out.Done = time.Now()
	out.Wrote, out.FirstByte = f.marks()
	if f.connecting != nil {
		out.DNS, out.TCP, out.TLS = f.connecting.took()
	}
	if err != nil {
		out.Err = classify(err, context.Cause(request.Context()))
	}
	t.land(f, err == nil)
	return out, answer
}

// close ends the connections that nobody uses.
func (t *roundTripper) close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.spare != nil {
		t.spare.end()
		t.spare = nil
	}
	t.transport.CloseIdleConnections()
}
