package decide

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	api "sluice.dev/sluice/api/v1alpha1"
)

func TestAServiceThatMayNotBePointedIsTriedAgainAndToldOnce(t *testing.T) {
	for _, c := range []struct {
		name, refused string
		event         bool
		waits         string
	}{
		{name: "at first it is told", event: true},
		{name: "while the server refuses it is not told again", refused: `User "x" cannot patch resource "services"`, waits: `Waiting for the server to let Service live lead to another revision: User "x" cannot patch resource "services"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			ro := &api.Rollout{}
			ro.Name = "shop"
			d := &draft{}
			d.repoint(facts{ro: ro}, Service{Name: "live", Hash: "old", ManagedBy: "shop", Refused: c.refused}, "new", nil)
			if diff := cmp.Diff([]Action{ServiceSelects{Service: "live", From: "old", To: "new"}}, d.actions); diff != "" {
				t.Errorf("actions (-want +got):\n%s", diff)
			}
			if told := len(d.events) > 0 && strings.Contains(d.events[0].Message, "from 'old' to 'new'"); told != c.event {
				t.Errorf("events are %v", d.events)
			}
			if d.waiting.Message != c.waits {
				t.Errorf("it waits for %q", d.waiting.Message)
			}
		})
	}
}
