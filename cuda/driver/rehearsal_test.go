//go:build cuda

package driver

import "testing"

// As a card the simulated device is one by what it says, and freed memory is kept for the next request.
func TestRehearsal(t *testing.T) {
	if all, err := Devices(); err != nil || len(all) == 0 || !interpreted() {
		t.Skip("needs the simulated device")
	}
	for _, as := range []string{"", "1"} {
		t.Setenv(RehearsalVariable, as)
		all, err := Devices()
		must(t, err)
		d, err := Open(all[0].UUID)
		must(t, err)
		b, err := d.Alloc(1000)
		must(t, err)
		was := b.Ptr()
		must(t, b.Free())
		c, err := d.Alloc(1001)
		must(t, err)
		if d.Info().Simulated != (as == "") || (c.Ptr() == was) != (as == "1") {
			t.Errorf("as a card %q: simulated %v, memory at %#x, then %#x", as, d.Info().Simulated, was, c.Ptr())
		}
		must(t, d.Close())
	}
}
