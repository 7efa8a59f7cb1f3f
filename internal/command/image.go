package command

import (
	"fmt"
	"slices"
	"strings"

	api "sluice.dev/sluice/api/v1alpha1"
)

// Image is a container with the image it should have. The container * is all of them.
type Image struct{ Container, Image string }

// ParseImages reads CONTAINER=IMAGE.
func ParseImages(texts []string) ([]Image, error) {
	var images []Image
	for _, text := range texts {
		container, image, ok := strings.Cut(text, "=")
		if !ok || container == "" || strings.TrimSpace(image) == "" {
			return nil, fmt.Errorf("%q is no image: write CONTAINER=IMAGE, or *=IMAGE for all containers", text)
		}
		if slices.ContainsFunc(images, func(other Image) bool { return other.Container == container }) {
			return nil, fmt.Errorf("container %s is given two images", container)
		}
		images = append(images, Image{container, strings.TrimSpace(image)})
	}
	return images, nil
}

// place is a container of the template: where it stands and what it runs.
type place struct{ path, name, image string }

// SetImages gives containers of the template other images; that starts an update. A container that is
// named has that image, whatever * says.
func SetImages(ro *api.Rollout, in Holder, images []Image) (Change, error) {
	places := containers(in)
	if err := known(ro, in, images); err != nil {
		return Change{}, err
	}
	var operations []operation
	var changed []string
	for _, at := range places {
		if image := wanted(at.name, images); image != "" && image != at.image {
			operations = append(operations, operation{"replace", at.path, image})
			changed = append(changed, at.name)
		}
	}
	if len(operations) == 0 {
		return Change{Effect: fmt.Sprintf("rollout %s has these images already", ro.Name)}, nil
	}
	patch, err := replace(in.version, operations...)
	if err != nil {
		return Change{}, fmt.Errorf("setting images of rollout %s: %w", ro.Name, err)
	}
	return Change{
		Patches: []Patch{patch},
		Effect:  fmt.Sprintf("rollout %s has a new image for %s%s: an update starts", ro.Name, strings.Join(changed, ", "), in.where()),
	}, nil
}

// containers are the containers, init containers and ephemeral containers of the template.
func containers(in Holder) []place {
	var all []place
	spec := &in.template.Spec
	add := func(list string, i int, name, image string) {
		all = append(all, place{fmt.Sprintf("%s/spec/%s/%d/image", in.path, list, i), name, image})
	}
	for i, c := range spec.InitContainers {
		add("initContainers", i, c.Name, c.Image)
	}
	for i, c := range spec.Containers {
		add("containers", i, c.Name, c.Image)
	}
	for i, c := range spec.EphemeralContainers {
		add("ephemeralContainers", i, c.Name, c.Image)
	}
	return all
}

// Containers are the names of the containers whose images can be set, in the order of the template.
func Containers(in Holder) []string {
	var names []string
	for _, at := range containers(in) {
		names = append(names, at.name)
	}
	return names
}

func known(ro *api.Rollout, in Holder, images []Image) error {
	var unknown []string
	places := containers(in)
	for _, image := range images {
		if image.Container != "*" && !slices.ContainsFunc(places, func(at place) bool { return at.name == image.Container }) {
			unknown = append(unknown, image.Container)
		}
	}
	if len(unknown) == 0 {
		return nil
	}
	what := "container"
	if len(unknown) > 1 {
		what = "containers"
	}
	return &Refusal{
		Message: fmt.Sprintf("rollout %s has no %s %s", ro.Name, what, strings.Join(unknown, ", ")),
		Advice:  "there are " + strings.Join(Containers(in), ", "),
	}
}

// wanted is the image a container should have, "" when nobody said.
func wanted(name string, images []Image) string {
	all := ""
	for _, image := range images {
		switch image.Container {
		case name:
			return image.Image
		case "*":
			all = image.Image
		}
	}
	return all
}
