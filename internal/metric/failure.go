package metric

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"
	"unicode"

	"sluice.dev/sluice/internal/judge"
)

// maxDetail bounds what a message repeats of a server's own words.
const maxDetail = 300

// Fail is a failure told in the requester's name. The caller's words must not hold the text of an error or a
// server when r.Secret.
func (r Request) Fail(class judge.FailureClass, format string, args ...any) *judge.Failure {
	return &judge.Failure{Class: class, Message: r.Who + ": " + fmt.Sprintf(format, args...)}
}

// Refused explains an answer that is no success. Kind is the server's word for the error, from a list the caller
// knows, so that it cannot be an echo; detail is what the server said, left out when a secret fed the request, because
// servers repeat what they were sent. Both may be empty.
func (r Request) Refused(a Answer, kind, detail string) *judge.Failure {
	message := fmt.Sprintf("answered %d", a.Status)
	if text := http.StatusText(a.Status); text != "" {
		message += " " + text
	}
	if kind == "" {
		kind = awsErrorType(a.Header)
	}
	if kind != "" {
		message += " (" + kind + ")"
	}
	if hint := r.hint(a); hint != "" {
		message += ": " + hint
	}
	if detail := Excerpt(detail); detail != "" && !r.Secret {
		message += ": " + detail
	}
	return r.Fail(classOf(a.Status), "%s", message)
}

func classOf(status int) judge.FailureClass {
	switch {
	case status == http.StatusUnauthorized, status == http.StatusForbidden, status == http.StatusProxyAuthRequired:
		return judge.Unauthorized
	case status == http.StatusTooManyRequests:
		return judge.Throttled
	case status >= 500:
		return judge.ServerError
	case status >= 400:
		return judge.BadQuery
	case status >= 300:
		return judge.BadConfig
	default:
		return judge.BadAnswer
	}
}

// hint says what usually is wrong, from things that are no secret.
func (r Request) hint(a Answer) string {
	switch {
	case a.Status >= 300 && a.Status < 400:
		return "it sends us elsewhere, and what this request carries is not for others to see; use the final address"
	case r.Access.Sigv4 != nil && classOf(a.Status) == judge.Unauthorized && a.Ahead.Abs() > 4*time.Minute:
		return fmt.Sprintf("this machine's clock is %s off the server's, signatures allow 5m0s", a.Ahead.Abs())
	default:
		return ""
	}
}

// awsErrorType gives the type of an AWS error when it is one AWS is known to use: then it cannot repeat a secret.
func awsErrorType(h http.Header) string {
	kind, _, _ := strings.Cut(h.Get("X-Amzn-Errortype"), ":")
	switch kind {
	case "AccessDeniedException", "ExpiredTokenException", "IncompleteSignatureException", "InternalServerException",
		"InvalidSignatureException", "MissingAuthenticationTokenException", "ResourceNotFoundException",
		"ServiceQuotaExceededException", "ServiceUnavailableException", "ThrottlingException",
		"UnrecognizedClientException", "ValidationException":
		return kind
	default:
		return ""
	}
}

// Excerpt makes a server's words fit for one line of a message.
func Excerpt(text string) string {
	clean := strings.Join(strings.FieldsFunc(text, func(c rune) bool { return unicode.IsSpace(c) || unicode.IsControl(c) }), " ")
	if len(clean) <= maxDetail {
		return strings.ToValidUTF8(clean, "?")
	}
	return strings.ToValidUTF8(clean[:maxDetail], "") + "…"
}

// broken explains why there was no complete answer. It chooses among fixed words by the kind of error and never
// uses an error's text, which may hold the address.
func (r Request) broken(err error) *judge.Failure {
	var failure *judge.Failure
	switch {
	case errors.As(err, &failure):
		return failure
	case errors.Is(err, context.Canceled):
		return r.Fail(judge.TimedOut, "stopped before there was an answer")
	case isTimeout(err):
		return r.Fail(judge.TimedOut, "no complete answer within %s%s", r.Timeout, r.at())
	case errors.Is(err, http.ErrSchemeMismatch):
		return r.Fail(judge.BadConfig, "the address says https, but the server speaks http%s", r.at())
	default:
		return r.Fail(judge.Unreachable, "no connection: %s%s", cause(err), r.at())
	}
}

func isTimeout(err error) bool {
	var timeout interface{ Timeout() bool }
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout()
}

func cause(err error) string {
	var dns *net.DNSError
	var record tls.RecordHeaderError
	var op *net.OpError
	if trouble := certificateTrouble(err); trouble != "" {
		return trouble
	}
	switch {
	case errors.As(err, &dns):
		return lookupTrouble(dns)
	case errors.As(err, &record):
		return "the server does not speak TLS"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "the connection was refused"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "the connection was reset"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return "there is no route to the host"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "the connection was closed before the answer was complete"
	case errors.As(err, &op) && op.Op == "dial":
		return "the server could not be dialled"
	default:
		return "the connection broke"
	}
}

func lookupTrouble(err *net.DNSError) string {
	if err.IsNotFound {
		return "the host name is not known"
	}
	return "the host name could not be looked up"
}

func certificateTrouble(err error) string {
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	var verification *tls.CertificateVerificationError
	switch {
	case errors.As(err, &unknown):
		return "the server's certificate is signed by an unknown authority"
	case errors.As(err, &name):
		return "the server's certificate is for another host name"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "the server's certificate has expired or is not valid yet"
	case errors.As(err, &invalid):
		return "the server's certificate does not fit its purpose"
	case errors.As(err, &verification):
		return "the server's certificate could not be verified"
	default:
		return ""
	}
}

// ParseAddress reads a server's address. Its errors never repeat the address, which may be a secret.
func ParseAddress(who, address string) (*url.URL, *judge.Failure) {
	if address == "" {
		return nil, badAddress(who + " address is not configured")
	}
	if strings.TrimSpace(address) != address {
		return nil, badAddress(who + " address begins or ends with white space: a line break at the end of a secret is a common reason")
	}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, badAddress(who + " address is not in URL format: it needs a scheme (http or https) and a host")
	}
	u.RawQuery = strings.ReplaceAll(u.RawQuery, " ", "%20") // url.Parse lets it pass, servers do not
	return u, nil
}

func badAddress(message string) *judge.Failure {
	return &judge.Failure{Class: judge.BadConfig, Message: message}
}
