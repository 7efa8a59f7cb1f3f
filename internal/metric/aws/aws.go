// Package aws says which AWS identity signs, and why it can or cannot.
package aws

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/judge"
)

const (
	// defaultService is Amazon Managed Service for Prometheus.
	defaultService = "aps"
	sessionName    = "sluice"
	// renewBefore is how long before their end credentials are replaced: a request must not outlive its signature's.
	renewBefore = time.Minute
	// reloadAfter bounds how long a changed profile, credentials file or environment goes unnoticed.
	reloadAfter = 15 * time.Minute
	// maxIdentities bounds the cache: identities come from users.
	maxIdentities = 256
)

// Identities signs requests, and keeps the credentials of each identity until they expire.
type Identities struct {
	now    func() time.Time
	signer *v4.Signer

	mu sync.Mutex
	by map[who]*identity
}

// who is what tells identities apart. Region is what was asked for, "" when the environment decides.
type who struct{ region, profile, role string }

type identity struct {
	region      string
	credentials sdk.CredentialsProvider
	loadedAt    time.Time
}

// New makes an empty cache of identities; nil means time.Now.
func New(now func() time.Time) *Identities {
	if now == nil {
		now = time.Now
	}
	return &Identities{now: now, signer: v4.NewSigner(), by: map[who]*identity{}}
}

// Sign adds an AWS Signature Version 4 that covers the request as it stands: change nothing afterwards. Its errors are
// *judge.Failure; they name neither roles nor profiles, which may come from secrets.
func (i *Identities) Sign(ctx context.Context, as api.Sigv4Config, r *http.Request, body []byte) error {
	region := as.Region
	if region == "" {
		region = regionOf(r.URL.Hostname())
	}
	identity, err := i.identity(ctx, who{region, as.Profile, as.RoleARN})
	if err != nil {
		return err
	}
	credentials, err := identity.credentials.Retrieve(ctx)
	if err != nil {
		return explain(ctx, err)
	}
	service := as.Service
	if service == "" {
		service = defaultService
	}
	// The signer encodes the encoded path once more, as every service but S3 expects.
	sum := sha256.Sum256(body)
	if err := i.signer.SignHTTP(ctx, credentials, r, hex.EncodeToString(sum[:]), service, identity.region, i.now()); err != nil {
		return &judge.Failure{Class: judge.BadConfig, Message: "sigv4: the request could not be signed"}
	}
	return nil
}

func (i *Identities) identity(ctx context.Context, w who) (*identity, error) {
	i.mu.Lock()
	known := i.by[w]
	i.mu.Unlock()
	if known != nil && i.now().Sub(known.loadedAt) < reloadAfter {
		return known, nil
	}
	loaded, err := load(ctx, w)
	if err != nil {
		return nil, err
	}
	loaded.loadedAt = i.now()
	i.mu.Lock()
	defer i.mu.Unlock()
	if len(i.by) >= maxIdentities {
		clear(i.by)
	}
	i.by[w] = loaded
	return loaded, nil
}

// load reads the environment and the AWS configuration files; it asks no server.
func load(ctx context.Context, w who) (*identity, error) {
	options := []func(*config.LoadOptions) error{
		config.WithCredentialsCacheOptions(renewEarly),
	}
	if w.region != "" {
		options = append(options, config.WithRegion(w.region))
	}
	if w.profile != "" {
		options = append(options, config.WithSharedConfigProfile(w.profile))
	}
	loaded, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return nil, explain(ctx, err)
	}
	if loaded.Region == "" {
		return nil, &judge.Failure{
			Class: judge.Unauthorized,
			Message: "sigv4: no region to sign for: set authentication.sigv4.region; " +
				"it is neither in the host name nor in the controller's AWS_REGION",
		}
	}
	credentials := loaded.Credentials
	if w.role != "" {
		assume := stscreds.NewAssumeRoleProvider(sts.NewFromConfig(loaded), w.role, func(o *stscreds.AssumeRoleOptions) {
			o.RoleSessionName = sessionName
		})
		credentials = sdk.NewCredentialsCache(assume, renewEarly)
	}
	return &identity{region: loaded.Region, credentials: credentials}, nil
}

func renewEarly(o *sdk.CredentialsCacheOptions) {
	o.ExpiryWindow = renewBefore
	o.ExpiryWindowJitterFrac = 0.5
}

var region = regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-[0-9]+$`)

// regionOf finds the region in the name of an AWS host, for example in aps-workspaces.us-west-2.amazonaws.com or
// vpce-0a1b.aps-workspaces.us-west-2.vpce.amazonaws.com; "" for other hosts.
func regionOf(host string) string {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	for _, suffix := range []string{".amazonaws.com", ".amazonaws.com.cn", ".api.aws"} {
		name, found := strings.CutSuffix(host, suffix)
		if !found {
			continue
		}
		for label := range strings.SplitSeq(name, ".") {
			if region.MatchString(label) {
				return label
			}
		}
	}
	return ""
}
