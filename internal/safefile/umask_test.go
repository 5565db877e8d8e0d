package safefile

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Recordings of minors: what an operator's umask forbids others to read, they cannot read. The mask is a process's, so a child tries it.
func TestUmask(t *testing.T) {
	if name := os.Getenv("SAFEFILE_TEST_WRITE"); name != "" {
		if err := WriteFile(name, []byte("whole")); err != nil {
			t.Fatal(err)
		}
		return
	}
	for mask, want := range map[string]os.FileMode{"022": 0o644, "027": 0o640, "077": 0o600} {
		name := filepath.Join(t.TempDir(), "table.csv")
		cmd := exec.Command("sh", "-c", `umask "$1"; exec "$2" -test.run='^TestUmask$'`, "sh", mask, os.Args[0])
		cmd.Env = append(os.Environ(), "SAFEFILE_TEST_WRITE="+name)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != want {
			t.Errorf("umask %s: %v, want %v", mask, info.Mode().Perm(), want)
		}
	}
}
