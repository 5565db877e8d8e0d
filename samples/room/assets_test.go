package room

import (
	"errors"
	"sync"
	"testing"
)

var shared = sync.OnceValues(func() (*Assets, error) {
	dir, err := AssetDir()
	if err != nil {
		return nil, err
	}
	return OpenAssets(dir)
})

// testAssets gives the fetched assets or skips.
func testAssets(t *testing.T) *Assets {
	t.Helper()
	a, err := shared()
	if errors.Is(err, ErrNoAssets) {
		t.Skip("the assets are not fetched: make synth")
	}
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestOpenAssetsMissing(t *testing.T) {
	if _, err := OpenAssets(t.TempDir()); !errors.Is(err, ErrNoAssets) {
		t.Fatalf("got %v, want ErrNoAssets", err)
	}
}

func TestIsCore(t *testing.T) {
	for name, want := range map[string]bool{
		"proxies/clothes/male_casualsuit01/male_casualsuit01.json":                      true,
		"proxies/clothes/male_casualsuit01/textures/male_casualsuit01_diffuse.png":      true,
		"proxies/clothes/male_casualsuit01/textures/male_casualsuit01_ao.png":           false,
		"proxies/clothes/male_casualsuit01/male_casualsuit01.thumb.png":                 false,
		"proxies/clothes/Coat/Coat.json":                                                false, // others' terms
		"proxies/hair/bob01/textures/bob01_diffuse.png":                                 true,
		"skins/young_african_female/textures/young_darkskinned_female_diffuse.png":      true,
		"skins/young_caucasian_female/textures/young_caucasian_female_special_suit.png": false,
		"skins/old_asian_male/textures/old_lightskinned_male_diffuse2.png":              false,
		"proxies/clothes/female_sportsuit01/textures/female_sportsuit01_diffuse.png":    false,
		"skins/young_asian_male/textures/young_lightskinned_male_diffuse3.png":          true,
		"proxies/eyebrows/eyebrow001/textures/eyebrow001.png":                           true,
	} {
		if got := isCore(name); got != want {
			t.Errorf("isCore(%s) = %v", name, got)
		}
	}
}

func TestThreeFaces(t *testing.T) {
	// a textured quad with a material, then a plain triangle
	got := threeFaces([]int{1 | 2 | 8, 4, 5, 6, 7, 0, 10, 11, 12, 13, 0, 1, 2, 3})
	if len(got) != 2 || len(got[0]) != 4 || len(got[1]) != 3 {
		t.Fatalf("faces %v", got)
	}
	if got[0][3] != (corner{7, 13}) || got[1][2] != (corner{3, 0}) {
		t.Errorf("corners %v", got)
	}
}

func TestHeaviest(t *testing.T) {
	w := heaviest([]boneWeight{{1, .1}, {2, .4}, {3, .2}, {4, .05}, {5, .25}}, 9)
	if w[0].bone != 2 || w[3].bone != 1 {
		t.Errorf("order %v", w)
	}
	sum := w[0].w + w[1].w + w[2].w + w[3].w
	if abs(sum-1) > 1e-5 {
		t.Errorf("sum %v", sum)
	}
	if w := heaviest(nil, 9); w[0] != (boneWeight{9, 1}) {
		t.Errorf("no weights: %v", w)
	}
}
