package learner

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"classlens/internal/safefile"
)

// A training that is stopped keeps the nets that are done; the next one goes on from
// them and ends with the same weights. A damaged net, or one of another seed, is
// trained again.
func TestTrainingGoesOn(t *testing.T) {
	d := open(t, made(t, 240))
	s := d.SettingsFor("28", false, false)
	o := TrainOptions{Presentations: []string{"2013B", "2013J"}, Model: "mlp", Seed: 1}
	whole, err := Train(context.Background(), d, s, o)
	if err != nil {
		t.Fatal(err)
	}
	want, err := pack(whole.Fitted)
	if err != nil {
		t.Fatal(err)
	}
	o.Dir = t.TempDir()
	ctx, stop := context.WithCancel(context.Background())
	o.Report = func(_ string, seed, _ int, _, _ float64) {
		if seed == 1 {
			stop()
		}
	}
	if _, err := Train(ctx, d, s, o); !errors.Is(err, context.Canceled) {
		t.Fatalf("stopped in the second net: %v", err)
	}
	kept := filepath.Join(o.Dir, checkpointFolder, "held-out-mlp-seed0")
	good, err := os.ReadFile(kept)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		data    []byte
		seed    uint64
		trained bool // the first net again
	}{"whole": {good, 1, false}, "damaged": {append(bytes.Clone(good[:len(good)-1]), good[len(good)-1]^1), 1, true}, "cut": {good[:40], 1, true}, "of another seed": {good, 2, true}} {
		if err := os.RemoveAll(filepath.Dir(kept)); err != nil {
			t.Fatal(err)
		}
		if err := os.Mkdir(filepath.Dir(kept), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(kept, c.data, 0o600); err != nil {
			t.Fatal(err)
		}
		first := 0
		o.Seed = c.seed
		o.Report = func(_ string, seed, _ int, _, valid float64) {
			if seed == 0 && valid == valid {
				first++
			}
		}
		w, err := Train(context.Background(), d, s, o)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if (first > 0) != c.trained {
			t.Errorf("%s: %d epochs of the first net", name, first)
		}
		got, err := pack(w.Fitted)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Equal(got, want) != (c.seed == 1) {
			t.Errorf("%s: the same weights as from one go: %v", name, bytes.Equal(got, want))
		}
		left, err := safefile.Create(filepath.Join(o.Dir, fittedFile)) // as of a writer that was killed
		if err != nil {
			t.Fatal(err)
		}
		defer left.Abort()
		if err := w.Save(o.Dir); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(left.Name()); err == nil {
			t.Errorf("%s: half a file is left", name)
		}
		if _, err := os.Stat(filepath.Dir(kept)); err == nil {
			t.Errorf("%s: checkpoints are left when the weights are whole", name)
		}
	}
}

// Of the net in hand each epoch is kept: whatever the kind, a training that stops in it
// goes on with the next epoch, not the first, to the same weights to the bit, early
// stopping included.
func TestNetGoesOn(t *testing.T) {
	d := open(t, made(t, 240))
	s := d.SettingsFor("28", false, false)
	for _, kind := range []string{"lstm", "attention", "gru", "mlp", "cnn"} {
		o := TrainOptions{Presentations: []string{"2013B", "2013J"}, Model: kind, Seed: 1, Quick: true}
		whole, err := Train(context.Background(), d, s, o)
		if err != nil {
			t.Fatal(err)
		}
		want, err := pack(whole.Fitted)
		if err != nil {
			t.Fatal(err)
		}
		o.Dir = t.TempDir()
		for _, stopAt := range []int{2, 4, 0} {
			ctx, stop := context.WithCancel(context.Background())
			first := 0
			o.Report = func(_ string, _, epoch int, _, valid float64) {
				if valid != valid {
					return // the second net, of all that there is to learn from
				}
				if first == 0 {
					first = epoch
				}
				if epoch == stopAt {
					stop()
				}
			}
			w, err := Train(ctx, d, s, o)
			stop()
			switch {
			case stopAt > 0 && !errors.Is(err, context.Canceled):
				t.Fatalf("%s: stopped in epoch %d: %v", kind, stopAt, err)
			case stopAt == 4 && first != 3:
				t.Errorf("%s: went on with epoch %d, want 3", kind, first)
			case stopAt == 0 && err != nil:
				t.Fatalf("%s: %v", kind, err)
			case stopAt == 0:
				if got, err := pack(w.Fitted); err != nil || !bytes.Equal(got, want) {
					t.Errorf("%s: other weights than in one go (%v)", kind, err)
				}
			}
		}
	}
}
