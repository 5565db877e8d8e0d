package seats

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"classlens/vision/scene"
)

// Check tells at the start of a run, rather than at its end, whether a seat file
// can be read and its folder is there.
func Check(name string) error {
	if _, err := Load(name); err != nil {
		return err
	}
	if info, err := os.Stat(filepath.Dir(name)); err != nil || !info.IsDir() {
		return fmt.Errorf("seats %s: there is no folder %s", name, filepath.Dir(name))
	}
	return nil
}

// Update names a recording's students by a seat file and writes what the
// recording adds to it; a file that is not there is begun. Runs that share a file wait for
// each other. Where the stored seats are another room's the file stays as it is.
func Update(name string, tracks []scene.Track, w, h int) (Result, error) {
	folder, err := os.Open(filepath.Dir(name))
	if err != nil {
		return Result{}, fmt.Errorf("seats %s: %w", name, err)
	}
	defer folder.Close() // which frees the lock
	if err := syscall.Flock(int(folder.Fd()), syscall.LOCK_EX); err != nil {
		return Result{}, fmt.Errorf("seats %s: locking its folder: %w", name, err)
	}
	m, err := Load(name)
	if err != nil {
		return Result{}, err
	}
	r := m.Rename(tracks, w, h)
	if r.Other || r.Known+r.New == 0 {
		return r, nil
	}
	return r, m.Save(name)
}
