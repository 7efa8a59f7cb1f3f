package stage

import (
	"context"
	"fmt"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// push sends the images to the registry the cluster pulls from.
func (s *Stage) push(ctx context.Context) error {
	for _, n := range images {
		img, err := tarball.ImageFromPath(s.archive(n), nil)
		if err != nil {
			return fmt.Errorf("reading image %s: %w", n, err)
		}
		ref, err := name.NewTag(s.image(n))
		if err != nil {
			return fmt.Errorf("naming image %s: %w", n, err)
		}
		s.say("pushing %s", ref)
		if err := remote.Write(ref, img, remote.WithContext(ctx), remote.WithAuthFromKeychain(authn.DefaultKeychain)); err != nil {
			return fmt.Errorf("pushing %s: %w", ref, err)
		}
	}
	return nil
}
