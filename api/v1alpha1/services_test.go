package v1alpha1

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestServicesARolloutNames(t *testing.T) {
	for _, c := range []struct {
		name     string
		strategy RolloutStrategy
		want     []NamedService
	}{
		{"no strategy names none", RolloutStrategy{}, nil},
		{"a basic canary names none", RolloutStrategy{Canary: &CanaryStrategy{}}, nil},
		{"blue-green names the active one, and the preview where there is one",
			RolloutStrategy{BlueGreen: &BlueGreenStrategy{ActiveService: "active"}},
			[]NamedService{{"blueGreen.activeService", "active"}}},
		{"both of blue-green",
			RolloutStrategy{BlueGreen: &BlueGreenStrategy{ActiveService: "active", PreviewService: "preview"}},
			[]NamedService{{"blueGreen.activeService", "active"}, {"blueGreen.previewService", "preview"}}},
		{"all of a canary",
			RolloutStrategy{Canary: &CanaryStrategy{
				CanaryService: "canary", StableService: "stable", PingPong: &PingPongSpec{PingService: "ping", PongService: "pong"},
			}},
			[]NamedService{
				{"canary.canaryService", "canary"}, {"canary.stableService", "stable"},
				{"canary.pingPong.pingService", "ping"}, {"canary.pingPong.pongService", "pong"},
			}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, c.strategy.Services()); diff != "" {
				t.Errorf("services (-want +got):\n%s", diff)
			}
		})
	}
}
