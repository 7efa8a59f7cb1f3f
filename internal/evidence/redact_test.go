package evidence

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestRedact(t *testing.T) {
	const address = "https://aps-workspaces.eu-west-1.amazonaws.com/workspaces/ws-0123/"
	for _, c := range []struct{ name, text, secret, want string }{
		{"the secret itself", "token abcdefgh is wrong", "abcdefgh", "token ***** is wrong"},
		{"several times", "abc-abc", "abc", "*****-*****"},
		{"side by side it is one mask", "abcabc", "abc", "*****"},
		{"a secret with a line end", "token abcdefgh is wrong", "abcdefgh\n", "token ***** is wrong"},
		{"escaped for a URL", "GET /?q=a%2Fb+c%26d: refused", "a/b c&d", "GET /?q=*****: refused"},
		{"escaped for a URL in lower case", "GET /a%2fb%3d", "a/b=", "GET /*****"},
		{"escaped for a path", "GET /a%2Fb%20c", "a/b c", "GET /*****"},
		{"in base64", "Authorization: " + base64.StdEncoding.EncodeToString([]byte("pässword!")), "pässword!", "Authorization: *****"},
		{"in JSON", `{"t":"a\"b\\c"}`, `a"b\c`, `{"t":"*****"}`},
		{"the whole address", "Get " + address + ": EOF", address, "Get *****: EOF"},
		{"the host of an address", "dial tcp: lookup aps-workspaces.eu-west-1.amazonaws.com: no such host", address, "dial tcp: lookup *****: no such host"},
		{"the path of an address", `Post "/workspaces/ws-0123/api/v1/query"`, address, `Post "*****api/v1/query"`},
		{"the path of an address without its last slash", `no route "/workspaces/ws-0123"`, address, `no route "*****"`},
		{"the password in an address", "bad password s3cr3t!", "https://me:s3cr3t!@host/x", "bad password *****"},
		{"a line of a key", "at MIIEvQIBADANBgkq", "-----BEGIN-----\nMIIEvQIBADANBgkq\n-----END-----", "at *****"},
		{"nothing to hide", "all is well", "", "all is well"},
		{"nothing found", "all is well", "abc", "all is well"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := Redact(c.text, []string{c.secret}); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestOverlappingSecretsLeaveNothing(t *testing.T) {
	for text, secrets := range map[string][]string{"abcdef": {"abcd", "cdef"}, "ababa": {"aba"}} {
		if got := Redact(text, secrets); got != Mask {
			t.Errorf("%s became %s", text, got)
		}
	}
}

func TestASecretIsHiddenInsideOtherBase64(t *testing.T) {
	for _, user := range []string{"a", "ab", "abc"} {
		header := base64.StdEncoding.EncodeToString([]byte(user + ":correct horse battery:staple"))
		got := Redact("Basic "+header, []string{"correct horse battery"})
		// What the mask leaves over of the secret is less than one character on each side.
		before, after, found := strings.Cut(strings.TrimPrefix(got, "Basic "), Mask)
		if hidden := len(header) - len(before) - len(after); !found || hidden < len("correct horse battery")*8/6-1 {
			t.Errorf("user %q: %d characters of %q are hidden in %q", user, hidden, header, got)
		}
	}
}

// encodings is how a secret may stand in a text.
var encodings = map[string]func(string) string{
	"as it is":        func(s string) string { return s },
	"query-escaped":   url.QueryEscape,
	"path-escaped":    url.PathEscape,
	"in base64":       func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
	"in raw base64":   func(s string) string { return base64.RawStdEncoding.EncodeToString([]byte(s)) },
	"in URL base64":   func(s string) string { return base64.URLEncoding.EncodeToString([]byte(s)) },
	"in JSON":         func(s string) string { text, _ := json.Marshal(s); return string(text[1 : len(text)-1]) },
	"in a Go literal": func(s string) string { text := fmt.Sprintf("%q", s); return text[1 : len(text)-1] },
}

func TestLawNoSecretSurvives(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		secrets := rapid.SliceOfN(rapid.StringOfN(rapid.SampledFrom([]rune("abAB01/:=&%+ \"\\<\n😀é")), 3, 12, -1), 1, 3).Draw(t, "secrets")
		var text strings.Builder
		var planted []string
		for range rapid.IntRange(1, 5).Draw(t, "times") {
			name := rapid.SampledFrom([]string{"as it is", "query-escaped", "path-escaped", "in base64", "in raw base64", "in URL base64", "in JSON", "in a Go literal"}).Draw(t, "encoding")
			form := encodings[name](rapid.SampledFrom(secrets).Draw(t, "secret"))
			planted = append(planted, form)
			text.WriteString(rapid.StringN(0, 5, -1).Draw(t, "between") + form)
		}
		got := Redact(text.String(), secrets)
		for _, form := range planted {
			if strings.Contains(got, form) {
				t.Fatalf("%q is still in %q", form, got)
			}
		}
	})
}

func TestLawRedactingTextWithoutSecretsChangesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOf(rapid.RuneFrom([]rune("xyz .,"))).Draw(t, "text")
		secret := rapid.StringOfN(rapid.RuneFrom([]rune("ABC123")), 1, 20, -1).Draw(t, "secret")
		if got := Redact(text, []string{secret}); got != text {
			t.Fatalf("%q became %q", text, got)
		}
	})
}

func FuzzRedact(f *testing.F) {
	f.Add("lookup host.example: no such host", "https://host.example/path?q=1")
	f.Add("%zz", "http://[::1]:80/%zz")
	f.Add("a\nb", "a\nb\n")
	f.Fuzz(func(t *testing.T, text, secret string) {
		got := Redact(text+secret, []string{secret})
		if secret != "" && !strings.Contains(Mask, secret) && !strings.Contains(secret, "*") && strings.Contains(got, secret) {
			t.Errorf("%q is still in %q", secret, got)
		}
	})
}
