package metric

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"time"

	"golang.org/x/net/http/httpguts"
	"golang.org/x/oauth2"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/judge"
)

const (
	defaultAtOnce    = 10
	defaultFirstWait = 250 * time.Millisecond
	longestWait      = 5 * time.Second
	// MaxAnswer is the most bytes of an answer that are read; longer answers are refused.
	MaxAnswer = 8 << 20
)

// Signer signs a request for AWS; errors are *judge.Failure and hold no secrets.
type Signer interface {
	Sign(ctx context.Context, as api.Sigv4Config, r *http.Request, body []byte) error
}

// ClientConfig says how metric servers are asked. The zero value is usable; without a Signer nothing can be signed.
type ClientConfig struct {
	Signer Signer
	// AtOnce is how many requests one server gets at a time; 0 = 10.
	AtOnce int
	// FirstWait is the middle of the wait before a second attempt; it doubles from attempt to attempt up to 5 s. 0 = 250 ms.
	FirstWait time.Duration
	// Dial replaces how connections are made; nil = TCP.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// Client asks metric servers on behalf of all providers: overlapping equal reads become one, each server has its
// limit, reads are retried, answers are bounded and failures say why without saying too much. Connections are
// shared by all who use the same TLS settings, because nothing about an identity clings to a connection here: it is
// in each request's headers. Tokens and AWS credentials are cached for each identity.
type Client struct {
	signer           Signer
	firstWait        time.Duration
	secure, insecure *http.Transport
	flights          flights
	limits           limits
	tokens           tokens
}

// NewClient makes a client; Close it to drop its idle connections.
func NewClient(c ClientConfig) *Client {
	if c.AtOnce <= 0 {
		c.AtOnce = defaultAtOnce
	}
	if c.FirstWait <= 0 {
		c.FirstWait = defaultFirstWait
	}
	if c.Dial == nil {
		c.Dial = (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext
	}
	return &Client{
		signer:    c.Signer,
		firstWait: c.FirstWait,
		secure:    newTransport(c, &tls.Config{MinVersion: tls.VersionTLS12}),
		// The user asked for it with `insecure: true`.
		insecure: newTransport(c, &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: true}),
		flights:  flights{by: map[digest]*flight{}},
		limits:   limits{atOnce: c.AtOnce, by: map[string]*slots{}},
		tokens:   tokens{by: map[digest]*oauth2.Token{}},
	}
}

func newTransport(c ClientConfig, security *tls.Config) *http.Transport {
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            c.Dial,
		TLSClientConfig:        security,
		TLSHandshakeTimeout:    10 * time.Second,
		ForceAttemptHTTP2:      true,
		MaxIdleConns:           100,
		MaxIdleConnsPerHost:    c.AtOnce,
		IdleConnTimeout:        90 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
	}
}

// Close drops idle connections.
func (c *Client) Close() {
	c.secure.CloseIdleConnections()
	c.insecure.CloseIdleConnections()
}

// Do carries out the request. An answer is returned whatever its status, after the retries it deserves; the error is
// a *judge.Failure.
func (c *Client) Do(ctx context.Context, r Request) (Answer, error) {
	if err := r.check(); err != nil {
		return Answer{}, err
	}
	var answer Answer
	var err error
	if r.Read {
		answer, err = c.flights.do(ctx, r.identity(), func(ctx context.Context) (Answer, error) { return c.persist(ctx, r) })
	} else {
		answer, err = c.attempt(ctx, r)
	}
	if err != nil {
		return Answer{}, r.broken(err)
	}
	return answer, nil
}

// check refuses what would otherwise fail late: two identities at once, and headers that net/http refuses with their
// value in the message.
func (r Request) check() error {
	access := r.Access
	if access.Sigv4 != nil && (access.Basic != nil || access.OAuth2 != nil || r.URL.User != nil || r.Header.Get("Authorization") != "") {
		return r.Fail(judge.BadConfig, "a request signed with sigv4 cannot carry other credentials as well")
	}
	for name, values := range r.Header {
		if !httpguts.ValidHeaderFieldName(name) {
			return r.Fail(judge.BadConfig, "a header's name has characters that are not allowed")
		}
		for _, value := range values {
			if !httpguts.ValidHeaderFieldValue(value) {
				return r.Fail(judge.BadConfig, "the value of header %s has characters that are not allowed: a line break at the end of a secret is a common reason", name)
			}
		}
	}
	return nil
}

// persist attempts a read until it is answered for good or its time for new attempts is over.
func (c *Client) persist(ctx context.Context, r Request) (Answer, error) {
	deadline := time.Now().Add(r.Within)
	for n := 0; ; n++ {
		answer, err := c.attempt(ctx, r)
		answer.Attempts = n + 1
		if !worthAnother(answer, err) || ctx.Err() != nil {
			return answer, err
		}
		wait := c.wait(n, answer)
		if time.Now().Add(wait).After(deadline) {
			return answer, err
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return answer, err
		}
	}
}

func worthAnother(a Answer, err error) bool {
	var failure *judge.Failure
	switch {
	case errors.As(err, &failure):
		return failure.Class == judge.Throttled || failure.Class == judge.ServerError || failure.Class == judge.Unreachable
	case err != nil:
		return !errors.Is(err, http.ErrSchemeMismatch)
	default:
		class := classOf(a.Status)
		return class == judge.Throttled || class == judge.ServerError
	}
}

// wait is at least what the server asks for, else around firstWait·2ⁿ, anywhere from half to one and a half times of
// it: callers that failed together must not come back together.
func (c *Client) wait(n int, a Answer) time.Duration {
	wait := min(c.firstWait<<min(n, 16), longestWait)
	wait = wait/2 + rand.N(wait)
	if seconds, err := strconv.Atoi(a.Header.Get("Retry-After")); err == nil && seconds > 0 {
		wait = max(wait, time.Duration(min(seconds, 3600))*time.Second)
	}
	return wait
}

// attempt asks once. Waiting for one's turn has the same bound as the exchange and does not shorten it.
func (c *Client) attempt(ctx context.Context, r Request) (Answer, error) {
	turn, cancel := context.WithTimeout(ctx, r.Timeout)
	defer cancel()
	release, err := c.limits.acquire(turn, r.backend())
	if err != nil {
		if ctx.Err() == nil {
			return Answer{}, r.Fail(judge.TimedOut, "had to wait for other requests to the same server for more than %s%s", r.Timeout, r.at())
		}
		return Answer{}, ctx.Err()
	}
	defer release()
	ctx, cancel = context.WithTimeout(ctx, r.Timeout)
	defer cancel()
	return c.exchange(ctx, r)
}

func (c *Client) exchange(ctx context.Context, r Request) (Answer, error) {
	client := &http.Client{Transport: c.transport(r), CheckRedirect: r.mayFollow}
	request, err := c.build(ctx, r, client)
	if err != nil {
		return Answer{}, err
	}
	response, err := client.Do(request)
	if err != nil {
		return Answer{}, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, MaxAnswer+1))
	if err != nil {
		return Answer{}, err
	}
	if len(body) > MaxAnswer {
		return Answer{}, r.Fail(judge.BadAnswer, "the answer is larger than %d MiB%s", MaxAnswer>>20, r.at())
	}
	answer := Answer{Status: response.StatusCode, Header: response.Header, Body: body}
	if date, err := http.ParseTime(response.Header.Get("Date")); err == nil {
		answer.Ahead = time.Until(date).Round(time.Second)
	}
	if answer.Status == http.StatusUnauthorized && r.Access.OAuth2 != nil {
		c.tokens.forget(r.Access.OAuth2)
	}
	return answer, nil
}

func (c *Client) transport(r Request) *http.Transport {
	if r.Access.Insecure {
		return c.insecure
	}
	return c.secure
}

// build makes the request with its headers and credentials; the signature comes last, since it covers all others.
func (c *Client) build(ctx context.Context, r Request, client *http.Client) (*http.Request, error) {
	target := *r.URL
	target.User = nil
	request, err := http.NewRequestWithContext(ctx, r.Method, target.String(), bytes.NewReader(r.Body))
	if err != nil {
		return nil, r.Fail(judge.BadConfig, "the request could not be built from its address and method")
	}
	request.Header = r.Header.Clone()
	if request.Header == nil {
		request.Header = http.Header{}
	}
	if host := request.Header.Get("Host"); host != "" {
		request.Host = host
		request.Header.Del("Host")
	}
	if request.Header.Get("User-Agent") == "" {
		request.Header.Set("User-Agent", "sluice")
	}
	if user := r.URL.User; user != nil && request.Header.Get("Authorization") == "" {
		password, _ := user.Password()
		request.SetBasicAuth(user.Username(), password)
	}
	if basic := r.Access.Basic; basic != nil {
		request.SetBasicAuth(basic.User, basic.Password)
	}
	if r.Access.OAuth2 != nil {
		token, err := c.tokens.token(ctx, r, client)
		if err != nil {
			return nil, err
		}
		token.SetAuthHeader(request)
	}
	return request, c.sign(ctx, r, request)
}

func (c *Client) sign(ctx context.Context, r Request, request *http.Request) error {
	switch {
	case r.Access.Sigv4 == nil:
		return nil
	case c.signer == nil:
		return r.Fail(judge.BadConfig, "requests cannot be signed for AWS here")
	default:
		return c.signer.Sign(ctx, *r.Access.Sigv4, request, r.Body)
	}
}

// mayFollow lets a request be redirected only where it loses nothing and betrays nothing: a signature holds for one
// address, a read with a body must keep it, and what is meant for one server is not sent to another.
func (r Request) mayFollow(next *http.Request, via []*http.Request) error {
	first := via[0]
	switch {
	case len(via) >= 10,
		r.Access.Sigv4 != nil,
		r.Read && next.Method != first.Method,
		r.trusted() && !sameServer(first, next):
		return http.ErrUseLastResponse
	default:
		return nil
	}
}

// sameServer allows a step from http to https on the same host, never back.
func sameServer(from, to *http.Request) bool {
	if from.URL.Scheme == to.URL.Scheme {
		return from.URL.Host == to.URL.Host
	}
	return to.URL.Scheme == "https" && from.URL.Hostname() == to.URL.Hostname()
}
