package seats

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"classlens/internal/safefile"
	"classlens/vision/scene"
)

// Check tells whether a seat file can be read, its folder exists and can be written to. It lets a run fail at its
// start rather than at its end.
func Check(name string) error {
	if _, err := Load(name); err != nil {
		return err
	}
	if info, err := os.Stat(filepath.Dir(name)); err != nil || !info.IsDir() {
		return fmt.Errorf("seats %s: there is no folder %s", name, filepath.Dir(name))
	}
	f, err := safefile.Create(name) // and thrown away
	if err != nil {
		return fmt.Errorf("seats %s: %w", name, err)
	}
	f.Abort()
	return nil
}

// Update names a recording's students by a seat file and adds to the file what is new in the
// recording, whose SHA-256 is given; a missing file is created. Runs that share a
// file wait for each other. If the stored seats are another room's, the file stays as it is. From a
// recording that was taken in before, only new seats are added. It waits as long as another holds the file, but no longer than ctx.
func Update(ctx context.Context, name, recording string, tracks []scene.Track, w, h int) (Result, error) {
	lock, err := safefile.LockFile(ctx, name) // held for milliseconds, by who was stopped meanwhile for longer
	if err != nil {
		return Result{}, fmt.Errorf("seats %s: %w", name, err)
	}
	defer lock.Unlock()
	m, err := Load(name)
	if err != nil {
		return Result{}, err
	}
	again := slices.Contains(m.Taken, recording)
	r := m.rename(tracks, w, h, again)
	if r.Other || r.Known+r.New == 0 || again && r.New == 0 {
		return r, nil
	}
	if !again {
		m.Taken = append(m.Taken, recording)
		m.Taken = m.Taken[max(0, len(m.Taken)-maxTaken):]
	}
	return r, m.Save(name)
}
