package aws_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/judge"
	"sluice.dev/sluice/internal/metric/aws"
	"sluice.dev/sluice/test/amp"
)

// alone leaves nothing of the machine's own AWS configuration to be found.
func alone(t *testing.T) {
	t.Helper()
	for _, name := range []string{
		"AWS_ACCESS_KEY_ID", "AWS_ACCESS_KEY", "AWS_SECRET_ACCESS_KEY", "AWS_SECRET_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE",
		"AWS_DEFAULT_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE",
		"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_STS",
	} {
		t.Setenv(name, "")
		_ = os.Unsetenv(name) // empty is not unset to the SDK; Setenv restores it afterwards
	}
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	t.Setenv("AWS_CONFIG_FILE", filepath.Join(t.TempDir(), "config"))
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", filepath.Join(t.TempDir(), "credentials"))
}

func keys(t *testing.T, id, secret, token string) {
	t.Helper()
	t.Setenv("AWS_ACCESS_KEY_ID", id)
	t.Setenv("AWS_SECRET_ACCESS_KEY", secret)
	if token != "" {
		t.Setenv("AWS_SESSION_TOKEN", token)
	}
}

// workspace is a verifying stand-in for AMP whose Prometheus says where it was asked.
func workspace(t *testing.T, known map[string]amp.Key) *httptest.Server {
	t.Helper()
	prometheus := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		_, _ = fmt.Fprintf(w, "%s %s %s", r.Method, r.URL.RawQuery, body)
	}))
	t.Cleanup(prometheus.Close)
	upstream, err := url.Parse(prometheus.URL)
	if err != nil {
		t.Fatal(err)
	}
	stand, err := amp.New(amp.Config{Upstream: upstream, Workspace: "ws-1", Region: "us-west-2", Keys: known})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(stand)
	t.Cleanup(server.Close)
	return server
}

// question is what is sent.
type question struct{ method, address, body string }

func post(server *httptest.Server) question {
	return question{http.MethodPost, server.URL + "/workspaces/ws-1/api/v1/query", "query=up"}
}

func send(t *testing.T, identities *aws.Identities, as api.Sigv4Config, q question) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), q.method, q.address, strings.NewReader(q.body))
	if err != nil {
		t.Fatal(err)
	}
	if q.body != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if err := identities.Sign(t.Context(), as, r, []byte(q.body)); err != nil {
		t.Fatalf("signing: %v", err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(text)
}

func TestAnIndependentVerifierAcceptsTheSignature(t *testing.T) {
	alone(t)
	keys(t, "AKID", "secret", "")
	server := workspace(t, map[string]amp.Key{"AKID": {Secret: "secret"}})
	cases := []struct{ name, method, path, body string }{
		{"a query in a body", "POST", "/workspaces/ws-1/api/v1/query", "query=up%7Ba%3D%22b+c%22%7D&time=1"},
		{"a query in the address", "GET", "/workspaces/ws-1/api/v1/query?time=1&query=up%7Ba%3D%22b%20c%2Fd%22%7D", ""},
		{"an address with a plus for a space", "GET", "/workspaces/ws-1/api/v1/query?query=a+b&a=~*", ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			status, text := send(t, aws.New(nil), api.Sigv4Config{Region: "us-west-2"}, question{c.method, server.URL + c.path, c.body})
			if status != http.StatusOK {
				t.Errorf("answered %d: %s", status, text)
			}
		})
	}
}

// A path the workspace does not serve is refused as not found only after its signature was accepted.
func TestPathsWithEscapesAreSignedAsTheyAreSent(t *testing.T) {
	alone(t)
	keys(t, "AKID", "secret", "")
	server := workspace(t, map[string]amp.Key{"AKID": {Secret: "secret"}})
	for _, path := range []string{"/a%2Fb/c", "/a%20b/c", "/a%252Fb", "/ä/$&+,:;=@!*'()", "/%E4%BD%A0"} {
		t.Run(path, func(t *testing.T) {
			status, text := send(t, aws.New(nil), api.Sigv4Config{Region: "us-west-2"}, question{"GET", server.URL + path, ""})
			if status != http.StatusNotFound {
				t.Errorf("answered %d: %s; want 404 after a good signature", status, text)
			}
		})
	}
}

func TestTemporaryCredentialsCarryTheirToken(t *testing.T) {
	alone(t)
	keys(t, "ASIA", "secret", "the-token")
	server := workspace(t, map[string]amp.Key{"ASIA": {Secret: "secret", SessionToken: "the-token"}})
	status, text := send(t, aws.New(nil), api.Sigv4Config{Region: "us-west-2"}, post(server))
	if status != http.StatusOK {
		t.Errorf("answered %d: %s", status, text)
	}
}

// scope signs a request to the address and returns the region and service of its credential.
func scope(t *testing.T, as api.Sigv4Config, address string) (string, error) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	now := func() time.Time { return time.Date(2026, 7, 31, 0, 0, 0, 0, time.UTC) }
	if err := aws.New(now).Sign(t.Context(), as, r, nil); err != nil {
		return "", err
	}
	_, after, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=AKID/20260731/")
	credential, _, _ := strings.Cut(after, "/aws4_request")
	return credential, nil
}

func TestTheRegionComesFromTheFieldThenTheHostThenTheEnvironment(t *testing.T) {
	cases := []struct {
		name, address, environment string
		as                         api.Sigv4Config
		want                       string
	}{
		{"the field wins", "https://aps-workspaces.us-west-2.amazonaws.com/w", "eu-west-1", api.Sigv4Config{Region: "ap-south-1"}, "ap-south-1/aps"},
		{"the host wins over the environment", "https://aps-workspaces.us-west-2.amazonaws.com/w", "eu-west-1", api.Sigv4Config{}, "us-west-2/aps"},
		{"a VPC endpoint names its region", "https://vpce-0a1-b2.aps-workspaces.eu-central-1.vpce.amazonaws.com", "", api.Sigv4Config{}, "eu-central-1/aps"},
		{"a partition of its own has regions as well", "https://aps-workspaces.us-gov-west-1.amazonaws.com", "", api.Sigv4Config{}, "us-gov-west-1/aps"},
		{"China has another suffix", "https://aps-workspaces.cn-north-1.amazonaws.com.cn", "", api.Sigv4Config{}, "cn-north-1/aps"},
		{"a private name leaves it to the environment", "https://prometheus.us-west-2.corp.example", "eu-west-1", api.Sigv4Config{}, "eu-west-1/aps"},
		{"another service can be signed for", "https://es.example", "", api.Sigv4Config{Region: "us-west-2", Service: "es"}, "us-west-2/es"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			alone(t)
			keys(t, "AKID", "secret", "")
			if c.environment != "" {
				t.Setenv("AWS_REGION", c.environment)
			}
			got, err := scope(t, c.as, c.address)
			if err != nil || got != c.want {
				t.Errorf("signed for %q (error %v), want %q", got, err, c.want)
			}
		})
	}
}

// wantFailure checks the class, a part of the message, and that none of these secrets is in it.
func wantFailure(t *testing.T, err error, class judge.FailureClass, part string, secrets ...string) {
	t.Helper()
	var failure *judge.Failure
	if !errors.As(err, &failure) {
		t.Fatalf("got error %v, want a failure", err)
	}
	if failure.Class != class || !strings.Contains(failure.Message, part) {
		t.Errorf("got %s %q, want %s with %q", failure.Class, failure.Message, class, part)
	}
	for _, secret := range secrets {
		if strings.Contains(failure.Message, secret) {
			t.Errorf("%q is in %q", secret, failure.Message)
		}
	}
}

func TestWhatIsMissingIsNamed(t *testing.T) {
	t.Run("no region anywhere", func(t *testing.T) {
		alone(t)
		keys(t, "AKID", "secret", "")
		_, err := scope(t, api.Sigv4Config{}, "https://prometheus.example")
		wantFailure(t, err, judge.Unauthorized, "no region")
	})
	t.Run("no credentials anywhere", func(t *testing.T) {
		alone(t)
		_, err := scope(t, api.Sigv4Config{Region: "us-west-2"}, "https://prometheus.example")
		wantFailure(t, err, judge.NoCredentials, "no AWS credentials found")
	})
	t.Run("a role to assume, but no credentials to do it with", func(t *testing.T) {
		alone(t)
		_, err := scope(t, api.Sigv4Config{Region: "us-west-2", RoleARN: "arn:aws:iam::1:role/hidden"}, "https://prometheus.example")
		wantFailure(t, err, judge.NoCredentials, "no AWS credentials found", "hidden")
	})
	t.Run("a profile that does not exist", func(t *testing.T) {
		alone(t)
		_, err := scope(t, api.Sigv4Config{Region: "us-west-2", Profile: "hidden"}, "https://prometheus.example")
		wantFailure(t, err, judge.BadConfig, "profile does not exist", "hidden")
	})
}

// tokenService is an STS that counts its requests.
func tokenService(t *testing.T, answer http.HandlerFunc) *atomic.Int32 {
	t.Helper()
	var asked atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		w.Header().Set("Content-Type", "text/xml")
		answer(w, r)
	}))
	t.Cleanup(server.Close)
	t.Setenv("AWS_ENDPOINT_URL_STS", server.URL)
	return &asked
}

func assumed(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm()
	action := r.Form.Get("Action")
	_, _ = fmt.Fprintf(w, `<%[1]sResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><%[1]sResult>
<Credentials><AccessKeyId>ASSUMED</AccessKeyId><SecretAccessKey>assumed</SecretAccessKey><SessionToken>%[2]s</SessionToken>
<Expiration>%[3]s</Expiration></Credentials></%[1]sResult></%[1]sResponse>`,
		action, r.Form.Get("RoleArn"), time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
}

func denied(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm()
	w.WriteHeader(http.StatusForbidden)
	_, _ = fmt.Fprintf(w, `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type>
<Code>AccessDenied</Code><Message>not authorized to assume %s</Message></Error></ErrorResponse>`, r.Form.Get("RoleArn"))
}

func TestARoleIsAssumedOnceAndItsCredentialsKept(t *testing.T) {
	alone(t)
	keys(t, "AKID", "secret", "")
	asked := tokenService(t, assumed)
	server := workspace(t, map[string]amp.Key{"ASSUMED": {Secret: "assumed", SessionToken: "arn:aws:iam::1:role/query"}})
	identities := aws.New(nil)
	for range 3 {
		status, text := send(t, identities, api.Sigv4Config{Region: "us-west-2", RoleARN: "arn:aws:iam::1:role/query"}, post(server))
		if status != http.StatusOK {
			t.Fatalf("answered %d: %s", status, text)
		}
	}
	if n := asked.Load(); n != 1 {
		t.Errorf("STS was asked %d times, want once", n)
	}
}

func TestAServiceAccountsTokenBecomesARole(t *testing.T) {
	alone(t)
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte("jwt"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("AWS_WEB_IDENTITY_TOKEN_FILE", token)
	t.Setenv("AWS_ROLE_ARN", "arn:aws:iam::1:role/controller")
	tokenService(t, assumed)
	server := workspace(t, map[string]amp.Key{"ASSUMED": {Secret: "assumed", SessionToken: "arn:aws:iam::1:role/controller"}})
	status, text := send(t, aws.New(nil), api.Sigv4Config{Region: "us-west-2"}, post(server))
	if status != http.StatusOK {
		t.Errorf("answered %d: %s", status, text)
	}
}

func TestARefusedRoleSaysWhoRefused(t *testing.T) {
	alone(t)
	keys(t, "AKID", "secret", "")
	tokenService(t, denied)
	_, err := scope(t, api.Sigv4Config{Region: "us-west-2", RoleARN: "arn:aws:iam::1:role/hidden"}, "https://prometheus.example")
	wantFailure(t, err, judge.Unauthorized, "AccessDenied", "hidden")
}

func TestAnUnreachableTokenServiceIsNotARefusal(t *testing.T) {
	alone(t)
	keys(t, "AKID", "secret", "")
	t.Setenv("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:1")
	t.Setenv("AWS_MAX_ATTEMPTS", "1")
	_, err := scope(t, api.Sigv4Config{Region: "us-west-2", RoleARN: "arn:aws:iam::1:role/hidden"}, "https://prometheus.example")
	wantFailure(t, err, judge.Unreachable, "STS could not be reached", "hidden", "127.0.0.1")
}

func TestACallerThatGivesUpIsTold(t *testing.T) {
	alone(t)
	keys(t, "AKID", "secret", "")
	release := make(chan struct{})
	tokenService(t, func(http.ResponseWriter, *http.Request) { <-release })
	t.Cleanup(func() { close(release) })
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	r := httptest.NewRequestWithContext(ctx, http.MethodGet, "https://prometheus.example", nil)
	err := aws.New(nil).Sign(ctx, api.Sigv4Config{Region: "us-west-2", RoleARN: "arn:aws:iam::1:role/x"}, r, nil)
	wantFailure(t, err, judge.TimedOut, "in time")
}
