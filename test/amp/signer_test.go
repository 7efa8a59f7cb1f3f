package amp

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"pgregory.net/rapid"
)

// signedBySDK makes a request as a real client sends it: built from a URL, signed by AWS's own signer.
func signedBySDK(ctx context.Context, method, url, body string, key Key, at time.Time) (*http.Request, error) {
	r, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	credentials := aws.Credentials{AccessKeyID: vectorKey, SecretAccessKey: key.Secret, SessionToken: key.SessionToken}
	if err := v4.NewSigner().SignHTTP(ctx, credentials, r, hashHex([]byte(body)), Service, "us-west-2", at); err != nil {
		return nil, fmt.Errorf("signing: %w", err)
	}
	return r, nil
}

// verdicts serves nothing but the verifier's answer, so that paths AMP does not have can be signed too.
func verdicts(t *testing.T, key Key) *httptest.Server {
	t.Helper()
	v := verifier{service: Service, region: "us-west-2", keys: map[string]Key{vectorKey: key}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		if refused := v.verify(wireRequest(r, body), time.Now()); refused != nil {
			refused.writeTo(w)
		}
	}))
	t.Cleanup(server.Close)
	return server
}

// verdict sends the request over a real connection.
func verdict(r *http.Request) (status int, body string, err error) {
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	return response.StatusCode, string(content), err
}

func TestRequestsSignedByTheSDKAreAccepted(t *testing.T) {
	permanent, temporary := Key{Secret: vectorSecret}, Key{Secret: vectorSecret, SessionToken: "FwoGZXIvYXdzEA//+=="}
	cases := map[string]struct {
		method, target, body string
		key                  Key
	}{
		"a query by GET":                         {"GET", "/workspaces/ws-1/api/v1/query?query=sum%28up%7Ba%3D%22b%22%7D%29+by+%28pod%29&time=1.5", "", permanent},
		"a query by POST with a session token":   {"POST", "/workspaces/ws-1/api/v1/query", "query=up%7Ba%3D%22b%22%7D&time=1", temporary},
		"an escaped slash in the path":           {"GET", "/team%2Fshop/api/v1/query?query=up", "", permanent},
		"a space in the path":                    {"GET", "/team%20shop/api/v1/query?query=up", "", permanent},
		"an escaped percent sign in the path":    {"GET", "/100%25/api", "", temporary},
		"characters outside ASCII":               {"GET", "/%E1%88%B4/%C3%BC?%E1%88%B4=%C3%BC", "", permanent},
		"reserved characters left as they are":   {"GET", "/a;b=c,d@e:f!g$h*(i)'+j&k", "", permanent},
		"the same parameter several times":       {"GET", "/?match[]=b&match[]=a&match[]=c&a", "", permanent},
		"an encoded plus sign in the query":      {"GET", "/?query=a%2Bb", "", permanent},
		"a body of one megabyte":                 {"POST", "/", "query=" + strings.Repeat("x", 1<<20), permanent},
		"a trailing slash":                       {"GET", "/workspaces/ws-1/", "", permanent},
		"a query that holds what looks encoded":  {"GET", "/?query=%2525", "", permanent},
		"an empty path":                          {"GET", "", "", permanent},
		"a path that ends in an escaped slash":   {"GET", "/a%2F", "", permanent},
		"a path in which lower-case digits stay": {"GET", "/a%2fb", "", permanent},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			server := verdicts(t, c.key)
			r, err := signedBySDK(t.Context(), c.method, server.URL+c.target, c.body, c.key, time.Now())
			if err != nil {
				t.Fatal(err)
			}
			status, body, err := verdict(r)
			if err != nil || status != http.StatusOK {
				t.Errorf("status %d, %s, %v", status, body, err)
			}
		})
	}
}

// The SDK signs paths as they are while AWS removes empty and dot segments, so no such segment is drawn here.
func TestTheSDKAndTheVerifierAgree(t *testing.T) {
	key := Key{Secret: vectorSecret}
	server := verdicts(t, key)
	segment := rapid.Custom(func(t *rapid.T) string {
		return encode(rapid.StringN(1, 8, -1).Filter(func(s string) bool { return s != "." && s != ".." }).Draw(t, "segment"))
	})
	value := rapid.Map(rapid.StringN(0, 12, -1), encode)
	rapid.Check(t, func(t *rapid.T) {
		target := "/" + strings.Join(rapid.SliceOfN(segment, 1, 4).Draw(t, "path"), "/")
		var pairs []string
		for range rapid.IntRange(0, 4).Draw(t, "pairs") {
			pairs = append(pairs, value.Draw(t, "name")+"="+value.Draw(t, "value"))
		}
		url := server.URL + target + "?" + strings.Join(pairs, "&")
		method, body := "GET", ""
		if rapid.Bool().Draw(t, "post") {
			method, body = "POST", value.Draw(t, "body")
		}
		r, err := signedBySDK(t.Context(), method, url, body, key, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		status, answer, err := verdict(r)
		if err != nil || status != http.StatusOK {
			t.Fatalf("%s %s: status %d, %s, %v", method, url, status, answer, err)
		}
	})
}
