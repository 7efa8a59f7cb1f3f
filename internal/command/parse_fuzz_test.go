package command

import (
	"strings"
	"testing"
)

func FuzzParseImages(f *testing.F) {
	for _, text := range []string{"web=shop:2", "*=shop:2\nlog=log:1", "web", "=a", "a==", "a= b "} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		texts := strings.Split(text, "\n")
		images, err := ParseImages(texts)
		if err != nil {
			return
		}
		if len(images) != len(texts) {
			t.Fatalf("%q gave %d images", texts, len(images))
		}
		for i, image := range images {
			container, rest, _ := strings.Cut(texts[i], "=")
			if image.Container == "" || image.Image == "" || image.Container != container || image.Image != strings.TrimSpace(rest) {
				t.Errorf("%q was read as %+v", texts[i], image)
			}
		}
	})
}
