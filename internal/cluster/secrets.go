package cluster

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
)

const (
	// foundFor is how long the keys of a secret are taken to be what they were.
	foundFor = 5 * time.Second
	// missingFor is how long a secret or key that was not there is taken not to be: a person who
	// has just corrected it is waiting.
	missingFor = time.Second
	// rememberedSecrets bounds the memory; beyond it everything is asked again.
	rememberedSecrets = 4096
)

// secretMemory remembers which keys secrets have, never what they hold.
type secretMemory struct {
	mu    sync.Mutex
	known map[types.NamespacedName]secretKeys
}

type secretKeys struct {
	keys    []string
	exists  bool
	askedAt time.Time
}

func (m *secretMemory) recall(name types.NamespacedName) (secretKeys, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	known, ok := m.known[name]
	return known, ok
}

func (m *secretMemory) keep(name types.NamespacedName, keys secretKeys) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.known == nil || len(m.known) >= rememberedSecrets {
		m.known = map[types.NamespacedName]secretKeys{}
	}
	m.known[name] = keys
}

// SecretKeys lists the keys of a secret, as they were at most that long ago.
func (c *Cluster) SecretKeys(ctx context.Context, name types.NamespacedName, most time.Duration) (keys []string, exists bool, err error) {
	if known, ok := c.secrets.recall(name); ok && time.Since(known.askedAt) < most {
		return known.keys, known.exists, nil
	}
	data, exists, err := c.Secret(ctx, name)
	if err != nil {
		return nil, false, err
	}
	keys = slices.Sorted(maps.Keys(data))
	c.secrets.keep(name, secretKeys{keys: keys, exists: exists, askedAt: time.Now()})
	return keys, exists, nil
}

// Secret reads a secret live. What it holds must reach no status, event or log.
func (c *Cluster) Secret(ctx context.Context, name types.NamespacedName) (map[string][]byte, bool, error) {
	secret, err := c.secret(ctx, name)
	return secret.Data, secret.UID != "", err
}

// secret is the secret of this name, empty where there is none.
func (c *Cluster) secret(ctx context.Context, name types.NamespacedName) (corev1.Secret, error) {
	var secret corev1.Secret
	err := c.Live.Get(ctx, name, &secret)
	if apierrors.IsNotFound(err) {
		return corev1.Secret{}, nil
	}
	if err != nil {
		return corev1.Secret{}, fmt.Errorf("reading secret %s: %w", name, err)
	}
	return secret, nil
}
