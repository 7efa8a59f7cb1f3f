package amp

import (
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
)

const (
	algorithm       = "AWS4-HMAC-SHA256"
	scopeTerminator = "aws4_request"
	signatureBytes  = 32
)

// authorization is what the Authorization header of a signed request claims. Nothing in it is believed before the signature was recomputed.
type authorization struct {
	accessKey string
	scope     scope
	// signedHeaders are lower-case names in ascending order, without repetition.
	signedHeaders []string
	signature     []byte
}

// scope says for which day, region and service a signing key is good.
type scope struct {
	date, region, service string
}

func (s scope) String() string {
	return strings.Join([]string{s.date, s.region, s.service, scopeTerminator}, "/")
}

// String writes the header in the form signers send it; parsing the result gives the same authorization again.
func (a authorization) String() string {
	return fmt.Sprintf("%s Credential=%s/%s, SignedHeaders=%s, Signature=%s",
		algorithm, a.accessKey, a.scope, strings.Join(a.signedHeaders, ";"), hex.EncodeToString(a.signature))
}

func (a authorization) signs(header string) bool {
	_, found := slices.BinarySearch(a.signedHeaders, header)
	return found
}

// parseAuthorization reads the value of an Authorization header. It is strict: every parameter once, nothing unknown, because a header that two
// readers understand differently is one a signature does not protect.
func parseAuthorization(header string) (authorization, error) {
	name, rest, found := strings.Cut(header, " ")
	if !found || name != algorithm {
		return authorization{}, fmt.Errorf("the authorization must start with %s", algorithm)
	}
	parameters, err := splitParameters(rest)
	if err != nil {
		return authorization{}, err
	}
	var a authorization
	if a.accessKey, a.scope, err = parseCredential(parameters["Credential"]); err != nil {
		return authorization{}, err
	}
	if a.signedHeaders, err = parseSignedHeaders(parameters["SignedHeaders"]); err != nil {
		return authorization{}, err
	}
	if a.signature, err = parseSignature(parameters["Signature"]); err != nil {
		return authorization{}, err
	}
	return a, nil
}

func splitParameters(list string) (map[string]string, error) {
	parameters := map[string]string{}
	for part := range strings.SplitSeq(list, ",") {
		name, value, found := strings.Cut(strings.Trim(part, " "), "=")
		switch {
		case !found:
			return nil, fmt.Errorf("parameter %q of the authorization has no value", name)
		case name != "Credential" && name != "SignedHeaders" && name != "Signature":
			return nil, fmt.Errorf("parameter %q of the authorization is unknown", name)
		case parameters[name] != "":
			return nil, fmt.Errorf("parameter %s of the authorization is given twice", name)
		case value == "":
			return nil, fmt.Errorf("parameter %s of the authorization is empty", name)
		}
		parameters[name] = value
	}
	if len(parameters) != 3 {
		return nil, errors.New("the authorization needs Credential, SignedHeaders and Signature")
	}
	return parameters, nil
}

func parseCredential(value string) (accessKey string, s scope, err error) {
	parts := strings.Split(value, "/")
	if len(parts) != 5 || slices.Contains(parts, "") || parts[4] != scopeTerminator || strings.ContainsAny(value, " \t") {
		return "", scope{}, fmt.Errorf("the credential must be key/date/region/service/%s", scopeTerminator)
	}
	return parts[0], scope{date: parts[1], region: parts[2], service: parts[3]}, nil
}

func parseSignedHeaders(value string) ([]string, error) {
	names := strings.Split(value, ";")
	for i, name := range names {
		switch {
		case name == "":
			return nil, errors.New("the signed headers hold an empty name")
		case name != strings.ToLower(name) || strings.ContainsAny(name, " \t"):
			return nil, fmt.Errorf("signed header %q is not in lower case", name)
		case i > 0 && names[i-1] >= name:
			return nil, errors.New("the signed headers are not sorted, or one is named twice")
		}
	}
	return names, nil
}

func parseSignature(value string) ([]byte, error) {
	if value != strings.ToLower(value) {
		return nil, errors.New("the signature is not lower-case hexadecimal")
	}
	signature, err := hex.DecodeString(value)
	if err != nil || len(signature) != signatureBytes {
		return nil, fmt.Errorf("the signature is not %d hexadecimal digits", 2*signatureBytes)
	}
	return signature, nil
}
