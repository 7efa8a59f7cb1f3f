package metric

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	api "sluice.dev/sluice/api/v1alpha1"
)

// Request is one exchange with a metric server.
type Request struct {
	// Who asks, for example "prometheus": every message begins with it.
	Who    string
	Method string
	// URL must be absolute; user info in it is sent as basic authentication.
	URL    *url.URL
	Header http.Header
	Body   []byte
	Access Access
	// At is the moment the question is about: equal questions about different moments are not shared.
	At time.Time
	// Read tells that asking twice does no harm: equal reads are shared and failed ones are retried.
	Read bool
	// Secret tells that a secret fed the request: messages then hold a class and a status code, never a server's
	// or an error's text.
	Secret bool
	// Timeout bounds one attempt.
	Timeout time.Duration
	// Within bounds, from the beginning, when another attempt may start. Zero: one attempt.
	Within time.Duration
}

// Access is how a server is reached and as whom.
type Access struct {
	// Insecure skips the verification of the server's certificate.
	Insecure bool
	Basic    *Basic
	OAuth2   *api.OAuth2Config
	// Sigv4, when present, signs the request whatever the host.
	Sigv4 *api.Sigv4Config
}

// Basic is HTTP basic authentication.
type Basic struct{ User, Password string }

// Answer is what a server said.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
	// Ahead is how far the server's clock is ahead of ours, to the second; zero when it did not say.
	Ahead time.Duration
	// Attempts is how many requests it took.
	Attempts int
}

// OK reports whether the status is one of success.
func (a Answer) OK() bool { return a.Status >= 200 && a.Status < 300 }

// trusted reports whether the request carries something that only the server it is addressed to may see.
func (r Request) trusted() bool {
	return r.Secret || len(r.Header) > 0 || r.URL.User != nil ||
		r.Access.Basic != nil || r.Access.OAuth2 != nil || r.Access.Sigv4 != nil
}

// backend names the server whose limit the request counts against.
func (r Request) backend() string { return r.URL.Scheme + "://" + r.URL.Host }

// at names the server in messages, when it may be named.
func (r Request) at() string {
	if r.Secret {
		return ""
	}
	return " (" + r.URL.Host + ")"
}

type digest [sha256.Size]byte

// identity tells requests apart by everything that could change the answer or how it is told. It is a digest, so
// that no secret stays in memory as a key.
func (r Request) identity() digest {
	parts := []string{
		r.Who, r.Method, r.URL.String(), string(r.Body), r.At.UTC().Format(time.RFC3339Nano),
		strconv.FormatBool(r.Read), strconv.FormatBool(r.Secret), r.Timeout.String(), r.Within.String(),
	}
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		parts = append(parts, "header", name)
		parts = append(parts, r.Header[name]...)
	}
	return digestOf(append(parts, r.Access.parts()...))
}

func (a Access) parts() []string {
	parts := []string{"insecure", strconv.FormatBool(a.Insecure)}
	if a.Basic != nil {
		parts = append(parts, "basic", a.Basic.User, a.Basic.Password)
	}
	if a.OAuth2 != nil {
		parts = append(parts, oauth2Parts(a.OAuth2)...)
	}
	if a.Sigv4 != nil {
		parts = append(parts, "sigv4", fmt.Sprintf("%+v", *a.Sigv4))
	}
	return parts
}

// digestOf prefixes every part with its length: two lists have the same digest only when they are the same list.
func digestOf(parts []string) digest {
	h := sha256.New()
	for _, part := range parts {
		var length [8]byte
		binary.BigEndian.PutUint64(length[:], uint64(len(part)))
		h.Write(length[:])
		h.Write([]byte(part))
	}
	return digest(h.Sum(nil))
}
