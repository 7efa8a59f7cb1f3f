package v1alpha1

// NamedService is a place in a Rollout's strategy that names a Service.
//
// +kubebuilder:object:generate=false
type NamedService struct {
	// Field is the path below spec.strategy, such as "canary.stableService".
	Field string
	// Name is the Service's, in the Rollout's namespace.
	Name string
}

// Services are the Services a Rollout points at its revisions, as far as it names any. A router's root
// Service is not among them: it selects all revisions.
func (s *RolloutStrategy) Services() []NamedService {
	var all []NamedService
	if b := s.BlueGreen; b != nil {
		all = append(all,
			NamedService{"blueGreen.activeService", b.ActiveService},
			NamedService{"blueGreen.previewService", b.PreviewService})
	}
	if c := s.Canary; c != nil {
		all = append(all,
			NamedService{"canary.canaryService", c.CanaryService},
			NamedService{"canary.stableService", c.StableService})
		if p := c.PingPong; p != nil {
			all = append(all,
				NamedService{"canary.pingPong.pingService", p.PingService},
				NamedService{"canary.pingPong.pongService", p.PongService})
		}
	}
	var named []NamedService
	for _, service := range all {
		if service.Name != "" {
			named = append(named, service)
		}
	}
	return named
}
