package amp

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"
)

const (
	dateLayout = "20060102T150405Z"
	maxSkew    = 5 * time.Minute

	dateHeader     = "X-Amz-Date"
	tokenHeader    = "X-Amz-Security-Token"
	bodyHashHeader = "X-Amz-Content-Sha256"
)

// Key is what belongs to an access key.
type Key struct {
	Secret string
	// SessionToken makes the key a temporary one: requests must carry exactly this token. Empty: requests must carry none.
	SessionToken string
}

// verifier knows who may sign, and for what.
type verifier struct {
	service, region string
	keys            map[string]Key
}

// verify says why a request is refused, or nil when its signature is good. It is written from the published description of Signature Version 4 and
// shares no code with any signer, so that a mistake in a signer cannot hide in it.
func (v verifier) verify(r request, now time.Time) *refusal {
	auth, refused := claimed(r)
	if refused != nil {
		return refused
	}
	if refused := v.checkDate(r, auth, now); refused != nil {
		return refused
	}
	if auth.scope.region != v.region || auth.scope.service != v.service {
		return refuse(invalidSignature, "the credential is scoped to %s/%s, this is %s/%s", auth.scope.region, auth.scope.service, v.region, v.service)
	}
	key, known := v.keys[auth.accessKey]
	if !known {
		return refuse(unrecognizedClient, "the access key of this request is unknown")
	}
	if token := r.header.Get(tokenHeader); !hmac.Equal([]byte(token), []byte(key.SessionToken)) {
		return refuse(unrecognizedClient, "the security token of this request does not belong to its access key")
	}
	if hash := r.header.Get(bodyHashHeader); hash != "" && hash != r.bodyHash {
		return refuse(invalidSignature, "%s is not the SHA-256 of the body", bodyHashHeader)
	}
	expected, err := sign(r, auth, key.Secret)
	if err != nil {
		return refuse(incompleteSignature, "%v", err)
	}
	if !hmac.Equal(expected, auth.signature) {
		return refuse(invalidSignature, "the signature does not match the one calculated for this request")
	}
	return nil
}

// claimed reads the Authorization header and insists on the headers whose absence from the signature would let anybody replay it.
func claimed(r request) (authorization, *refusal) {
	values := r.header.Values("Authorization")
	if len(values) == 0 {
		return authorization{}, refuse(missingToken, "Missing Authentication Token")
	}
	for _, name := range []string{"Authorization", dateHeader, tokenHeader, bodyHashHeader} {
		if len(r.header.Values(name)) > 1 {
			return authorization{}, refuse(incompleteSignature, "header %s is sent more than once", name)
		}
	}
	auth, err := parseAuthorization(values[0])
	if err != nil {
		return authorization{}, refuse(incompleteSignature, "%v", err)
	}
	required := []string{"host", "x-amz-date"}
	if len(r.header.Values(tokenHeader)) > 0 {
		required = append(required, "x-amz-security-token")
	}
	for _, name := range required {
		if !auth.signs(name) {
			return authorization{}, refuse(incompleteSignature, "header %s must be among the signed headers", name)
		}
	}
	return auth, nil
}

func (v verifier) checkDate(r request, auth authorization, now time.Time) *refusal {
	signedAt, err := time.Parse(dateLayout, r.header.Get(dateHeader))
	if err != nil {
		return refuse(incompleteSignature, "%s must look like %s", dateHeader, dateLayout)
	}
	if day := signedAt.Format("20060102"); auth.scope.date != day {
		return refuse(invalidSignature, "the credential is scoped to day %s, the request is signed on %s", auth.scope.date, day)
	}
	if skew := now.Sub(signedAt).Abs(); skew > maxSkew {
		return refuse(invalidSignature, "the request is signed at %s, which is %s away from this server's time", signedAt.Format(dateLayout), skew.Round(time.Second))
	}
	return nil
}

// sign computes the signature the holder of the secret would have sent.
func sign(r request, auth authorization, secret string) ([]byte, error) {
	canonical, err := r.canonical(auth.signedHeaders)
	if err != nil {
		return nil, fmt.Errorf("writing the canonical request: %w", err)
	}
	text := algorithm + "\n" + r.header.Get(dateHeader) + "\n" + auth.scope.String() + "\n" + hashHex([]byte(canonical))
	key := []byte("AWS4" + secret)
	for _, part := range []string{auth.scope.date, auth.scope.region, auth.scope.service, scopeTerminator} {
		key = mac(key, part)
	}
	return mac(key, text), nil
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

func hashHex(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
