package view

import (
	"fmt"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"

	api "sluice.dev/sluice/api/v1alpha1"
)

// switching is what a blue-green rollout waits for, in the order in which things happen.
func (s Scene) switching() string {
	ro := s.Rollout
	role := "canary"
	if promoted(ro) {
		role = "stable"
	}
	if text := s.missing(role); text != "" {
		return strings.Replace(text, "canary", "preview", 1)
	}
	if text := s.analysing(); text != "" && !promoted(ro) {
		return text
	}
	if b := ro.Status.BlueGreen; b.ActiveSelector != ro.Status.CurrentPodHash {
		return fmt.Sprintf("Service %s to lead to the new version", ro.Spec.Strategy.BlueGreen.ActiveService)
	}
	return ""
}

// switchingBack is what an aborted blue-green update waits for; "" when everybody is served by the stable
// version again.
func (s Scene) switchingBack() string {
	blueGreen, still := s.Rollout.Spec.Strategy.BlueGreen, s.Rollout.Status
	if blueGreen == nil || still.BlueGreen.ActiveSelector == "" || still.BlueGreen.ActiveSelector == still.StableRS {
		return ""
	}
	text := fmt.Sprintf("Service %s to lead to the stable version again", blueGreen.ActiveService)
	if missing := s.missing("stable"); missing != "" {
		text += "; " + missing
	}
	return text
}

// pauseBeforeSwitch is when the pause before a blue-green switch ends, or who ends it.
func (s Scene) pauseBeforeSwitch(condition api.PauseCondition) string {
	blueGreen := s.Rollout.Spec.Strategy.BlueGreen
	if blueGreen == nil || blueGreen.AutoPromotionSeconds <= 0 || blueGreen.AutoPromotionEnabled != nil && !*blueGreen.AutoPromotionEnabled {
		return fmt.Sprintf("somebody to go on: `sluice promote %s`", s.Rollout.Name)
	}
	lasts := time.Duration(blueGreen.AutoPromotionSeconds) * time.Second
	return s.pauseEnds(condition, lasts, length(lasts))
}

// roles are the words for what a ReplicaSet is to its rollout: with blue-green also which Service leads to it.
func (s Scene) roles(rs *appsv1.ReplicaSet) string {
	role, ro := s.role(rs), s.Rollout
	if ro.Spec.Strategy.BlueGreen == nil {
		return role
	}
	var words []string
	hash := rs.Labels[api.LabelPodTemplateHash]
	if role == "stable" {
		words = append(words, role)
	}
	switch {
	case hash == "":
	case hash == ro.Status.BlueGreen.ActiveSelector:
		words = append(words, "active")
	case role == "canary", hash == ro.Status.BlueGreen.PreviewSelector:
		words = append(words, "preview")
	}
	return strings.Join(words, ",")
}
