package v1alpha1

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/util/intstr"
)

// Defaults of fields that are absent.
const (
	DefaultReplicas                    int32 = 1
	DefaultRevisionHistoryLimit        int32 = 10
	DefaultProgressDeadlineSeconds     int32 = 600
	DefaultScaleDownDelaySeconds       int32 = 30
	DefaultAbortScaleDownDelaySeconds  int32 = 30
	DefaultSuccessfulRunHistoryLimit   int32 = 5
	DefaultUnsuccessfulRunHistoryLimit int32 = 5
	DefaultMaxTrafficWeight            int32 = 100
	DefaultConsecutiveErrorLimit       int32 = 4
	DefaultMeasurementRetention        int32 = 10
	// DefaultSurgePercent is maxSurge and maxUnavailable where they are absent.
	DefaultSurgePercent = 25
)

// ResolvedReplicas is spec.replicas, or 1.
func (s *RolloutSpec) ResolvedReplicas() int32 {
	return valueOr(s.Replicas, DefaultReplicas)
}

// ResolvedRevisionHistoryLimit is the number of old ReplicaSets to keep, or 10.
func (s *RolloutSpec) ResolvedRevisionHistoryLimit() int32 {
	return valueOr(s.RevisionHistoryLimit, DefaultRevisionHistoryLimit)
}

// ResolvedProgressDeadlineSeconds is the progress deadline in seconds, or 600.
func (s *RolloutSpec) ResolvedProgressDeadlineSeconds() int32 {
	return valueOr(s.ProgressDeadlineSeconds, DefaultProgressDeadlineSeconds)
}

// ResolvedMaxTrafficWeight is the weight that means everything, or 100. A value below 1 is invalid and counts as
// 100, so that nobody divides by it.
func (c *CanaryStrategy) ResolvedMaxTrafficWeight() int32 {
	if c == nil || c.TrafficRouting == nil {
		return DefaultMaxTrafficWeight
	}
	if weight := valueOr(c.TrafficRouting.MaxTrafficWeight, DefaultMaxTrafficWeight); weight > 0 {
		return weight
	}
	return DefaultMaxTrafficWeight
}

// ResolvedMaxSurge is how many pods may exist beyond replicas: maxSurge, or 25 %, rounded up. An unreadable or
// negative value is an error.
func (c *CanaryStrategy) ResolvedMaxSurge(replicas int32) (int32, error) {
	surge, err := share(c.MaxSurge, replicas, math.Ceil)
	if err != nil {
		return 0, fmt.Errorf("reading maxSurge: %w", err)
	}
	return surge, nil
}

// ResolvedMaxUnavailable is how many of replicas may be missing: maxUnavailable, or 25 %, rounded down. When that
// and maxSurge are both 0 nothing could move, so it is 1 then. An unreadable or negative value of either is an
// error.
func (c *CanaryStrategy) ResolvedMaxUnavailable(replicas int32) (int32, error) {
	unavailable, err := share(c.MaxUnavailable, replicas, math.Floor)
	if err != nil {
		return 0, fmt.Errorf("reading maxUnavailable: %w", err)
	}
	surge, err := c.ResolvedMaxSurge(replicas)
	if err != nil {
		return 0, err
	}
	if surge == 0 && unavailable == 0 {
		return 1, nil
	}
	return unavailable, nil
}

// ResolvedMaxUnavailable is how many of replicas a restart may take away: maxUnavailable, or 25 %, rounded down.
// An unreadable or negative value is an error.
func (b *BlueGreenStrategy) ResolvedMaxUnavailable(replicas int32) (int32, error) {
	unavailable, err := share(b.MaxUnavailable, replicas, math.Floor)
	if err != nil {
		return 0, fmt.Errorf("reading maxUnavailable: %w", err)
	}
	return unavailable, nil
}

// share reads a number of pods, or a percentage of replicas. A string is a percentage even without the sign:
// "25" of 4 is 1.
func share(value *intstr.IntOrString, replicas int32, round func(float64) float64) (int32, error) {
	percent := int64(DefaultSurgePercent)
	switch {
	case value == nil:
	case value.Type == intstr.Int && value.IntVal < 0:
		return 0, fmt.Errorf("%d is negative", value.IntVal)
	case value.Type == intstr.Int:
		return value.IntVal, nil
	default:
		parsed, err := strconv.ParseInt(strings.TrimSuffix(value.StrVal, "%"), 10, 32)
		if err != nil {
			return 0, fmt.Errorf("%q is neither a number nor a percentage", value.StrVal)
		}
		if parsed < 0 {
			return 0, fmt.Errorf("%q is negative", value.StrVal)
		}
		percent = parsed
	}
	pods := round(float64(percent) * float64(replicas) / 100)
	if pods > math.MaxInt32 {
		return math.MaxInt32, nil
	}
	return int32(pods), nil
}

func valueOr(value *int32, otherwise int32) int32 {
	if value == nil {
		return otherwise
	}
	return *value
}
