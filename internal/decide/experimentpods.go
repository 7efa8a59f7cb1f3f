package decide

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	api "sluice.dev/sluice/api/v1alpha1"
)

// watchTemplates takes over what is seen of the pods of each template.
func (t *trial) watchTemplates() {
	all := make([]api.TemplateStatus, 0, len(t.in.Experiment.Spec.Templates))
	for _, template := range t.in.Experiment.Spec.Templates {
		s := api.TemplateStatus{Name: template.Name}
		if old := templateStatus(&t.status, template.Name); old != nil {
			s = *old
		}
		all = append(all, s)
	}
	t.status.TemplateStatuses = all
	running := 0
	for i := range t.in.Experiment.Spec.Templates {
		t.watchTemplate(&t.in.Experiment.Spec.Templates[i], &t.status.TemplateStatuses[i])
		if t.status.TemplateStatuses[i].Status == api.TemplateStatusRunning {
			running++
		}
	}
	if running == len(all) && t.status.AvailableAt == nil && !t.ended() {
		at := t.stamp()
		t.status.AvailableAt = &at
		t.enter(api.AnalysisPhaseRunning, "")
	}
}

func templateStatus(status *api.ExperimentStatus, name string) *api.TemplateStatus {
	for i := range status.TemplateStatuses {
		if status.TemplateStatuses[i].Name == name {
			return &status.TemplateStatuses[i]
		}
	}
	return nil
}

// watchTemplate says how far a template's pods are. Its deadline counts from the last progress.
func (t *trial) watchTemplate(template *api.TemplateSpec, s *api.TemplateStatus) {
	rs := t.replicaSet(t.setName(template, s))
	before := *s
	s.Replicas, s.UpdatedReplicas, s.ReadyReplicas, s.AvailableReplicas = 0, 0, 0, 0
	if rs != nil {
		s.Replicas, s.UpdatedReplicas, s.ReadyReplicas, s.AvailableReplicas = rs.Replicas, rs.Replicas, rs.Ready, rs.Available
		s.PodTemplateHash = rs.Hash
	}
	if t.ended() || s.Status.Completed() {
		return
	}
	next, message := t.readiness(template, s, rs)
	grew := s.Replicas > before.Replicas || s.ReadyReplicas > before.ReadyReplicas || s.AvailableReplicas > before.AvailableReplicas
	if next == s.Status && grew {
		at := t.stamp()
		s.LastTransitionTime = &at
	}
	t.moveTemplate(s, next, message)
	if next != api.TemplateStatusProgressing || s.LastTransitionTime == nil {
		return
	}
	end := s.LastTransitionTime.Add(t.deadline())
	if t.in.Now.Before(end) {
		t.wait(end)
		t.waiting = Reason{Code: "Pods", Message: fmt.Sprintf("Waiting for %d pods of template %s to be available.", desired(template), template.Name)}
		return
	}
	t.moveTemplate(s, api.TemplateStatusFailed, t.timedOut(template, s))
}

// readiness is whether all pods of a template serve, and what is in their way.
func (t *trial) readiness(template *api.TemplateSpec, s *api.TemplateStatus, rs *ReplicaSet) (api.TemplateStatusCode, string) {
	name := t.setName(template, s)
	service, wanted := t.serviceName(template, name)
	switch refused := t.in.Refused; {
	case rs == nil && refused.ReplicaSets[name] != "":
		return api.TemplateStatusProgressing, "The server refuses the ReplicaSet: " + refused.ReplicaSets[name]
	case rs == nil:
		return api.TemplateStatusProgressing, ""
	case wanted && !t.in.Services[service] && refused.Services[service] != "":
		return api.TemplateStatusProgressing, "The server refuses the Service: " + refused.Services[service]
	case rs.Wanted != desired(template) || rs.Available < rs.Wanted:
		return api.TemplateStatusProgressing, rs.Failure
	case wanted && !t.in.Services[service]:
		return api.TemplateStatusProgressing, ""
	}
	return api.TemplateStatusRunning, ""
}

func (t *trial) timedOut(template *api.TemplateSpec, s *api.TemplateStatus) string {
	name := t.setName(template, s)
	message := fmt.Sprintf("ReplicaSet %q has timed out progressing.", name)
	switch {
	case t.in.Trouble[name] != "":
		message += fmt.Sprintf(" %d of %d pods available: %s", s.AvailableReplicas, desired(template), t.in.Trouble[name])
	case s.Message != "":
		message += " " + s.Message
	}
	return message
}

// ExperimentOverdue names the ReplicaSets whose pods have not come up in time, so that it is worth asking
// them why.
func ExperimentOverdue(ex *api.Experiment, now time.Time) (names []string) {
	if ex.Status.Phase.Completed() {
		return nil
	}
	for i := range ex.Spec.Templates {
		template := &ex.Spec.Templates[i]
		s := templateStatus(&ex.Status, template.Name)
		if s != nil && s.Status == api.TemplateStatusProgressing && s.LastTransitionTime != nil &&
			!now.Before(s.LastTransitionTime.Add(experimentDeadline(ex))) {
			names = append(names, experimentSetName(ex, template, s))
		}
	}
	return names
}

// moveTemplate gives a template another status.
func (t *trial) moveTemplate(s *api.TemplateStatus, to api.TemplateStatusCode, message string) {
	if s.Status != to {
		at := t.stamp()
		t.announce(api.EventTemplatePrefix, string(to), transition(fmt.Sprintf("Template '%s'", s.Name), s.Status, to, message))
		s.Status, s.LastTransitionTime = to, &at
	}
	s.Message = message
}

// failedTemplate is a template that has failed, nil when none has.
func (t *trial) failedTemplate() *api.TemplateStatus {
	for i := range t.status.TemplateStatuses {
		switch s := &t.status.TemplateStatuses[i]; s.Status {
		case api.TemplateStatusFailed, api.TemplateStatusError:
			return s
		case api.TemplateStatusProgressing, api.TemplateStatusRunning, api.TemplateStatusSuccessful:
		}
	}
	return nil
}

// populate makes the pods and Services exist that should, and clears them away after the end.
func (t *trial) populate() {
	t.clearStrays()
	for i := range t.in.Experiment.Spec.Templates {
		template, s := &t.in.Experiment.Spec.Templates[i], &t.status.TemplateStatuses[i]
		rs := t.replicaSet(t.setName(template, s))
		switch {
		case t.ended():
			t.clear(template, s, rs)
		case rs == nil:
			t.create(template, s)
		default:
			t.keep(template, s, rs)
		}
	}
}

// create asks for the ReplicaSet of a template. A name that somebody else has makes the next one another.
func (t *trial) create(template *api.TemplateSpec, s *api.TemplateStatus) {
	if t.in.Experiment.Spec.Terminate || len(t.in.Invalid) > 0 {
		return
	}
	name := t.setName(template, s)
	if t.in.Taken[name] {
		collisions := int32(1)
		if s.CollisionCount != nil {
			collisions = *s.CollisionCount + 1
		}
		s.CollisionCount = &collisions
		return
	}
	hash := experimentHash(t.in.Experiment, template, s.CollisionCount)
	pods := *template.Template.DeepCopy()
	if pods.Labels == nil {
		pods.Labels = map[string]string{}
	}
	pods.Labels[api.LabelPodTemplateHash] = hash
	s.PodTemplateHash = hash
	t.act(ReplicaSetExists{
		Name: name, Hash: hash, DesiredReplicas: desired(template), Template: pods, MinReadySeconds: template.MinReadySeconds,
		Selector: template.Selector.DeepCopy(),
		Annotations: map[string]string{
			api.AnnotationExperimentName:         t.in.Experiment.Name,
			api.AnnotationExperimentTemplateName: template.Name,
		},
	})
}

// keep holds a template's pods and Service as they should be while the Experiment goes on.
func (t *trial) keep(template *api.TemplateSpec, s *api.TemplateStatus, rs *ReplicaSet) {
	if len(t.in.Invalid) == 0 {
		t.resize(rs, desired(template))
	}
	if !rs.ScaleDownAt.IsZero() {
		t.act(ReplicaSetCarries{Name: rs.Name, Annotations: map[string]string{api.AnnotationScaleDownDeadline: ""}})
	}
	s.ServiceName = ""
	name, wanted := t.serviceName(template, rs.Name)
	if !wanted {
		return
	}
	s.ServiceName = name
	if !t.in.Services[name] {
		t.act(ServiceExists{Name: name, Hash: rs.Hash, Selector: template.Selector.DeepCopy(), Ports: ports(template)})
	}
}

// clear takes the pods away when their time is over, then the Service, which nothing answers any more.
func (t *trial) clear(template *api.TemplateSpec, s *api.TemplateStatus, rs *ReplicaSet) {
	name, _ := t.serviceName(template, t.setName(template, s))
	if t.in.Services[name] && (rs == nil || rs.Wanted == 0 && rs.Available == 0) {
		t.act(ServiceGone{Name: name})
	}
	if rs == nil || rs.Wanted == 0 {
		return
	}
	at := t.leavesAt()
	if !t.in.Now.Before(at) {
		t.resize(rs, 0)
		return
	}
	t.wait(at)
	if !rs.ScaleDownAt.Equal(at) {
		t.act(ReplicaSetCarries{Name: rs.Name, Annotations: map[string]string{
			api.AnnotationScaleDownDeadline: at.UTC().Format(time.RFC3339),
		}})
	}
}

// clearStrays takes away what no template names: the spec was edited, or the Experiment has not begun.
func (t *trial) clearStrays() {
	sets, services := map[string]bool{}, map[string]bool{}
	for i := range t.in.Experiment.Spec.Templates {
		template := &t.in.Experiment.Spec.Templates[i]
		if s := templateStatus(&t.status, template.Name); s != nil {
			name := t.setName(template, s)
			service, _ := t.serviceName(template, name)
			sets[name], services[service] = true, true
		}
	}
	for i := range t.in.ReplicaSets {
		if rs := &t.in.ReplicaSets[i]; !sets[rs.Name] {
			t.resize(rs, 0)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(t.in.Services)) {
		if t.in.Services[name] && !services[name] {
			t.act(ServiceGone{Name: name})
		}
	}
}

func (t *trial) resize(rs *ReplicaSet, to int32) {
	if rs.Wanted == to {
		return
	}
	verb := "up"
	if to < rs.Wanted {
		verb = "down"
	}
	t.act(ReplicaSetWants{Name: rs.Name, From: rs.Wanted, To: to, DesiredReplicas: to})
	t.events = append(t.events, Event{Reason: api.EventScalingReplicaSet,
		Message: fmt.Sprintf("Scaled %s ReplicaSet %s from %d to %d", verb, rs.Name, rs.Wanted, to)})
}

func (t *trial) replicaSet(name string) *ReplicaSet {
	for i := range t.in.ReplicaSets {
		if t.in.ReplicaSets[i].Name == name {
			return &t.in.ReplicaSets[i]
		}
	}
	return nil
}

func (t *trial) setName(template *api.TemplateSpec, s *api.TemplateStatus) string {
	return experimentSetName(t.in.Experiment, template, s)
}

func experimentSetName(ex *api.Experiment, template *api.TemplateSpec, s *api.TemplateStatus) string {
	name := ex.Name + "-" + template.Name
	if s.CollisionCount != nil {
		name += fmt.Sprintf("-%d", *s.CollisionCount)
	}
	return name
}

// serviceName is the Service in front of a template's pods; false when there should be none, also because
// the pods have no ports.
func (t *trial) serviceName(template *api.TemplateSpec, set string) (string, bool) {
	if template.Service == nil {
		return "", false
	}
	name := template.Service.Name
	if name == "" {
		name = set
	}
	return name, len(ports(template)) > 0
}

// ports are those of a template's containers, each once.
func ports(template *api.TemplateSpec) (all []corev1.ServicePort) {
	known := map[string]bool{}
	for _, container := range template.Template.Spec.Containers {
		for _, port := range container.Ports {
			protocol := port.Protocol
			if protocol == "" {
				protocol = corev1.ProtocolTCP
			}
			name := port.Name
			if name == "" {
				name = fmt.Sprintf("%s-%d", strings.ToLower(string(protocol)), port.ContainerPort)
			}
			at := fmt.Sprintf("%s/%d", protocol, port.ContainerPort)
			if known[at] || known[name] {
				continue
			}
			known[at], known[name] = true, true
			all = append(all, corev1.ServicePort{Name: name, Port: port.ContainerPort, Protocol: protocol})
		}
	}
	return all
}

func desired(template *api.TemplateSpec) int32 {
	if template.Replicas == nil {
		return 1
	}
	return max(*template.Replicas, 0)
}

// experimentHash tells the pods of this template from all others, also from those of the revision whose
// template it is, and of an Experiment before it.
func experimentHash(ex *api.Experiment, template *api.TemplateSpec, collisions *int32) string {
	pods := template.Template.DeepCopy()
	delete(pods.Labels, api.LabelPodTemplateHash)
	raw, err := json.Marshal(pods)
	if err != nil {
		return "" // cannot happen for a template that came from JSON
	}
	raw = append(raw, ex.Name+"/"+template.Name...)
	if collisions != nil {
		raw = fmt.Appendf(raw, "-%d", *collisions)
	}
	return fnvName(raw)
}
