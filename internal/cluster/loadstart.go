package cluster

import (
	"context"
	"time"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/internal/decide"
)

// tellStart tells the pods of a load test when to begin, in their order. Each is told on the condition that it is as
// it was seen. The first that is not ends this: it may have been told another moment meanwhile, and then the others
// must hear that one. The kubelet brings the annotation into the pod as a file.
func (w *AnalysisWorld) tellStart(ctx context.Context, a decide.LoadStarts) error {
	for _, name := range a.Pods {
		pod := w.jobPods[name]
		if pod == nil {
			return lookAgain("pod %s is gone", name)
		}
		t := target{ref: ref{kind: podKind, namespace: pod.Namespace, name: name}, version: pod.ResourceVersion, owner: w.run.UID}
		fields := map[string]any{"metadata": map[string]any{"annotations": map[string]any{
			api.AnnotationLoadStart: a.At.UTC().Format(time.RFC3339Nano),
		}}}
		if _, err := w.cluster.patch(ctx, t, fields); err != nil {
			return err
		}
	}
	return nil
}
