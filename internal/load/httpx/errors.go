package httpx

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"
)

// Class is why a request has no answer: one of a closed set.
type Class string

// The classes of errors.
const (
	DNS             Class = "dns"
	ConnRefused     Class = "conn_refused"
	ConnReset       Class = "conn_reset"
	ConnTimeout     Class = "conn_timeout"
	TLS             Class = "tls"
	ResponseTimeout Class = "response_timeout"
	BodyTimeout     Class = "body_timeout"
	Protocol        Class = "protocol"
	RedirectLimit   Class = "redirect_limit"
	// Script is a request that could not be built, such as an invalid URL.
	Script Class = "script"
	// Capture is an answer without what the script wanted from it, Expect one that is not
	// as expected. Both were answered.
	Capture Class = "capture"
	Expect  Class = "expect"
	// Local is our own machine's limit: no file descriptor or port left.
	Local Class = "local"
	// Unreachable is a network or host without a route to it.
	Unreachable Class = "unreachable"
	// Unfinished is a request that was still under way when the run ended, as long as users were waited for.
	Unfinished Class = "unfinished"
)

// nodes are the names that Artillery, running on Node.js, has for the classes.
var nodes = map[Class]string{
	DNS: "ENOTFOUND", ConnRefused: "ECONNREFUSED", ConnReset: "ECONNRESET", ConnTimeout: "ETIMEDOUT", ResponseTimeout: "ETIMEDOUT",
	BodyTimeout: "ERR_SOCKET_TIMEOUT", TLS: "EPROTO", RedirectLimit: "ERR_TOO_MANY_REDIRECTS", Script: "ERR_INVALID_URL",
	Local: "EADDRNOTAVAIL", Unreachable: "EHOSTUNREACH", Protocol: "HPE_INVALID_CONSTANT",
	Capture: "Failed capture or match", Expect: "Failed expectations", Unfinished: "Unfinished request",
}

// Node is the name that Artillery counts the class under.
func (c Class) Node() string { return nodes[c] }

// Classes returns all classes, sorted.
func Classes() []Class { return slices.Sorted(maps.Keys(nodes)) }

// Error is a classified error.
type Error struct {
	Class Class
	Err   error
}

func (e *Error) Error() string { return fmt.Sprintf("%s: %v", e.Class, e.Err) }

// Unwrap returns what went wrong underneath.
func (e *Error) Unwrap() error { return e.Err }

var (
	errHeadersLate  = errors.New("no answer within the timeout")
	errBodyStalled  = errors.New("the answer's body stalled")
	errTooManyHops  = errors.New("more than 10 redirects")
	errNotAnAddress = errors.New("not an http address")
	errBadRedirect  = errors.New("the redirect leads to no http address")
	errBodyTooLong  = errors.New("the answer's body took too long")
	errBroken       = errors.New("the connection broke before the answer")
	errNoCode       = errors.New("the answer has no status code from 100 on")
	errNoConnection = errors.New("no connection within the timeout")
)

// classify finds the class of a transport's error; cause is why its context ended, if it did.
func classify(err, cause error) *Error {
	switch {
	case errors.Is(cause, errHeadersLate):
		return &Error{Class: ResponseTimeout, Err: cause}
	case errors.Is(cause, errNoConnection):
		return &Error{Class: ConnTimeout, Err: cause}
	case errors.Is(cause, errBroken):
		return &Error{Class: ConnReset, Err: cause}
	case errors.Is(cause, errBodyStalled), errors.Is(cause, errBodyTooLong):
		return &Error{Class: BodyTimeout, Err: cause}
	}
	return &Error{Class: classOf(err), Err: err}
}

// codes are the system's errors that have a class.
var codes = map[syscall.Errno]Class{
	syscall.ECONNREFUSED: ConnRefused,
	syscall.ECONNRESET:   ConnReset, syscall.EPIPE: ConnReset, syscall.ECONNABORTED: ConnReset,
	syscall.EMFILE: Local, syscall.ENFILE: Local, syscall.EADDRNOTAVAIL: Local, syscall.ENOBUFS: Local, syscall.ENOMEM: Local,
	syscall.EHOSTUNREACH: Unreachable, syscall.ENETUNREACH: Unreachable,
	syscall.ETIMEDOUT: ConnTimeout,
}

func classOf(err error) Class {
	var code syscall.Errno
	if errors.As(err, &code) {
		if class, known := codes[code]; known {
			return class
		}
	}
	var dns *net.DNSError
	if errors.As(err, &dns) {
		return DNS
	}
	if isTLS(err) {
		return TLS
	}
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "dial" && op.Timeout() {
		return ConnTimeout
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) {
		return ResponseTimeout
	}
	if closedEarly(err) {
		return ConnReset
	}
	return Protocol
}

// closedEarly says whether the server closed the connection instead of
// answering. The transport's own error for it has no name to compare with.
func closedEarly(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || strings.Contains(err.Error(), "server closed idle connection")
}

func isTLS(err error) bool {
	var header tls.RecordHeaderError
	var verification *tls.CertificateVerificationError
	var authority x509.UnknownAuthorityError
	var host x509.HostnameError
	var alert tls.AlertError
	return errors.As(err, &header) || errors.As(err, &verification) || errors.As(err, &authority) ||
		errors.As(err, &host) || errors.As(err, &alert)
}
