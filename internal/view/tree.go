package view

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	api "sluice.dev/sluice/api/v1alpha1"
)

// row is an object in the tree.
type row struct {
	branch string // the lines of the tree before it
	icon   string
	name   string
	kind   string
	mark   mark
	age    string
	info   string
}

// tree lists a rollout's revisions, newest first, with their pods, analysis runs and Jobs.
func (s Scene) tree() []row {
	phase, _ := Phase(s.Rollout)
	rows := []row{{icon: "⟳", name: s.Rollout.Name, kind: "Rollout", mark: phaseMark(phase), age: s.age(s.Rollout.CreationTimestamp)}}
	shown, folded := s.revisions(), 0
	if s.dense >= denseRevisions {
		all := len(shown)
		shown = slices.DeleteFunc(shown, s.asleep)
		folded = all - len(shown)
	}
	for i, number := range shown {
		last := i == len(shown)-1 && folded == 0
		rows = append(rows, row{branch: branch("", last), icon: "#", name: "revision:" + strconv.Itoa(number)})
		rows = append(rows, s.revisionRows(number, trunk("", last))...)
	}
	if folded > 0 {
		rows = append(rows, row{branch: branch("", true), icon: "#", name: fmt.Sprintf("%d older", folded), mark: neutral("ScaledDown")})
	}
	return rows
}

// asleep tells that a revision has neither pods nor a role.
func (s Scene) asleep(number int) bool {
	for i := range s.ReplicaSets {
		rs := &s.ReplicaSets[i]
		if revision(rs) == number && (rs.Status.Replicas > 0 || s.role(rs) != "") {
			return false
		}
	}
	return true
}

func branch(trunk string, last bool) string {
	if last {
		return trunk + "└──"
	}
	return trunk + "├──"
}

func trunk(trunk string, last bool) string {
	if last {
		return trunk + "   "
	}
	return trunk + "│  "
}

func (s Scene) revisions() []int {
	var numbers []int
	for i := range s.ReplicaSets {
		numbers = append(numbers, revision(&s.ReplicaSets[i]))
	}
	for i := range s.Runs {
		numbers = append(numbers, revision(&s.Runs[i]))
	}
	for i := range s.Experiments {
		numbers = append(numbers, revision(&s.Experiments[i]))
	}
	slices.Sort(numbers)
	slices.Reverse(numbers)
	return slices.Compact(numbers)
}

func (s Scene) revisionRows(number int, under string) []row {
	var entries []entry
	for i := range s.ReplicaSets {
		if rs := &s.ReplicaSets[i]; revision(rs) == number {
			entries = append(entries, entry{s.replicaSetRow(rs), func(under string) []row { return s.podRows(rs, under) }})
		}
	}
	for i := range s.Runs {
		if run := &s.Runs[i]; revision(run) == number {
			entries = append(entries, entry{s.runRow(run), func(under string) []row { return s.jobRows(run, under) }})
		}
	}
	for i := range s.Experiments {
		if ex := &s.Experiments[i]; revision(ex) == number {
			entries = append(entries, entry{s.experimentRow(ex), func(under string) []row { return s.trialRows(ex, under) }})
		}
	}
	return branches(entries, under)
}

func (s Scene) replicaSetRow(rs *appsv1.ReplicaSet) row {
	var info []string
	if role := s.roles(rs); role != "" {
		info = append(info, role)
	}
	if deadline := rs.Annotations[api.AnnotationScaleDownDeadline]; deadline != "" {
		info = append(info, s.delay(deadline))
	}
	return row{icon: "⧉", name: rs.Name, kind: "ReplicaSet", mark: replicaSetMark(rs), age: s.age(rs.CreationTimestamp), info: strings.Join(info, ",")}
}

func (s Scene) podRows(rs *appsv1.ReplicaSet, under string) []row {
	pods := s.podsOf(rs)
	var well []*corev1.Pod
	if s.dense >= densePods {
		isWell := func(pod *corev1.Pod) bool { return podMark(pod).tone == Good }
		for _, pod := range pods {
			if isWell(pod) {
				well = append(well, pod)
			}
		}
		if len(well) > 1 {
			pods = slices.DeleteFunc(pods, isWell)
		} else {
			well = nil
		}
	}
	var rows []row
	for i, pod := range pods {
		info := podInfo(pod)
		if s.Wide && pod.Spec.NodeName != "" {
			info += ",node:" + pod.Spec.NodeName
		}
		rows = append(rows, row{
			branch: branch(under, i == len(pods)-1 && len(well) == 0), icon: "□", name: pod.Name, kind: "Pod",
			mark: podMark(pod), age: s.age(pod.CreationTimestamp), info: info,
		})
	}
	if len(well) > 0 {
		rows = append(rows, row{branch: branch(under, true), icon: "□", name: fmt.Sprintf("%d pods", len(well)), kind: "Pod", mark: good("Running")})
	}
	return rows
}

func (s Scene) runRow(run *api.AnalysisRun) row {
	return row{icon: "α", name: run.Name, kind: "AnalysisRun", mark: analysisMark(run.Status.Phase), age: s.age(run.CreationTimestamp), info: counts(run)}
}

// counts adds up the measurements of a run's metrics: ✔ 2,✖ 1.
func counts(run *api.AnalysisRun) string {
	var good, bad, unknown, failed int32
	for _, result := range run.Status.MetricResults {
		good, bad = good+result.Successful, bad+result.Failed
		unknown, failed = unknown+result.Inconclusive, failed+result.Error
	}
	var info []string
	for _, count := range []struct {
		icon string
		n    int32
	}{{"✔", good}, {"✖", bad}, {"?", unknown}, {"⚠", failed}} {
		if count.n > 0 {
			info = append(info, fmt.Sprintf("%s %d", count.icon, count.n))
		}
	}
	return strings.Join(info, ",")
}

// Measured is how much of a run was measured: `measured 1 of 6`.
func Measured(run *api.AnalysisRun) string {
	taken, total, endless := int32(0), 0, false
	for i := range run.Spec.Metrics {
		metric := &run.Spec.Metrics[i]
		of := totalOf(metric)
		total, endless = total+of, endless || of == 0
		taken += resultOf(run, metric.Name).Count
	}
	switch {
	case taken == 0:
		return "measured nothing yet"
	case endless:
		return fmt.Sprintf("measured %d times", taken)
	}
	return fmt.Sprintf("measured %d of %d", taken, total)
}

func (s Scene) jobRows(run *api.AnalysisRun, under string) []row {
	jobs := s.jobsOf(run)
	var rows []row
	for i, job := range jobs {
		rows = append(rows, row{
			branch: branch(under, i == len(jobs)-1), icon: "⊞", name: job.Name, kind: "Job",
			mark: jobMark(job), age: s.age(job.CreationTimestamp), info: jobInfo(job.Annotations[api.AnnotationMetricName]),
		})
	}
	return rows
}

func jobInfo(metric string) string {
	if metric == "" {
		return ""
	}
	return "metric:" + metric
}

// layout says which columns a table has and how wide they are.
type layout struct {
	name, kind, status, age, info int

	uids   bool   // the names of Jobs are left without the UID of their run
	prefix string // what is left out of names
}

// table arranges the rows in at most width columns: where they do not fit, first the UIDs in names go,
// then the kind (the icons say it), then the part of the names that all share.
func (s Scene) table(rows []row, width int) Page {
	l := layout{}.measure(rows)
	for _, narrower := range []func(*layout){
		func(l *layout) { l.uids = true },
		func(l *layout) { l.kind = -1 },
		func(l *layout) { l.prefix = s.Rollout.Name + "-" },
	} {
		if width <= 0 || l.name+max(l.kind, 0)+l.status+l.age+l.info <= width {
			break
		}
		narrower(&l)
		l = l.measure(rows)
	}
	page := Page{l.line(row{name: "NAME", kind: "KIND", mark: mark{text: "STATUS", tone: Faint}, age: "AGE", info: "INFO"}, true)}
	for _, r := range rows {
		page = append(page, l.line(r, false))
	}
	return page
}

func (l layout) measure(rows []row) layout {
	l.name = 2 + max(4, widest(rows, func(r row) string { return r.branch + r.icon + " " + l.shorten(r.name) }))
	if l.kind >= 0 {
		l.kind = 2 + widest(rows, func(r row) string { return r.kind })
	}
	l.status = 2 + max(6, widest(rows, func(r row) string { return r.mark.String() }))
	l.age = 2 + max(3, widest(rows, func(r row) string { return r.age }))
	l.info = widest(rows, func(r row) string { return r.info })
	return l
}

func (l layout) shorten(name string) string {
	if rest, ok := strings.CutPrefix(name, l.prefix); ok && l.prefix != "" && rest != "" {
		return "…" + rest
	}
	// A Job's name begins with the UID of its run.
	const uid = len("00000000-0000-0000-0000-000000000000")
	if l.uids && len(name) > uid+1 && strings.Count(name[:uid], "-") == 4 && strings.ContainsAny(name[uid:uid+1], ".-") {
		return "…" + name[uid+1:]
	}
	return name
}

func widest(rows []row, text func(row) string) int {
	n := 0
	for _, r := range rows {
		n = max(n, columns(text(r)))
	}
	return n
}

func (l layout) line(r row, head bool) Line {
	tone, status := Plain, r.mark.String()
	name := r.branch + r.icon + " " + l.shorten(r.name)
	if head {
		tone, status, name = Faint, "STATUS", r.name
	}
	line := Line{{pad(name, l.name), tone}}
	if l.kind > 0 {
		line = append(line, Span{pad(r.kind, l.kind), Faint})
	}
	return append(line, Span{pad(status, l.status), r.mark.tone}, Span{pad(r.age, l.age), Faint}, Span{r.info, tone})
}

// images lists the images of the revisions that have a role or pods, with their tags.
func (s Scene) images() []string {
	var images []string
	tags := map[string][]string{}
	for i := range s.ReplicaSets {
		rs := &s.ReplicaSets[i]
		role := s.roles(rs)
		if role == "" && rs.Status.Replicas == 0 {
			continue
		}
		for _, container := range append(slices.Clone(rs.Spec.Template.Spec.InitContainers), rs.Spec.Template.Spec.Containers...) {
			if !slices.Contains(images, container.Image) {
				images = append(images, container.Image)
			}
			if role != "" && !slices.Contains(tags[container.Image], role) {
				tags[container.Image] = append(tags[container.Image], role)
			}
		}
	}
	slices.Sort(images)
	for i, image := range images {
		if with := tags[image]; len(with) > 0 {
			slices.Sort(with)
			images[i] = fmt.Sprintf("%s (%s)", image, strings.Join(with, ", "))
		}
	}
	return images
}

// trouble is what keeps the pods of a ReplicaSet from being ready, the most frequent reason first.
func (s Scene) trouble(rs *appsv1.ReplicaSet) string {
	seen := map[string]int{}
	var reasons []string
	for _, pod := range s.podsOf(rs) {
		m := podMark(pod)
		if m.tone != Bad && !unschedulable(pod) {
			continue
		}
		text := m.text
		if unschedulable(pod) {
			text = "Unschedulable"
		}
		if seen[text] == 0 {
			reasons = append(reasons, text)
		}
		seen[text]++
	}
	slices.SortStableFunc(reasons, func(a, b string) int { return seen[b] - seen[a] })
	for i, reason := range reasons {
		reasons[i] = fmt.Sprintf("%d %s", seen[reason], reason)
	}
	return strings.Join(reasons, ", ")
}

func unschedulable(pod *corev1.Pod) bool {
	for _, condition := range pod.Status.Conditions {
		if condition.Type == corev1.PodScheduled && condition.Status == corev1.ConditionFalse && condition.Reason == corev1.PodReasonUnschedulable {
			return true
		}
	}
	return false
}
