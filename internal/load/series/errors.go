package series

import (
	"slices"
	"strings"
)

// classes are what requests without an answer, or with a wrong one, are counted by.
var classes = []string{
	"body_timeout", "capture", "conn_refused", "conn_reset", "conn_timeout", "dns", "expect", "local", "protocol",
	"redirect_limit", "response_timeout", "script", "tls", "unfinished", "unreachable",
}

// Classes returns what may follow ErrorClass, sorted.
func Classes() []string { return slices.Clone(classes) }

// named are the names that errors have in Artillery: those that one of our classes is counted under as
// well, and those that only Node counts. Gates written for it may name either.
var named = []string{
	"EADDRINUSE", "EADDRNOTAVAIL", "EAI_AGAIN", "ECONNABORTED", "ECONNREFUSED", "ECONNRESET", "EHOSTUNREACH", "EMFILE", "ENETUNREACH",
	"ENFILE", "ENOBUFS", "ENOTFOUND", "EPIPE", "EPROTO", "ESOCKETTIMEDOUT", "ETIMEDOUT",
	"ERR_INVALID_URL", "ERR_SOCKET_TIMEOUT", "ERR_TOO_MANY_REDIRECTS",
	"CERT_HAS_EXPIRED", "DEPTH_ZERO_SELF_SIGNED_CERT", "SELF_SIGNED_CERT_IN_CHAIN", "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
	"UNABLE_TO_VERIFY_LEAF_SIGNATURE", "HPE_INVALID_CONSTANT", "Failed capture or match", "Failed expectations", "Unfinished request",
}

// numbered are the beginnings of Node's own codes, of which there are hundreds.
var numbered = []string{"ERR_", "HPE_"}

// family is the beginning of names and what may follow it.
type family struct {
	prefix string
	member func(rest string) bool
}

func anyWord(rest string) bool { return rest != "" && wordLength(rest) == len(rest) }

func isNodeError(rest string) bool {
	coded := func(prefix string) bool {
		return strings.HasPrefix(rest, prefix) && rest != prefix && anyWord(rest) && strings.ToUpper(rest) == rest
	}
	return slices.Contains(named, rest) || slices.ContainsFunc(numbered, coded)
}

// addErrors adds what errors are counted under by their names.
func (c *Catalogue) addErrors(prefix string) {
	for _, name := range named {
		c.add(prefix+name, Counter)
	}
	c.families = append(c.families, family{prefix, isNodeError})
}
