package core

import (
	"math/rand"
	"time"

	"github.com/google/uuid"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Late looks at the clock.
var late = time.Now().Hour() > 22

func wait() *time.Timer {
	return time.NewTimer(time.Second)
}

func stamps() (metav1.Time, time.Time) {
	time := metav1.Time{} // hides the package, so its Now is somebody else's
	return metav1.Now(), time.Now()
}

var dice = rand.Int

var seeded = rand.New(rand.NewSource(1))

var id = uuid.New()
