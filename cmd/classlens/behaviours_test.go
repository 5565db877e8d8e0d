package main

import (
	"slices"
	"testing"

	"classlens/internal/config"
	"classlens/internal/timeline"
	"classlens/model/classroom"
	"classlens/samples/room"
)

// Four packages that may not import one another know the behaviours, and a number means the same in all.
func TestOneListOfBehaviours(t *testing.T) {
	for name, list := range map[string][]string{"internal/config": config.Behaviours, "internal/timeline": timeline.Behaviours, "samples/room": room.Behaviours} {
		if !slices.Equal(list, classroom.Behaviours) {
			t.Errorf("%s has %v\nthe network %v", name, list, classroom.Behaviours)
		}
	}
}
