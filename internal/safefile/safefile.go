// Package safefile writes files such that a file under its final name is always complete:
// temporary file in the same folder, write, fsync, close, rename, fsync of the
// folder. All of the program's output goes through it. It also has locks on folders and
// an append-only log, both of which survive a killed process.
package safefile

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// temporary begins the names of files that are not complete yet.
const temporary = ".tmp-"

// umask is the process's umask, honoured in Commit: a user who sets 077 wants no table readable by others. It is read at package initialization, before other
// goroutines start, because it can only be read by setting it.
var umask = func() os.FileMode {
	mask := unix.Umask(0o077)
	unix.Umask(mask)
	return os.FileMode(mask)
}()

// IsTemporary tells whether a file was being written when its process ended.
func IsTemporary(name string) bool { return strings.HasPrefix(filepath.Base(name), temporary) }

// WriteFile writes a whole file, or nothing.
func WriteFile(name string, data []byte) error {
	f, err := Create(name)
	if err != nil {
		return err
	}
	defer f.Abort()
	if _, err := f.Write(data); err != nil {
		return err
	}
	return f.Commit()
}

// File is a file that has not got its final name yet. Write to it, then Commit; Abort
// after Commit does nothing, so it can be deferred.
type File struct {
	name   string
	file   *os.File
	buffer *bufio.Writer
	done   bool
}

// Create starts a file that will be called name.
func Create(name string) (*File, error) {
	if info, err := os.Stat(name); err == nil && info.IsDir() { // renaming would find out, after everything is written
		return nil, fmt.Errorf("write %s: it is a folder", name)
	}
	if err := fault("create", name); err != nil {
		return nil, fmt.Errorf("write %s: %w", name, err)
	}
	f, err := os.CreateTemp(filepath.Dir(name), temporary+filepath.Base(name)+"-*")
	if err != nil {
		return nil, fmt.Errorf("write %s: %w", name, plain(err))
	}
	return &File{name: name, file: f, buffer: bufio.NewWriterSize(f, 1<<18)}, nil
}

// Write appends to the file.
func (f *File) Write(p []byte) (int, error) {
	if err := fault("write", f.name); err != nil {
		return 0, f.failed(err)
	}
	n, err := f.buffer.Write(p)
	if err != nil {
		return n, f.failed(err)
	}
	return n, nil
}

// Name is the temporary name, for libraries that write by name.
func (f *File) Name() string { return f.file.Name() }

// Commit makes the file durable and gives it its final name.
func (f *File) Commit() error {
	if err := errors.Join(fault("flush", f.name), f.buffer.Flush()); err != nil {
		return f.failed(err)
	}
	if err := f.file.Chmod(0o644 &^ umask); err != nil {
		return f.failed(err)
	}
	if err := errors.Join(fault("sync", f.name), f.file.Sync()); err != nil {
		return f.failed(err)
	}
	if err := f.file.Close(); err != nil {
		return f.failed(err)
	}
	if err := fault("rename", f.name); err != nil {
		return f.failed(err)
	}
	if err := os.Rename(f.file.Name(), f.name); err != nil {
		return f.failed(err)
	}
	f.done = true
	return syncFolder(filepath.Dir(f.name))
}

// Abort removes what was written, unless it was committed.
func (f *File) Abort() {
	if f.done {
		return
	}
	f.done = true
	f.file.Close()
	os.Remove(f.file.Name())
}

func (f *File) failed(err error) error {
	f.Abort()
	return fmt.Errorf("write %s: %w", f.name, plain(err))
}

// syncFolder makes a rename survive a power failure.
func syncFolder(folder string) error {
	if err := fault("sync folder", folder); err != nil {
		return fmt.Errorf("write %s: %w", folder, err)
	}
	d, err := os.Open(folder)
	if err != nil {
		return fmt.Errorf("write %s: %w", folder, plain(err))
	}
	defer d.Close()
	if err := d.Sync(); err != nil && !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.ENOTSUP) { // SMB and some others have no such call for folders
		return fmt.Errorf("write %s: %w", folder, plain(err))
	}
	return nil
}

// plain removes the temporary name from an error.
func plain(err error) error {
	var p *os.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	var l *os.LinkError
	if errors.As(err, &l) {
		return l.Err
	}
	return err
}
