package safefile

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// Lock holds a folder for one process. The kernel releases it when the process
// ends, however it ends, so a stale lock never has to be removed by hand.
type Lock struct {
	file *os.File
	name string
	// Stale is the previous owner, if it ended without unlocking.
	Stale *Owner
}

// Owner is the process that holds a lock.
type Owner struct {
	Process int       `json:"pid"`
	Host    string    `json:"host"`
	Since   time.Time `json:"since"`
}

func (o Owner) String() string {
	return fmt.Sprintf("process %d on %s since %s", o.Process, o.Host, o.Since.Format("2006-01-02 15:04:05"))
}

// LockName is the name of the lock file in its folder.
const LockName = ".lock"

// ErrLocked: another process is working in the folder.
var ErrLocked = errors.New("locked")

// LockFolder locks a folder without waiting; the error, which wraps ErrLocked, names the owner.
func LockFolder(folder string) (*Lock, error) {
	name := filepath.Join(folder, LockName)
	for {
		l, err := tryLock(name)
		if l != nil || err != nil {
			return l, err
		}
	}
}

// tryLock gives nil without an error if it should be tried again: the owner has just ended and removed the file
// while it was being locked, or HeldBy was looking at it at that moment.
func tryLock(name string) (*Lock, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, fmt.Errorf("write %s: %w", name, plain(err))
	}
	l := &Lock{file: f, name: name}
	owner := readOwner(name)
	switch err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); {
	case errors.Is(err, unix.EWOULDBLOCK):
		asked := unix.Flock(int(f.Fd()), unix.LOCK_SH|unix.LOCK_NB) == nil // HeldBy takes a shared lock, an owner an exclusive one
		f.Close()
		if asked {
			return nil, nil
		}
		if owner == nil {
			return nil, fmt.Errorf("%s: %w by another process that has just begun", filepath.Dir(name), ErrLocked)
		}
		return nil, fmt.Errorf("%s: %w by %v; wait for it to end, or use another --out folder", filepath.Dir(name), ErrLocked, owner)
	case err != nil:
		f.Close()
		return nil, fmt.Errorf("lock %s: %w (does the file system support locks? if not, use another --out folder)", name, err)
	}
	held, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, err
	}
	if named, err := os.Stat(name); err != nil || !os.SameFile(held, named) {
		f.Close()
		return nil, nil
	}
	l.Stale = owner
	return l, l.sign()
}

func readOwner(name string) *Owner {
	var o Owner
	if raw, err := os.ReadFile(name); err != nil || json.Unmarshal(raw, &o) != nil || o.Process == 0 {
		return nil
	}
	return &o
}

// sign writes the owner into the lock file.
func (l *Lock) sign() error {
	host, _ := os.Hostname() // for display only
	b, err := json.Marshal(Owner{os.Getpid(), host, time.Now().Round(time.Second)})
	if err == nil {
		err = l.file.Truncate(0)
	}
	if err == nil {
		_, err = l.file.WriteAt(append(b, '\n'), 0)
	}
	if err != nil {
		l.file.Close()
		return fmt.Errorf("write %s: %w", l.name, plain(err))
	}
	return nil
}

// HeldBy says who holds a folder's lock now; nil if nobody does. It changes
// nothing.
func HeldBy(folder string) *Owner {
	name := filepath.Join(folder, LockName)
	f, err := os.Open(name)
	if err != nil {
		return nil
	}
	defer f.Close()
	if err := unix.Flock(int(f.Fd()), unix.LOCK_SH|unix.LOCK_NB); !errors.Is(err, unix.EWOULDBLOCK) {
		return nil
	}
	if o := readOwner(name); o != nil {
		return o
	}
	return &Owner{}
}

// Unlock removes the lock file and releases the lock.
func (l *Lock) Unlock() error {
	err := os.Remove(l.name)
	return errors.Join(err, l.file.Close())
}
