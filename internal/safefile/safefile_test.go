package safefile

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// As a child it writes one file over and over until it is killed.
func TestMain(m *testing.M) {
	if dir := os.Getenv("SAFEFILE_WRITE_FOREVER"); dir != "" {
		for i := 0; ; i++ {
			line := fmt.Sprintf("%08d\n", i)
			if err := WriteFile(filepath.Join(dir, "result"), bytes.Repeat([]byte(line), 1+i%3*20000)); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
		}
	}
	os.Exit(m.Run())
}

// Killed at any moment, the file under its final name is one whole writing.
func TestKilledWriterLeavesWholeFiles(t *testing.T) {
	dir, seen := t.TempDir(), 0
	name := filepath.Join(dir, "result")
	for i := range 60 {
		child := exec.Command(os.Args[0])
		child.Env = append(os.Environ(), "SAFEFILE_WRITE_FOREVER="+dir)
		child.Stderr = os.Stderr
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		for seen == 0 { // the first has begun to write when its file is there
			if _, err := os.Stat(name); err == nil {
				break
			}
			time.Sleep(time.Millisecond)
		}
		time.Sleep(time.Duration(5+i%17) * time.Millisecond)
		_ = child.Process.Kill()
		_ = child.Wait() // killed
		b, err := os.ReadFile(name)
		if os.IsNotExist(err) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		seen++
		lines := strings.Split(strings.TrimSuffix(string(b), "\n"), "\n")
		if n := len(lines); n != 1 && n != 20001 && n != 40001 {
			t.Fatalf("round %d: %d lines: the file is torn", i, n)
		}
		for _, l := range lines {
			if l != lines[0] {
				t.Fatalf("round %d: two writings in one file", i)
			}
		}
	}
	if seen < 30 {
		t.Errorf("only %d of 60 rounds left a file: the test saw too little", seen)
	}
}

func TestFailuresLeaveNothing(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "result")
	if err := WriteFile(name, []byte("before")); err != nil {
		t.Fatal(err)
	}
	f, err := Create(name)
	if err != nil {
		t.Fatal(err)
	}
	f.file.Close() // every further operation fails, as on a lost disk
	if _, err := f.Write(make([]byte, 1<<20)); err == nil || !strings.Contains(err.Error(), "result") {
		t.Errorf("writing to a lost file: %v", err)
	}
	if err := os.MkdirAll(filepath.Join(dir, "folder", "x"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := WriteFile(filepath.Join(dir, "folder"), []byte("x")); err == nil {
		t.Error("a file took the place of a folder")
	}
	if err := WriteFile(filepath.Join(dir, "nowhere", "x"), nil); err == nil || strings.Contains(err.Error(), ".tmp-") {
		t.Errorf("writing to a folder that is not there: %v", err)
	}
	left, _ := os.ReadDir(dir)
	if len(left) != 2 {
		t.Errorf("left behind: %v", left)
	}
	if b, _ := os.ReadFile(name); string(b) != "before" {
		t.Errorf("the file before was changed to %q", b)
	}
}

// A full disk is one clear error and no debris. /dev/full refuses every byte.
func TestFullDisk(t *testing.T) {
	fd, err := syscall.Open("/dev/full", syscall.O_WRONLY, 0)
	if err != nil {
		t.Skip(err)
	}
	full := os.NewFile(uintptr(fd), "gone") // not its own name: what fails is removed
	dir := t.TempDir()
	f, err := Create(filepath.Join(dir, "result"))
	if err != nil {
		t.Fatal(err)
	}
	f.file.Close()
	os.Remove(f.file.Name())
	f.file = full
	f.buffer.Reset(full)
	if _, err := f.Write([]byte("x")); err == nil {
		err = f.Commit()
		if err == nil || !strings.Contains(err.Error(), "no space left") {
			t.Errorf("a full disk gave %v", err)
		}
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}
