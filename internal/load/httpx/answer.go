package httpx

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// Answer is the last answer of a request, kept for who wants to look at it.
type Answer struct {
	// Limit is how much of a body is kept; the caller sets it. Decode undoes gzip and deflate.
	Limit  int
	Decode bool

	Code   int
	Header http.Header
	Body   []byte
	// Err is why the body is not whole.
	Err error

	tooLong bool
}

// begin forgets the answer of an earlier hop.
func (a *Answer) begin(r *http.Response) {
	a.Code, a.Header = r.StatusCode, r.Header
	a.Body, a.Err, a.tooLong = a.Body[:0], nil, false
}

// add keeps a piece of the body.
func (a *Answer) add(piece []byte) {
	if a.tooLong = a.tooLong || len(a.Body)+len(piece) > a.Limit; !a.tooLong {
		a.Body = append(a.Body, piece...)
	}
}

// finish decodes the body. What is longer than the limit, before or after, is an error.
func (a *Answer) finish() {
	if !a.tooLong && a.Decode && len(a.Body) > 0 {
		a.decode()
	}
	if a.tooLong {
		a.Body, a.Err = nil, fmt.Errorf("the answer's body is longer than %d bytes, of which nothing is looked at", a.Limit)
	}
}

func (a *Answer) decode() {
	var r io.Reader
	var err error
	switch strings.ToLower(strings.TrimSpace(a.Header.Get("Content-Encoding"))) {
	case "", "identity":
		return
	case "gzip", "x-gzip":
		r, err = gzip.NewReader(bytes.NewReader(a.Body))
	case "deflate":
		if r, err = zlib.NewReader(bytes.NewReader(a.Body)); errors.Is(err, zlib.ErrHeader) {
			r, err = flate.NewReader(bytes.NewReader(a.Body)), nil // some servers leave the wrapping out
		}
	default:
		err = errors.New("not supported")
	}
	var plain []byte
	if err == nil {
		plain, err = io.ReadAll(io.LimitReader(r, int64(a.Limit)+1))
	}
	if err != nil {
		a.Body, a.Err = nil, fmt.Errorf("decoding the answer's %s: %w", a.Header.Get("Content-Encoding"), err)
		return
	}
	a.Body, a.tooLong = plain, len(plain) > a.Limit
}
