//go:build cuda

package driver

import (
	"errors"
	"testing"
)

func TestClasses(t *testing.T) {
	all := []error{ErrNoDevice, ErrCall, ErrContextSpoiled, ErrStuck}
	for code, want := range map[int]error{
		1: ErrCall, 2: ErrCall, 100: ErrNoDevice, 218: ErrCall, 500: ErrCall, 700: ErrContextSpoiled, 701: ErrCall, 702: ErrStuck, 719: ErrContextSpoiled,
		209: ErrNoDevice, 221: ErrNoDevice, 222: ErrNoDevice, 226: ErrContextSpoiled, 803: ErrNoDevice, 805: ErrNoDevice, 806: ErrContextSpoiled, 999: ErrContextSpoiled, 123456: ErrCall,
	} {
		err := error(&Error{Op: "op", Code: code, Class: classOf(code)})
		for _, c := range all {
			if errors.Is(err, c) != (c == want) {
				t.Errorf("%d: is %v: %v", code, c, errors.Is(err, c))
			}
		}
		if errors.Is(err, ErrMemory) != (code == 2) {
			t.Errorf("%d: out of memory", code)
		}
	}
}
