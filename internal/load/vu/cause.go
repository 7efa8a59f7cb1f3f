package vu

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"sluice.dev/sluice/internal/load/httpx"
)

// cause says in one line why something was counted, with what the script has to do with it.
func (u *user) cause(class httpx.Class, name string, err error) string {
	switch text := cause(class, name, err); class {
	case httpx.ResponseTimeout, httpx.ConnTimeout:
		return fmt.Sprintf("%s (config.http.timeout is %s)", text, u.script.Timeout)
	case httpx.Unfinished:
		return "no answer yet when the test ended (--wait-for-users gives users longer)"
	default:
		return text
	}
}

// cause says in one line why something was counted under a class and a name, and what can be done where that is known.
func cause(class httpx.Class, name string, err error) string {
	text := name
	switch {
	case err == nil || strings.Contains(name, err.Error()):
	case name == class.Node() || strings.Contains(err.Error(), name):
		text = causeOf(err)
	default:
		text += ": " + causeOf(err)
	}
	return oneLine(text)
}

func causeOf(err error) string {
	var name *net.DNSError
	var unverified *tls.CertificateVerificationError
	var header tls.RecordHeaderError
	switch {
	case errors.As(err, &name):
		return "lookup " + name.Name + ": " + name.Err // which server was asked helps nobody
	case errors.As(err, &unverified):
		return distrusted(unverified.Err)
	case errors.As(err, &header):
		return header.Error() + " (a target without TLS is http://)"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "the server closed the connection before its answer was complete"
	}
	return err.Error()
}

// distrusted says why a certificate is not taken, and which options take it.
func distrusted(err error) string {
	const anyWay = "config.tls.rejectUnauthorized: false or -k takes it"
	var authority x509.UnknownAuthorityError
	if errors.As(err, &authority) {
		return err.Error() + " (config.tls.certificateAuthority names one; " + anyWay + ")"
	}
	return err.Error() + " (" + anyWay + ")"
}

// oneLine replaces what would move the cursor.
func oneLine(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "?")))
}
