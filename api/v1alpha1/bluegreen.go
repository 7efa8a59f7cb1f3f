package v1alpha1

import "k8s.io/apimachinery/pkg/util/intstr"

// BlueGreenStrategy runs the new revision at full size beside the old one and then switches a Service.
//
// +kubebuilder:validation:XValidation:rule=`self.activeService != (has(self.previewService) ? self.previewService : "")`,message="activeService must differ from previewService"
type BlueGreenStrategy struct {
	// ActiveService is the Service that carries production traffic. Required; must differ from previewService
	// and exist.
	ActiveService string `json:"activeService"`
	// PreviewService is a Service that follows the newest revision. Default none.
	// +optional
	PreviewService string `json:"previewService,omitempty"`
	// PreviewReplicaCount is the size of the new revision before it is promoted. Default: spec.replicas.
	// +optional
	PreviewReplicaCount *int32 `json:"previewReplicaCount,omitempty"`
	// AutoPromotionEnabled switches without asking. Default true; false pauses before the switch.
	// +optional
	AutoPromotionEnabled *bool `json:"autoPromotionEnabled,omitempty"`
	// AutoPromotionSeconds is how long the pause before the switch lasts. Default 0: no pause. Ignored when
	// autoPromotionEnabled is false.
	// +optional
	AutoPromotionSeconds int32 `json:"autoPromotionSeconds,omitempty"`
	// MaxUnavailable is how many pods a restart may take away at once: a number, or a percentage of
	// spec.replicas rounded down. Default 25%. A string without a percent sign is a percentage.
	// +optional
	MaxUnavailable *intstr.IntOrString `json:"maxUnavailable,omitempty"`
	// ScaleDownDelaySeconds is how long the old revision stays up after the switch. Default 30; 0 scales it
	// down at once.
	// +optional
	ScaleDownDelaySeconds *int32 `json:"scaleDownDelaySeconds,omitempty"`
	// ScaleDownDelayRevisionLimit is how many old revisions may stay up under the delay, newest first.
	// Default: all. More than revisionHistoryLimit is invalid.
	// +optional
	ScaleDownDelayRevisionLimit *int32 `json:"scaleDownDelayRevisionLimit,omitempty"`
	// PrePromotionAnalysis is measured before the switch and can prevent it.
	// +optional
	PrePromotionAnalysis *RolloutAnalysis `json:"prePromotionAnalysis,omitempty"`
	// AntiAffinity keeps the two revisions on different nodes during an update.
	// +optional
	AntiAffinity *AntiAffinity `json:"antiAffinity,omitempty"`
	// PostPromotionAnalysis is measured after the switch and can take it back.
	// +optional
	PostPromotionAnalysis *RolloutAnalysis `json:"postPromotionAnalysis,omitempty"`
	// PreviewMetadata is carried by pods while they are the preview.
	// +optional
	PreviewMetadata *PodTemplateMetadata `json:"previewMetadata,omitempty"`
	// ActiveMetadata is carried by pods while they are active.
	// +optional
	ActiveMetadata *PodTemplateMetadata `json:"activeMetadata,omitempty"`
	// AbortScaleDownDelaySeconds is how long the preview stays up after an abort. Default 30; 0 never scales
	// it down.
	// +optional
	AbortScaleDownDelaySeconds *int32 `json:"abortScaleDownDelaySeconds,omitempty"`
}
