package metric

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"sync"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/judge"
)

// maxTokens bounds the cache: identities come from users.
const maxTokens = 1024

// tokens keeps OAuth2 access tokens until they expire, by a digest of who they were issued to.
type tokens struct {
	mu sync.Mutex
	by map[digest]*oauth2.Token
}

func oauth2Parts(c *api.OAuth2Config) []string {
	return append([]string{"oauth2", c.TokenURL, c.ClientID, c.ClientSecret}, c.Scopes...)
}

// token gives a token that is still valid, from the cache or from the token server. Two callers at once may both
// ask the token server: that costs a request, not correctness.
func (t *tokens) token(ctx context.Context, r Request, client *http.Client) (*oauth2.Token, error) {
	c := r.Access.OAuth2
	key := digestOf(oauth2Parts(c))
	t.mu.Lock()
	known := t.by[key]
	t.mu.Unlock()
	if known.Valid() {
		return known, nil
	}
	if _, failure := ParseAddress(r.Who+": oauth2 token", c.TokenURL); failure != nil {
		return nil, failure
	}
	config := clientcredentials.Config{ClientID: c.ClientID, ClientSecret: c.ClientSecret, TokenURL: c.TokenURL, Scopes: c.Scopes}
	fresh, err := config.Token(context.WithValue(ctx, oauth2.HTTPClient, client))
	if err != nil {
		return nil, r.noToken(err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.by) >= maxTokens {
		clear(t.by)
	}
	t.by[key] = fresh
	return fresh, nil
}

// forget drops a token its server refused.
func (t *tokens) forget(c *api.OAuth2Config) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.by, digestOf(oauth2Parts(c)))
}

// noToken explains why the token server gave no token, in words that repeat nothing that was sent to it.
func (r Request) noToken(err error) error {
	var refused *oauth2.RetrieveError
	if !errors.As(err, &refused) || refused.Response == nil {
		var transport *url.Error
		if errors.As(err, &transport) || isTimeout(err) {
			return err // told, and retried, like any broken connection
		}
		return r.Fail(judge.BadAnswer, "the oauth2 token server's answer holds no token")
	}
	status := refused.Response.StatusCode
	class := classOf(status)
	if class == judge.BadQuery {
		class = judge.Unauthorized // 400 is how RFC 6749 refuses a client
	}
	if code := knownOAuth2Error(refused.ErrorCode); code != "" {
		return r.Fail(class, "the oauth2 token server answered %d (%s)", status, code)
	}
	return r.Fail(class, "the oauth2 token server answered %d", status)
}

// knownOAuth2Error lets only the codes of RFC 6749 §5.2 through.
func knownOAuth2Error(code string) string {
	switch code {
	case "invalid_request", "invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type", "invalid_scope":
		return code
	default:
		return ""
	}
}
