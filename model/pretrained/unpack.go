package pretrained

import (
	"archive/tar"
	"archive/zip"
	"compress/gzip"
	"fmt"
	"io"
	"os"
)

// maxMember bounds one unpacked file; the largest needed has 12.5 MB.
const maxMember = 64 << 20

// unpackTgz reads the named members of a gzipped tar, in the order asked.
func unpackTgz(archive string, members []string) ([][]byte, error) {
	f, err := os.Open(archive)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, err
	}
	found := map[string][]byte{}
	for t := tar.NewReader(z); len(found) < len(members); {
		h, err := t.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		for _, m := range members {
			if h.Name != m || h.Typeflag != tar.TypeReg {
				continue
			}
			if found[m], err = readMember(t); err != nil {
				return nil, fmt.Errorf("%s: %w", m, err)
			}
		}
	}
	return inOrder(found, members)
}

// unpackZip reads the named members of a zip (a Python wheel is one).
func unpackZip(archive string, members []string) ([][]byte, error) {
	z, err := zip.OpenReader(archive)
	if err != nil {
		return nil, err
	}
	defer z.Close()
	found := map[string][]byte{}
	for _, m := range members {
		f, err := z.Open(m)
		if err != nil {
			return nil, err
		}
		found[m], err = readMember(f)
		f.Close()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", m, err)
		}
	}
	return inOrder(found, members)
}

func readMember(r io.Reader) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxMember+1))
	if err == nil && len(b) > maxMember {
		err = fmt.Errorf("larger than %d MB", maxMember>>20)
	}
	return b, err
}

func inOrder(found map[string][]byte, members []string) ([][]byte, error) {
	out := make([][]byte, len(members))
	for i, m := range members {
		b, ok := found[m]
		if !ok {
			return nil, fmt.Errorf("%s is not in it", m)
		}
		out[i] = b
	}
	return out, nil
}
