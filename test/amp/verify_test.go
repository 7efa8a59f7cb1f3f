package amp

import (
	"encoding/hex"
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// vector is one example of AWS's published Signature Version 4 test suite; all are signed at the same time by the same key.
type vector struct {
	Name, Method, Target string
	Headers              []string
	Body                 string
	SignedHeaders        string
	Signature            string
	// Refused is why we refuse a request whose signature is right.
	Refused string
}

const (
	vectorKey    = "AKIDEXAMPLE"
	vectorSecret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
)

var vectorTime = time.Date(2015, 8, 30, 12, 36, 0, 0, time.UTC)

func vectors(t *testing.T) []vector {
	t.Helper()
	content, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var all []vector
	if err := json.Unmarshal(content, &all); err != nil {
		t.Fatal(err)
	}
	return all
}

func (v vector) authorization(t *testing.T) authorization {
	t.Helper()
	signature, err := hex.DecodeString(v.Signature)
	if err != nil {
		t.Fatal(err)
	}
	return authorization{
		accessKey:     vectorKey,
		scope:         scope{date: "20150830", region: "us-east-1", service: "service"},
		signedHeaders: strings.Split(v.SignedHeaders, ";"),
		signature:     signature,
	}
}

func (v vector) request(auth authorization) request {
	path, query, _ := strings.Cut(v.Target, "?")
	r := request{method: v.Method, path: path, query: query, header: http.Header{}, bodyHash: hashHex([]byte(v.Body))}
	for _, line := range v.Headers {
		name, value, _ := strings.Cut(line, ":")
		if name == "Host" {
			r.host = strings.TrimSpace(value)
			continue
		}
		r.header.Add(name, value[1:])
	}
	r.header.Set("Authorization", auth.String())
	return r
}

func (v vector) verifier() verifier {
	key := Key{Secret: vectorSecret}
	for _, line := range v.Headers {
		if token, found := strings.CutPrefix(line, "X-Amz-Security-Token: "); found {
			key.SessionToken = token
		}
	}
	return verifier{service: "service", region: "us-east-1", keys: map[string]Key{vectorKey: key}}
}

func TestPublishedVectors(t *testing.T) {
	all := vectors(t)
	if len(all) < 25 {
		t.Fatalf("only %d vectors were read", len(all))
	}
	for _, v := range all {
		t.Run(v.Name, func(t *testing.T) {
			auth := v.authorization(t)
			r := v.request(auth)
			signature, err := sign(r, auth, vectorSecret)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(v.Signature, hex.EncodeToString(signature)); diff != "" {
				canonical, _ := r.canonical(auth.signedHeaders)
				t.Fatalf("signature (-published +ours):\n%s\ncanonical request:\n%s", diff, canonical)
			}
			got := ""
			if refused := v.verifier().verify(r, vectorTime); refused != nil {
				got = refused.message
			}
			if diff := cmp.Diff(v.Refused, got); diff != "" {
				t.Errorf("refusal (-want +got):\n%s", diff)
			}
		})
	}
}

func TestEveryChangeToAVectorIsRefused(t *testing.T) {
	changes := map[string]func(*request){
		"another method":         func(r *request) { r.method += "X" },
		"another path":           func(r *request) { r.path += "x" },
		"another query":          func(r *request) { r.query += "&x=1" },
		"another host":           func(r *request) { r.host = "x" + r.host },
		"another body":           func(r *request) { r.bodyHash = hashHex([]byte("something else")) },
		"a second later":         func(r *request) { r.header.Set(dateHeader, "20150830T123601Z") },
		"another session token":  func(r *request) { r.header.Set(tokenHeader, "x") },
		"an unsigned payload":    func(r *request) { r.header.Set(bodyHashHeader, "UNSIGNED-PAYLOAD") },
		"no authorization":       func(r *request) { r.header.Del("Authorization") },
		"a second authorization": func(r *request) { r.header.Add("Authorization", r.header.Get("Authorization")) },
	}
	for _, v := range vectors(t) {
		for name, change := range changes {
			r := v.request(v.authorization(t))
			change(&r)
			refused := v.verifier().verify(r, vectorTime)
			if refused == nil {
				t.Errorf("%s with %s was accepted", v.Name, name)
			} else if refused.status != http.StatusForbidden {
				t.Errorf("%s with %s was refused with status %d, not 403", v.Name, name, refused.status)
			}
		}
	}
}

func TestVerify(t *testing.T) {
	plain := func() (request, authorization) {
		r := request{method: "GET", path: "/", host: "example.amazonaws.com", header: http.Header{}, bodyHash: hashHex(nil)}
		r.header.Set(dateHeader, "20150830T123600Z")
		return r, authorization{
			accessKey:     vectorKey,
			scope:         scope{date: "20150830", region: "us-east-1", service: "service"},
			signedHeaders: []string{"host", "x-amz-date"},
		}
	}
	cases := map[string]struct {
		change func(*request, *authorization)
		now    time.Time
		want   string
	}{
		"a good request is accepted":                          {},
		"four minutes and 59 seconds late is accepted":        {now: vectorTime.Add(299 * time.Second)},
		"exactly five minutes early is accepted":              {now: vectorTime.Add(-5 * time.Minute)},
		"more than five minutes late is refused":              {now: vectorTime.Add(301 * time.Second), want: invalidSignature},
		"more than five minutes early is refused":             {now: vectorTime.Add(-301 * time.Second), want: invalidSignature},
		"a credential of another day is refused":              {change: func(_ *request, a *authorization) { a.scope.date = "20150829" }, want: invalidSignature},
		"a credential of another region is refused":           {change: func(_ *request, a *authorization) { a.scope.region = "eu-west-1" }, want: invalidSignature},
		"a credential of another service is refused":          {change: func(_ *request, a *authorization) { a.scope.service = "s3" }, want: invalidSignature},
		"an unknown access key is refused":                    {change: func(_ *request, a *authorization) { a.accessKey = "AKIDOTHER" }, want: unrecognizedClient},
		"a token for a permanent key is refused":              {change: withToken, want: unrecognizedClient},
		"an unsigned token is refused":                        {change: func(r *request, _ *authorization) { r.header.Set(tokenHeader, "t") }, want: incompleteSignature},
		"an unsigned host is refused":                         {change: func(_ *request, a *authorization) { a.signedHeaders = a.signedHeaders[1:] }, want: incompleteSignature},
		"an unsigned date is refused":                         {change: func(_ *request, a *authorization) { a.signedHeaders = a.signedHeaders[:1] }, want: incompleteSignature},
		"a date that is none is refused":                      {change: func(r *request, _ *authorization) { r.header.Set(dateHeader, "yesterday") }, want: incompleteSignature},
		"two dates are refused":                               {change: func(r *request, _ *authorization) { r.header.Add(dateHeader, "20150830T123600Z") }, want: incompleteSignature},
		"a signed header that was not sent is refused":        {change: func(_ *request, a *authorization) { a.signedHeaders = append(a.signedHeaders, "x-gone") }, want: incompleteSignature},
		"a query that cannot be decoded is refused":           {change: func(r *request, _ *authorization) { r.query = "a=%zz" }, want: incompleteSignature},
		"the right hash of the body is accepted":              {change: func(r *request, _ *authorization) { r.header.Set(bodyHashHeader, hashHex(nil)) }},
		"UNSIGNED-PAYLOAD, which only S3 accepts, is refused": {change: func(r *request, _ *authorization) { r.header.Set(bodyHashHeader, "UNSIGNED-PAYLOAD") }, want: invalidSignature},
	}
	v := verifier{service: "service", region: "us-east-1", keys: map[string]Key{vectorKey: {Secret: vectorSecret}}}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			r, auth := plain()
			if c.change != nil {
				c.change(&r, &auth)
			}
			auth.signature = make([]byte, signatureBytes)
			if signature, err := sign(r, auth, vectorSecret); err == nil {
				auth.signature = signature
			}
			r.header.Set("Authorization", auth.String())
			now := c.now
			if now.IsZero() {
				now = vectorTime
			}
			got := ""
			if refused := v.verify(r, now); refused != nil {
				got = refused.kind
			}
			if got != c.want {
				t.Errorf("refusal is %q, want %q", got, c.want)
			}
		})
	}
}

func withToken(r *request, a *authorization) {
	r.header.Set(tokenHeader, "t")
	a.signedHeaders = append(a.signedHeaders, "x-amz-security-token")
}

func TestCanonicalPathEncodesWhatIsOnTheWireAgain(t *testing.T) {
	for wire, want := range map[string]string{
		"/":                     "/",
		"":                      "/",
		"/a%20b":                "/a%2520b",
		"/team%2Fshop/x":        "/team%252Fshop/x",
		"/a/./b/../c/":          "/a/c/",
		"/../../a":              "/a",
		"/%E1%88%B4":            "/%25E1%2588%25B4",
		"/a;b=c,d@e:f!g$h*(i)'": "/a%3Bb%3Dc%2Cd%40e%3Af%21g%24h%2A%28i%29%27",
	} {
		if got := canonicalPath(wire); got != want {
			t.Errorf("canonicalPath(%q) = %q, want %q", wire, got, want)
		}
	}
}

func TestCanonicalQueryEncodesOnceAndSorts(t *testing.T) {
	for wire, want := range map[string]string{
		"":                        "",
		"b=2&a=1":                 "a=1&b=2",
		"a=2&a=10&a=1":            "a=1&a=10&a=2",
		"a":                       "a=",
		"a=b=c":                   "a=b%3Dc",
		"q=a+b":                   "q=a%20b",
		"q=a%20b":                 "q=a%20b",
		"q=a%2Bb":                 "q=a%2Bb",
		"query=up%7Ba%3D%22b%22}": "query=up%7Ba%3D%22b%22%7D",
		"&&a=1&":                  "a=1",
	} {
		got, err := canonicalQuery(wire)
		if err != nil || got != want {
			t.Errorf("canonicalQuery(%q) = %q, %v, want %q", wire, got, err, want)
		}
	}
}
