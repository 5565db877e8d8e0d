package safefile

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Lock holds a folder for one process.
//
// On a local disk the kernel releases it (flock) when the process ends, however it ends, so a stale lock never has to be removed by hand.
//
// A file system shared by several machines may share these locks (NFS, CephFS, GPFS, Lustre with -o flock) or keep them local to each machine (NFS with nolock or
// local_lock, Lustre with localflock, BeeGFS by default, most FUSE file systems), and does not say which. One that shares them gives the lock away if a machine
// is out of reach for too long. So on these the lock file itself is a second lock: whoever creates it owns it, the owner writes a new number into it every
// beatEvery, and a process that finds another machine's file, although the kernel grants it the lock, watches it for patience and takes over only if nothing
// changes. Clocks of different machines are never compared. An owner that finds another name in the file has lost the folder (see Lost) and must stop writing.
type Lock struct {
	file  *os.File
	name  string
	owner Owner
	// Stale is the previous owner, if it ended without unlocking.
	Stale *Owner

	shared bool // other machines may see the folder
	lost   chan struct{}
	by     *Owner // the new owner; set before lost is closed
	losing sync.Once
	ended  chan struct{}
	ending sync.Once
	beats  sync.WaitGroup
}

// Owner is the process that holds a lock.
type Owner struct {
	Process int       `json:"pid"`
	Host    string    `json:"host"`
	Since   time.Time `json:"since"`
	Boot    string    `json:"boot,omitempty"` // ID of the kernel's boot: the same in all containers of a machine
	Space   string    `json:"pid_namespace,omitempty"`
	Run     string    `json:"run,omitempty"` // random, unique to this lock
	Beat    int       `json:"beat,omitempty"`
}

func (o Owner) String() string {
	return fmt.Sprintf("process %d on %s since %s", o.Process, o.Host, o.Since.Format("2006-01-02 15:04:05"))
}

// LockName is the name of the lock file in its folder.
const LockName = ".lock"

// ErrLocked: another process is working in the folder.
var ErrLocked = errors.New("locked")

// How often the owner of a lock on a shared file system writes to it, and how long another machine watches before it takes over: longer than an NFS client may
// serve cached data (acregmax, 60 s), and than an NFS 4 server keeps the locks of a silent client (90 s).
var (
	beatEvery = 10 * time.Second
	patience  = 100 * time.Second
	lookEvery = time.Second
	settle    = 2 * time.Second // until the last of several processes that take over at once has written its name
)

// retryEvery is how often LockFile tries.
const retryEvery = 20 * time.Millisecond

// Tests replace these to act as a file system that keeps locks local to each machine.
var (
	flock   = unix.Flock
	isLocal = local
)

// own are the types of file systems that only one machine writes to (statfs; linux/magic.h).
var own = map[int64]bool{
	0xef53: true, 0x58465342: true, 0x9123683e: true, 0x01021994: true, 0x858458f6: true, 0x794c7630: true, 0x2fc12fc1: true, 0xf2f52010: true, 0xca451a4e: true, // ext4, XFS, Btrfs, tmpfs, ramfs, overlay, ZFS, F2FS, bcachefs
}

const fuse = 0x65735546

func typeOf(f *os.File) int64 {
	var s unix.Statfs_t
	if unix.Fstatfs(int(f.Fd()), &s) != nil {
		return 0
	}
	return int64(uint32(s.Type)) // which is signed on some architectures
}

// local tells whether flock alone decides who holds the lock in the file that owner, if any, has signed.
func local(f *os.File, o *Owner) bool {
	t := typeOf(f)
	// A kernel knows the locks of all its processes, except that each container may have a FUSE mount of its own.
	return own[t] || t != 0 && t != fuse && o != nil && o.Boot != "" && o.Boot == boot()
}

// boot is the ID of the running kernel's boot, "" if unknown.
var boot = sync.OnceValue(func() string {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(id))
})

// pidSpace is the namespace that process IDs of this process are valid in, "" if unknown.
var pidSpace = sync.OnceValue(func() string {
	name, err := os.Readlink("/proc/self/ns/pid")
	if err != nil {
		return ""
	}
	return name
})

// gone tells that the owner, a process of this machine, has ended.
func (o *Owner) gone() bool {
	return o.Boot != "" && o.Boot == boot() && o.Space != "" && o.Space == pidSpace() && errors.Is(unix.Kill(o.Process, 0), unix.ESRCH)
}

// LockFolder locks a folder; the error, which wraps ErrLocked, names the owner.
func LockFolder(folder string) (*Lock, error) {
	return LockFolderPatiently(context.Background(), folder, func(Owner) {})
}

// LockFolderPatiently is LockFolder with a context that ends the wait for another machine's sign of life, and a function that is told when it begins.
func LockFolderPatiently(ctx context.Context, folder string, waiting func(Owner)) (*Lock, error) {
	return lock(ctx, filepath.Join(folder, LockName), waiting)
}

// LockFile locks a file that several processes change in turn, and waits for those that come before. The lock is a file beside it.
func LockFile(ctx context.Context, name string) (*Lock, error) {
	for {
		l, err := lock(ctx, name+LockName, func(Owner) {})
		if !errors.Is(err, ErrLocked) {
			return l, err
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(retryEvery):
		}
	}
}

func lock(ctx context.Context, name string, waiting func(Owner)) (*Lock, error) {
	for {
		l, err := tryLock(ctx, name, waiting)
		if l != nil || err != nil {
			return l, err
		}
	}
}

// tryLock gives nil without an error if it should be tried again: the owner has just ended and removed the file
// while it was being locked, or HeldBy was looking at it at that moment.
func tryLock(ctx context.Context, name string, waiting func(Owner)) (*Lock, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o644)
	made := err == nil
	if errors.Is(err, fs.ErrExist) {
		if f, err = os.OpenFile(name, os.O_RDWR, 0); errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
	}
	if err != nil {
		return nil, fmt.Errorf("write %s: %w", name, plain(err))
	}
	l := &Lock{file: f, name: name, shared: !isLocal(f, nil), lost: make(chan struct{}), ended: make(chan struct{})}
	taken, err := l.take(ctx, made, waiting)
	if !taken {
		f.Close()
		return nil, err
	}
	if l.shared {
		l.beats.Go(l.beat)
	}
	return l, nil
}

func (l *Lock) take(ctx context.Context, made bool, waiting func(Owner)) (bool, error) {
	owner := readOwner(l.name)
	switch err := flock(int(l.file.Fd()), unix.LOCK_EX|unix.LOCK_NB); {
	case errors.Is(err, unix.EWOULDBLOCK):
		if flock(int(l.file.Fd()), unix.LOCK_SH|unix.LOCK_NB) == nil { // HeldBy takes a shared lock, an owner an exclusive one
			return false, nil
		}
		return false, lockedBy(l.name, owner)
	case err != nil:
		return false, fmt.Errorf("lock %s: %w (does the file system support locks? if not, use another --out folder)", l.name, err)
	}
	if !l.named() {
		return false, nil
	}
	takeOver := !made && l.shared && !isLocal(l.file, owner) && !(owner != nil && owner.gone())
	if takeOver {
		if owner != nil {
			waiting(*owner)
		}
		switch alive, err := watch(ctx, l.name); {
		case err != nil:
			return false, err
		case !l.named(): // removed by its owner, who has just ended
			return false, nil
		case alive:
			return false, lockedBy(l.name, readOwner(l.name))
		}
	}
	if err := l.sign(); err != nil {
		if made {
			_ = os.Remove(l.name) // the first error counts
		}
		return false, err
	}
	if takeOver { // another process may have taken over at the same time; the last to sign wins
		time.Sleep(settle)
		if o, err := l.another(); err != nil || o != nil {
			return false, lockedBy(l.name, o)
		}
	}
	l.Stale = owner
	return true, nil
}

// named tells whether the open file still has its name.
func (l *Lock) named() bool {
	held, err := l.file.Stat()
	if err != nil {
		return false
	}
	named, err := os.Stat(l.name)
	return err == nil && os.SameFile(held, named)
}

func lockedBy(name string, owner *Owner) error {
	if owner == nil {
		return fmt.Errorf("%s: %w by another process that has just begun", filepath.Dir(name), ErrLocked)
	}
	return fmt.Errorf("%s: %w by %v; wait for it to end, or use another --out folder", filepath.Dir(name), ErrLocked, owner)
}

// watch tells whether the file changes or disappears within patience, in which a running owner writes to it several times.
func watch(ctx context.Context, name string) (alive bool, err error) {
	before, err := os.ReadFile(name)
	if err != nil {
		return true, nil // gone, or just being written
	}
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	for begun := time.Now(); ; {
		select {
		case <-ctx.Done():
			return false, context.Cause(ctx)
		case <-look.C:
		}
		over := time.Since(begun) > patience // then this look is the last
		if now, err := os.ReadFile(name); err != nil || !bytes.Equal(now, before) {
			return true, nil
		}
		if over {
			return false, nil
		}
	}
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
	l.owner = Owner{Process: os.Getpid(), Host: host, Since: time.Now().Round(time.Second), Boot: boot(), Space: pidSpace(), Run: rand.Text()}
	err := l.file.Truncate(0)
	if err == nil {
		err = l.put()
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", l.name, plain(err))
	}
	return nil
}

// put writes the owner over the previous content, which is never longer.
func (l *Lock) put() error {
	b, err := json.Marshal(l.owner)
	if err == nil {
		_, err = l.file.WriteAt(append(b, '\n'), 0)
	}
	if err == nil && l.shared {
		err = l.file.Sync() // so that other machines see it
	}
	return err
}

// beat writes a new number every beatEvery, until Unlock or until another process has the folder.
func (l *Lock) beat() {
	next := time.NewTicker(beatEvery)
	defer next.Stop()
	for {
		select {
		case <-l.ended:
			return
		case <-next.C:
		}
		if l.Err() != nil {
			return
		}
		l.owner.Beat++
		_ = l.put() // a missed beat is harmless: the next one checks who has the folder
	}
}

// another gives the process that has taken the lock over; an error if the lock file is gone.
func (l *Lock) another() (*Owner, error) {
	raw, err := os.ReadFile(l.name)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ESTALE) {
		return nil, err
	}
	var o Owner
	if err != nil || json.Unmarshal(raw, &o) != nil || o.Run == l.owner.Run {
		return nil, nil // if it cannot be read now, the next check will
	}
	return &o, nil
}

// Lost is closed when another process has taken the folder, because this one was silent for too long.
func (l *Lock) Lost() <-chan struct{} { return l.lost }

// Err checks whether the folder is still this owner's; the error, which wraps ErrLocked, names the new owner.
func (l *Lock) Err() error {
	if !l.shared {
		return nil
	}
	if o, err := l.another(); o != nil || err != nil {
		l.losing.Do(func() { l.by = o; close(l.lost) })
	}
	select {
	case <-l.lost:
	default:
		return nil
	}
	who := "another process"
	if l.by != nil {
		who = l.by.String()
	}
	return fmt.Errorf("%s: this process was silent for too long and lost the folder: %w by %s", filepath.Dir(l.name), ErrLocked, who)
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
	o := readOwner(name)
	if err := flock(int(f.Fd()), unix.LOCK_SH|unix.LOCK_NB); !errors.Is(err, unix.EWOULDBLOCK) {
		_ = flock(int(f.Fd()), unix.LOCK_UN) // keep nobody out while watching
		if o == nil || isLocal(f, o) || o.gone() {
			return nil
		}
		if alive, err := watch(context.Background(), name); err != nil || !alive {
			return nil
		}
		return readOwner(name)
	}
	if o = readOwner(name); o != nil {
		return o
	}
	return &Owner{}
}

// Unlock removes the lock file and releases the lock.
func (l *Lock) Unlock() error {
	l.ending.Do(func() { close(l.ended) })
	l.beats.Wait()
	if l.Err() != nil { // the file is another process's
		return l.file.Close()
	}
	err := os.Remove(l.name)
	return errors.Join(err, l.file.Close())
}
