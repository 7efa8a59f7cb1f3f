package validate

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/validate/content"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// pod is what the containers of one pod template share.
type pod struct {
	*sheet
	volumes, containers map[string]bool
}

func (p *pod) volume(volume *corev1.Volume, path *field.Path) {
	if !p.named(volume.Name, path.Child("name"), content.IsDNS1123Label) {
		p.as(RuleMissingField).invalid(path.Child("name"), "is missing", "")
	}
	p.once(p.volumes, volume.Name, path.Child("name"), "volume of this pod")
	if sources := given(volume.VolumeSource); len(sources) > 1 {
		p.as(RuleConflict).invalid(path, "is of several types: "+strings.Join(sources, ", "), "make each of them a volume of its own")
	}
}

func (p *pod) container(c *corev1.Container, path *field.Path) {
	if !p.named(c.Name, path.Child("name"), content.IsDNS1123Label) {
		p.as(RuleMissingField).invalid(path.Child("name"), "is missing", "")
	}
	p.once(p.containers, c.Name, path.Child("name"), "container of this pod")
	if c.Image == "" {
		p.as(RuleMissingField).invalid(path.Child("image"), "is missing", "write the image that this container runs")
	}
	p.oneOf(string(c.ImagePullPolicy), path.Child("imagePullPolicy"), "Always", "IfNotPresent", "Never")
	p.oneOf(string(c.TerminationMessagePolicy), path.Child("terminationMessagePolicy"), "File", "FallbackToLogsOnError")
	if c.RestartPolicy != nil {
		p.oneOf(string(*c.RestartPolicy), path.Child("restartPolicy"), "Always", "OnFailure", "Never")
	}
	p.ports(c.Ports, path.Child("ports"))
	p.environment(c.Env, path.Child("env"))
	p.mounts(c, path)
	p.resources(&c.Resources, path.Child("resources"))
	p.probe(c.LivenessProbe, path.Child("livenessProbe"), true)
	p.probe(c.ReadinessProbe, path.Child("readinessProbe"), false)
	p.probe(c.StartupProbe, path.Child("startupProbe"), true)
}

// first checks an init container that ends before the others start: nobody asks it how it does.
func (p *pod) first(c *corev1.Container, path *field.Path) {
	for _, f := range []struct {
		there bool
		name  string
	}{{c.LivenessProbe != nil, "livenessProbe"}, {c.ReadinessProbe != nil, "readinessProbe"}, {c.StartupProbe != nil, "startupProbe"}, {c.Lifecycle != nil, "lifecycle"}} {
		if f.there {
			p.as(RuleConflict).invalid(path.Child(f.name), "cannot be set for an init container that ends before the others start", "remove it, or write restartPolicy: Always for one that runs beside them")
		}
	}
}

func (p *pod) ports(ports []corev1.ContainerPort, path *field.Path) {
	names := map[string]bool{}
	for i, port := range ports {
		at := path.Index(i)
		p.named(port.Name, at.Child("name"), validation.IsValidPortName)
		p.once(names, port.Name, at.Child("name"), "port of this container")
		switch {
		case port.ContainerPort == 0:
			p.as(RuleMissingField).invalid(at.Child("containerPort"), "is missing", "write the port that the container listens on")
		case port.ContainerPort < 0 || port.ContainerPort > 65535:
			p.invalid(at.Child("containerPort"), fmt.Sprintf("is %d and must be 1 to 65535", port.ContainerPort), "")
		}
		if port.HostPort < 0 || port.HostPort > 65535 {
			p.invalid(at.Child("hostPort"), fmt.Sprintf("is %d and must be 1 to 65535", port.HostPort), "")
		}
		p.oneOf(string(port.Protocol), at.Child("protocol"), "TCP", "UDP", "SCTP")
	}
}

func (p *pod) environment(env []corev1.EnvVar, path *field.Path) {
	names := map[string]bool{}
	for i, variable := range env {
		at := path.Index(i)
		if !p.named(variable.Name, at.Child("name"), validation.IsRelaxedEnvVarName) {
			p.as(RuleMissingField).invalid(at.Child("name"), "is missing", "")
		} else if names[variable.Name] {
			p.as(RuleNoEffect).warn(at.Child("name"), fmt.Sprintf("is %s a second time: the container sees the last value only", quote(variable.Name)), "remove one of them")
		}
		names[variable.Name] = true
		if variable.ValueFrom == nil {
			continue
		}
		sources := given(*variable.ValueFrom)
		switch {
		case variable.Value != "":
			p.as(RuleConflict).invalid(at, "has both value and valueFrom", "remove one of them")
		case len(sources) == 0:
			p.as(RuleMissingField).invalid(at.Child("valueFrom"), "names no source", "write one of fieldRef, resourceFieldRef, configMapKeyRef and secretKeyRef")
		case len(sources) > 1:
			p.as(RuleConflict).invalid(at.Child("valueFrom"), "names several sources: "+strings.Join(sources, ", "), "keep one of them")
		}
		p.keyed(variable.ValueFrom, at.Child("valueFrom"))
	}
}

// keyed wants the key of what a variable is taken from.
func (p *pod) keyed(from *corev1.EnvVarSource, path *field.Path) {
	if ref := from.SecretKeyRef; ref != nil {
		p.required(ref.Key, path.Child("secretKeyRef", "key"), "write the key in the Secret")
	}
	if ref := from.ConfigMapKeyRef; ref != nil {
		p.required(ref.Key, path.Child("configMapKeyRef", "key"), "write the key in the ConfigMap")
	}
}

func (p *pod) mounts(c *corev1.Container, path *field.Path) {
	paths := map[string]bool{}
	for i, mount := range c.VolumeMounts {
		at := path.Child("volumeMounts").Index(i)
		p.mounted(mount.Name, at.Child("name"))
		if mount.MountPath == "" {
			p.as(RuleMissingField).invalid(at.Child("mountPath"), "is missing", "write where the container sees the volume")
		}
		p.once(paths, mount.MountPath, at.Child("mountPath"), "mount of this container")
	}
	for i, device := range c.VolumeDevices {
		p.mounted(device.Name, path.Child("volumeDevices").Index(i).Child("name"))
	}
}

func (p *pod) mounted(name string, path *field.Path) {
	switch {
	case name == "":
		p.as(RuleMissingField).invalid(path, "is missing", "write the name of the volume")
	case p.known(name) && !p.volumes[name] && !slices.ContainsFunc(slices.Collect(maps.Keys(p.volumes)), func(volume string) bool { return !p.known(volume) }):
		fix := "the pod has no volumes: declare it under spec.volumes of the pod"
		if len(p.volumes) > 0 {
			fix = "there is " + strings.Join(slices.Sorted(maps.Keys(p.volumes)), ", ")
		}
		p.as(RuleVolume).invalid(path, quote(name)+" is no volume of this pod", fix)
	}
}

func (p *pod) resources(resources *corev1.ResourceRequirements, path *field.Path) {
	for _, list := range []struct {
		name   string
		values corev1.ResourceList
	}{{"limits", resources.Limits}, {"requests", resources.Requests}} {
		for _, name := range slices.Sorted(maps.Keys(list.values)) {
			if value := list.values[name]; value.Sign() < 0 {
				p.invalid(path.Child(list.name).Key(string(name)), fmt.Sprintf("is %s and cannot be negative", value.String()), "")
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(resources.Requests)) {
		request := resources.Requests[name]
		if limit, ok := resources.Limits[name]; ok && request.Cmp(limit) > 0 {
			p.as(RuleConflict).invalid(path.Child("requests").Key(string(name)), fmt.Sprintf("is %s, more than the limit of %s", request.String(), limit.String()), "")
		}
	}
}

// probe checks how a container is asked; one that is restarted for it is asked for one success only.
func (p *pod) probe(probe *corev1.Probe, path *field.Path, restarts bool) {
	if probe == nil {
		return
	}
	handlers := given(probe.ProbeHandler)
	switch {
	case len(handlers) == 0:
		p.as(RuleMissingField).invalid(path, "says not what to ask", "write one of httpGet, tcpSocket, grpc and exec")
	case len(handlers) > 1:
		p.as(RuleConflict).invalid(path, "asks in several ways: "+strings.Join(handlers, ", "), "keep one of them")
	}
	for _, number := range []struct {
		name  string
		value int32
	}{
		{"initialDelaySeconds", probe.InitialDelaySeconds}, {"timeoutSeconds", probe.TimeoutSeconds}, {"periodSeconds", probe.PeriodSeconds},
		{"successThreshold", probe.SuccessThreshold}, {"failureThreshold", probe.FailureThreshold},
	} {
		p.negative(path.Child(number.name), &number.value)
	}
	if restarts && probe.SuccessThreshold > 1 {
		p.invalid(path.Child("successThreshold"), fmt.Sprintf("is %d and can only be 1 here", probe.SuccessThreshold), "")
	}
	if probe.HTTPGet != nil {
		p.target(probe.HTTPGet.Port, path.Child("httpGet", "port"))
	}
	if probe.TCPSocket != nil {
		p.target(probe.TCPSocket.Port, path.Child("tcpSocket", "port"))
	}
}

// target checks the port that a probe asks: a number, or the name of one.
func (p *pod) target(port intstr.IntOrString, path *field.Path) {
	if port.Type == intstr.String {
		if !p.named(port.StrVal, path, validation.IsValidPortName) {
			p.as(RuleMissingField).invalid(path, "is missing", "")
		}
		return
	}
	switch number := port.IntVal; {
	case number == 0:
		p.as(RuleMissingField).invalid(path, "is missing", "write the number of the port, or its name")
	case number < 0 || number > 65535:
		p.invalid(path, fmt.Sprintf("is %d and must be 1 to 65535", number), "")
	}
}

// given names the fields of a struct of alternatives that are there.
func given(alternatives any) (names []string) {
	v := reflect.ValueOf(alternatives)
	for i := range v.NumField() {
		if f := v.Field(i); f.Kind() == reflect.Pointer && !f.IsNil() {
			name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
			names = append(names, name)
		}
	}
	return names
}
