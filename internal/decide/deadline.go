package decide

import (
	"time"

	api "sluice.dev/sluice/api/v1alpha1"
)

// Pods of a revision that is not needed any more stay for a while: whoever still holds a connection to
// them can finish, and going back is quick. Until when stands on the ReplicaSet itself.

// sizeUnderDeadline keeps a ReplicaSet as it is until its time is over; one that has no time yet gets it.
func (d *draft) sizeUnderDeadline(f facts, rs *ReplicaSet, delay time.Duration) int32 {
	if rs.Wanted == 0 {
		d.settleDeadline(rs)
		return 0
	}
	end := rs.ScaleDownAt
	if end.IsZero() {
		if delay <= 0 {
			return 0
		}
		end = f.stampUp().Add(delay)
		d.act(ReplicaSetCarries{Name: rs.Name, Annotations: deadlineNote(end)})
	}
	if f.now.Before(end) {
		d.wait(end)
		return rs.Wanted
	}
	return 0
}

// settleDeadline takes the time away from a ReplicaSet that is empty already, or that is in use again.
func (d *draft) settleDeadline(rs *ReplicaSet) {
	if !rs.ScaleDownAt.IsZero() {
		d.act(ReplicaSetCarries{Name: rs.Name, Annotations: deadlineNote(time.Time{})})
	}
}

// deadlineNote is the annotation that keeps the time; the zero time removes it.
func deadlineNote(at time.Time) map[string]string {
	text := ""
	if !at.IsZero() {
		text = at.UTC().Format(time.RFC3339)
	}
	return map[string]string{api.AnnotationScaleDownDeadline: text}
}
