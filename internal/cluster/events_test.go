package cluster

import (
	"strings"
	"testing"
	"unicode/utf8"

	corev1 "k8s.io/api/core/v1"

	"sluice.dev/sluice/internal/decide"
)

func TestALongMessageIsCutBetweenCharacters(t *testing.T) {
	r := &Recorder{}
	for before := range 4 {
		long := strings.Repeat("a", before) + strings.Repeat("日", 500)
		got := r.event(corev1.ObjectReference{Name: "shop"}, decide.Event{Message: long}).Message
		if !utf8.ValidString(got) || len(got) > eventMessageLimit || !strings.HasSuffix(got, "日…") {
			t.Errorf("after %d bytes the message has %d bytes and ends in %q", before, len(got), got[len(got)-9:])
		}
	}
	if got := r.event(corev1.ObjectReference{}, decide.Event{Message: "short"}).Message; got != "short" {
		t.Errorf("a short message became %q", got)
	}
}
