package validate

import (
	"fmt"

	"k8s.io/apimachinery/pkg/util/validation/field"

	api "sluice.dev/sluice/api/v1alpha1"
)

func (s *sheet) blueGreen(spec *api.RolloutSpec, path *field.Path) {
	bg := spec.Strategy.BlueGreen
	switch bg.ActiveService {
	case "":
		s.required("", path.Child("activeService"), "write the name of the Service that carries the traffic")
	case bg.PreviewService:
		s.as(RuleConflict).invalid(path.Child("previewService"), fmt.Sprintf("is the same Service as activeService, %s: the new revision would serve before it is promoted", bg.ActiveService),
			"name another Service, or remove previewService")
	}
	s.negative(path.Child("previewReplicaCount"), bg.PreviewReplicaCount)
	s.share(bg.MaxUnavailable, path.Child("maxUnavailable"))
	if limit, kept := bg.ScaleDownDelayRevisionLimit, spec.ResolvedRevisionHistoryLimit(); limit != nil && *limit > kept {
		s.as(RuleConflict).invalid(path.Child("scaleDownDelayRevisionLimit"), fmt.Sprintf("is %d and must be at most revisionHistoryLimit, which is %d: older ReplicaSets are deleted", *limit, kept), "")
	}
	s.antiAffinity(bg.AntiAffinity, path.Child("antiAffinity"))
	s.role(bg.PreviewMetadata, spec.Selector, path.Child("previewMetadata"))
	s.role(bg.ActiveMetadata, spec.Selector, path.Child("activeMetadata"))
	if bg.PrePromotionAnalysis != nil {
		s.analysis(bg.PrePromotionAnalysis, path.Child("prePromotionAnalysis"))
	}
	if bg.PostPromotionAnalysis != nil {
		s.analysis(bg.PostPromotionAnalysis, path.Child("postPromotionAnalysis"))
	}
}
