package e2e

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	api "sluice.dev/sluice/api/v1alpha1"
	"sluice.dev/sluice/test/stage"
)

// dump tells how things stand when a story went wrong.
func (sc *scene) dump() {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	var b strings.Builder
	if ro, err := sc.stage.Rollout(ctx); err != nil {
		fmt.Fprintln(&b, err)
	} else {
		section(&b, "Rollout (status)", ro.Status)
	}
	var runs api.AnalysisRunList
	if err := sc.stage.Client.List(ctx, &runs, client.InNamespace(stage.Namespace)); err != nil {
		fmt.Fprintln(&b, err)
	}
	for _, run := range runs.Items {
		section(&b, "AnalysisRun "+run.Name, run.Status)
	}
	sc.dumpPods(ctx, &b)
	sc.dumpEvents(ctx, &b)
	if log, err := sc.log(ctx, 30); err != nil {
		fmt.Fprintln(&b, err)
	} else {
		fmt.Fprintf(&b, "── controller\n%s\n", log)
	}
	sc.Log(b.String())
}

func section(b io.Writer, title string, content any) {
	text, err := yaml.Marshal(content)
	if err != nil {
		text = []byte(err.Error())
	}
	fmt.Fprintf(b, "── %s\n%s", title, text)
}

func (sc *scene) dumpPods(ctx context.Context, b io.Writer) {
	var pods corev1.PodList
	if err := sc.stage.Client.List(ctx, &pods, client.InNamespace(stage.Namespace)); err != nil {
		fmt.Fprintln(b, err)
	}
	fmt.Fprintln(b, "── pods")
	for i := range pods.Items {
		p := &pods.Items[i]
		fmt.Fprintf(b, "%-50s %-10s serving=%t leaving=%t\n", p.Name, p.Status.Phase, ready(p), p.DeletionTimestamp != nil)
	}
	var jobs batchv1.JobList
	if err := sc.stage.Client.List(ctx, &jobs, client.InNamespace(stage.Namespace)); err != nil {
		fmt.Fprintln(b, err)
	}
	for _, j := range jobs.Items {
		fmt.Fprintf(b, "job %-46s active=%d succeeded=%d failed=%d\n", j.Name, j.Status.Active, j.Status.Succeeded, j.Status.Failed)
	}
}

func (sc *scene) dumpEvents(ctx context.Context, b io.Writer) {
	events, err := sc.events(ctx)
	if err != nil {
		fmt.Fprintln(b, err)
	}
	slices.SortStableFunc(events, func(x, y corev1.Event) int { return latest(x).Compare(latest(y).Time) })
	fmt.Fprintln(b, "── events")
	for _, e := range events[max(0, len(events)-40):] {
		fmt.Fprintf(b, "%s %s/%s %s: %s\n", latest(e).UTC().Format("15:04:05"), e.InvolvedObject.Kind, e.InvolvedObject.Name, e.Reason, e.Message)
	}
}

// log is what all controllers wrote; lines 0 is everything.
func (sc *scene) log(ctx context.Context, lines int64) (string, error) {
	set, err := kubernetes.NewForConfig(sc.stage.Config)
	if err != nil {
		return "", fmt.Errorf("making a client: %w", err)
	}
	pods, err := sc.controllers(ctx)
	if err != nil {
		return "", err
	}
	var all strings.Builder
	for _, p := range pods {
		o := &corev1.PodLogOptions{}
		if lines > 0 {
			o.TailLines = &lines
		}
		raw, err := set.CoreV1().Pods(p.Namespace).GetLogs(p.Name, o).DoRaw(ctx)
		if err != nil {
			return "", fmt.Errorf("reading the log of %s: %w", p.Name, err)
		}
		all.Write(raw)
	}
	return all.String(), nil
}

// controllers are the pods of the controller that are not on their way out.
func (sc *scene) controllers(ctx context.Context) ([]corev1.Pod, error) {
	var list corev1.PodList
	if err := sc.stage.Client.List(ctx, &list, client.InNamespace(stage.Namespace), controllerLabels); err != nil {
		return nil, fmt.Errorf("listing the controller's pods: %w", err)
	}
	return slices.DeleteFunc(list.Items, func(p corev1.Pod) bool { return p.DeletionTimestamp != nil }), nil
}
