package room

import (
	"fmt"
	"math/rand"
)

// Look is everything that makes one figure differ from the next. It is drawn
// at random and stands for nobody.
type Look struct {
	Female                                 bool
	Race                                   string  // of the base mesh's shape targets: african, asian, caucasian
	Age                                    float32 // 0 child, 1 young adult, 2 old
	Weight, Muscle, Height                 float32 // 0..1, .5 the mean
	Hair, Clothes, Shoes, Brow, Skin       string  // assets
	HairTint, ClothTint, LowTint, SkinTint Vec     // linear colours
	Dye                                    bool    // recolour the clothes by ClothTint and LowTint
	Face                                   map[string]float32
	Glasses, Mask, Scarf                   bool
	ExtraTint                              Vec // of mask or headscarf
}

var (
	hairFemale    = []string{"bob01", "bob02", "Braid01", "long01", "ponytail01", "short03", "afro01"}
	hairMale      = []string{"short01", "short02", "short04", "short03", "afro01"}
	clothesMale   = []string{"male_casualsuit01", "male_casualsuit02", "male_casualsuit03", "male_casualsuit04", "male_casualsuit05", "male_casualsuit06"}
	clothesFemale = []string{"female_casualsuit01", "female_elegantsuit01", "female_casualsuit01", "male_casualsuit01", "male_casualsuit03", "male_casualsuit05", "male_casualsuit02"}
	shoes         = []string{"shoes01", "shoes02", "shoes03", "shoes04", "shoes05", "shoes06"}
	brows         = []string{"eyebrow001", "eyebrow002", "eyebrow003", "eyebrow005", "eyebrow008", "eyebrow010"}
	faceTargets   = []string{"head/head-round", "head/head-oval", "head/head-rectangular", "head/head-square", "head/head-triangular", "head/head-invertedtriangular",
		"nose/nose-scale-horiz-incr", "nose/nose-scale-vert-incr", "nose/nose-point-up", "chin/chin-width-incr", "chin/chin-prominent-incr", "mouth/mouth-scale-horiz-incr"}
	skinSheets = map[string]string{"african": "young_darkskinned_%s_diffuse.png", "asian": "young_lightskinned_%s_diffuse3.png", "caucasian": "young_lightskinned_%s_diffuse.png"}
	hairTints  = []Vec{{.02, .017, .015}, {.045, .028, .019}, {.085, .05, .03}, {.16, .095, .05}, {.36, .25, .13}, {.015, .014, .014}}
	fairTints  = []Vec{{.36, .25, .13}, {.50, .40, .26}, {.42, .38, .33}, {.30, .17, .07}}
	hairLong   = []string{"Braid01", "long01", "ponytail01"}
	lowTints   = []Vec{{.07, .09, .16}, {.03, .03, .04}, {.16, .19, .27}, {.22, .18, .12}, {.10, .10, .10}}
)

// Variety bounds what RandomLook draws.
type Variety struct {
	AgeMin, AgeMax       float32 // 0 child, 1 young adult, 2 old
	Glasses, Mask, Scarf float32 // share of figures; the scarf of girls and women only
	Fair, Long           float32 // share of figures with fair hair, and of girls and women with long hair, besides those that chance makes so
}

// Pupils of a secondary school.
var Pupils = Variety{AgeMin: .5, AgeMax: .9, Glasses: .15, Scarf: .12}

// RandomLook draws one figure's looks.
func RandomLook(r *rand.Rand, v Variety) Look {
	l := Look{Female: r.Intn(2) == 0, Race: pick(r, []string{"african", "asian", "caucasian"})}
	l.Age = uniform(r, v.AgeMin, v.AgeMax)
	l.Weight = clamp(.5+.18*float32(r.NormFloat64()), .1, .95)
	l.Muscle = clamp(.45+.1*float32(r.NormFloat64()), .2, .8)
	l.Height = clamp(.5+.12*float32(r.NormFloat64()), .15, .85)
	sex := "male"
	l.Hair, l.Clothes = pick(r, hairMale), pick(r, clothesMale)
	if l.Female {
		sex = "female"
		l.Hair, l.Clothes = pick(r, hairFemale), pick(r, clothesFemale)
	}
	l.Shoes, l.Brow = pick(r, shoes), pick(r, brows)
	l.Skin = fmt.Sprintf("skins/young_%s_%s/textures/", l.Race, sex) + fmt.Sprintf(skinSheets[l.Race], sex)
	l.tints(r)
	l.Face = map[string]float32{}
	for _, n := range faceTargets {
		if r.Intn(3) == 0 {
			l.Face[n] = r.Float32() * .7
		}
	}
	l.Glasses, l.Mask = r.Float32() < v.Glasses, r.Float32() < v.Mask
	l.Scarf = r.Float32() < v.Scarf && l.Female
	l.ExtraTint = hsv(r.Float32(), .2+.6*r.Float32(), .03+.4*r.Float32()*r.Float32())
	if v.Fair > 0 && r.Float32() < v.Fair { // nothing is drawn at 0: the figures of older plans stay as they are
		l.HairTint = pick(r, fairTints).Mul(uniform(r, .7, 1.3))
	}
	if v.Long > 0 && r.Float32() < v.Long && l.Female {
		l.Hair = pick(r, hairLong)
	}
	return l
}

func (l *Look) tints(r *rand.Rand) {
	k := uniform(r, .85, 1.1)
	if l.Race == "african" {
		k = uniform(r, 1.3, 2.4)
	}
	l.SkinTint = Vec{k, k * uniform(r, .96, 1.02), k * uniform(r, .92, 1.02)}
	l.HairTint = hairTints[min(r.Intn(8), len(hairTints)-1)]
	if l.Race != "caucasian" {
		l.HairTint = hairTints[0].Mul(uniform(r, .6, 1.8))
	}
	if grey := (l.Age - 1.3) * 1.5; grey > 0 {
		l.HairTint = l.HairTint.Lerp(Vec{.35, .34, .33}, min(grey*r.Float32()*2, 1))
	}
	l.ClothTint = Vec{1, 1, 1}
	if r.Float32() < .8 || prints[l.Clothes] != nil {
		l.Dye = true
		l.ClothTint = hsv(r.Float32(), .1+.6*r.Float32()*r.Float32(), .12+.7*r.Float32()*r.Float32())
	}
	l.LowTint = pick(r, lowTints)
}

// uvRect is a rectangle of a sheet in texture coordinates, v upwards.
type uvRect struct{ u0, u1, v0, v1 float32 }

// prints are where a suit's sheet bears MakeHuman's sign or name: a trade mark,
// which is painted over.
var prints = map[string][]uvRect{
	"male_casualsuit02":   {{.48, .67, .75, .92}},
	"male_casualsuit04":   {{.47, .65, .75, .92}},
	"male_casualsuit06":   {{.41, .67, .76, .92}, {.16, .33, .80, .93}, {.70, .79, .79, .87}},
	"female_casualsuit01": {{.69, .90, .67, .87}},
}
