package cluster

import (
	"strings"
	"sync"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// rememberingMapper looks up each kind once: the controller writes a handful of kinds, thousands of
// times, and where they are served does not change while it runs.
type rememberingMapper struct {
	meta.RESTMapper
	known sync.Map // of mappingKey to *meta.RESTMapping
}

type mappingKey struct {
	kind     schema.GroupKind
	versions string
}

// Remembering returns a mapper that asks for each kind once.
func Remembering(mapper meta.RESTMapper) meta.RESTMapper {
	return &rememberingMapper{RESTMapper: mapper}
}

// RESTMapping implements meta.RESTMapper.
func (m *rememberingMapper) RESTMapping(kind schema.GroupKind, versions ...string) (*meta.RESTMapping, error) {
	key := mappingKey{kind, strings.Join(versions, ",")}
	if known, ok := m.known.Load(key); ok {
		return known.(*meta.RESTMapping), nil
	}
	mapping, err := m.RESTMapper.RESTMapping(kind, versions...)
	if err != nil {
		return nil, err // not remembered: the kind may be served later
	}
	m.known.Store(key, mapping)
	return mapping, nil
}
