// Package text turns what students write into figures: words, parts of speech,
// sentiment and questions asked. English is cut and tagged by prose (perceptron
// tagger), Chinese by gse's dictionary; sentiment is VADER's, for English alone.
// Other languages get counts that need no dictionary, and NaN for the rest. Names
// are not looked for, and no text is kept.
package text

import (
	"math"
	"strings"
	"sync"
	"unicode"

	"github.com/go-ego/gse"
	"github.com/jdkato/prose/v2"
	"github.com/jonreiter/govader"
)

// Language of a text, as far as the figures need it.
type Language string

// Languages.
const (
	English Language = "en"
	Chinese Language = "zh"
	Other   Language = "" // too short to tell, or another one
)

// Part is a coarse part of speech.
type Part int8

// Parts of speech that both taggers know.
const (
	Noun Part = iota
	Verb
	Adjective
	Adverb
	Pronoun
	Number
	Rest // particles, prepositions, conjunctions, what is not known
	Punctuation
	Parts
)

// Word is a word and what it is.
type Word struct {
	Text string
	Part Part
}

// Figures of one text.
type Figures struct {
	Language  Language
	Letters   int
	Words     int
	Sentences int
	Questions int
	Distinct  float64        // distinct words / words, NaN without words
	Shares    [Parts]float64 // of words and punctuation; NaN when the language has no tagger here
	Sentiment float64        // VADER's compound, -1 to 1; NaN unless English
}

var (
	segmenter = sync.OnceValues(func() (*gse.Segmenter, error) {
		var s gse.Segmenter
		s.SkipLog = true
		err := s.LoadDictEmbed("zh_s")
		return &s, err
	})
	tagger = sync.OnceValues(func() (*prose.Model, error) {
		d, err := prose.NewDocument("It works.", prose.WithExtraction(false), prose.WithSegmentation(false))
		if err != nil {
			return nil, err
		}
		return d.Model, nil
	})
	vader = sync.OnceValue(govader.NewSentimentIntensityAnalyzer)
)

// most is how many bytes of one text are looked at: the taggers' time grows with it.
const most = 1 << 16

// Of gives the figures of a text. The first text of a language loads its tables
// (English 0.5 s, Chinese 1 s). Safe for several goroutines.
func Of(text string) (Figures, error) {
	text = trim(text)
	f := Figures{Language: Detect(text), Distinct: math.NaN(), Sentiment: math.NaN()}
	words, err := Words(text)
	if err != nil {
		return Figures{}, err
	}
	seen := map[string]bool{}
	var parts [Parts]int
	for _, w := range words {
		parts[w.Part]++
		if w.Part != Punctuation {
			f.Words++
			seen[strings.ToLower(w.Text)] = true
		}
	}
	for _, r := range text {
		if unicode.IsLetter(r) {
			f.Letters++
		}
	}
	if f.Words > 0 {
		f.Distinct = float64(len(seen)) / float64(f.Words)
	}
	for p := range f.Shares {
		f.Shares[p] = math.NaN()
		if f.Language != Other && len(words) > 0 {
			f.Shares[p] = float64(parts[p]) / float64(len(words))
		}
	}
	for _, s := range Sentences(text) {
		f.Sentences++
		if Asks(s, f.Language) {
			f.Questions++
		}
	}
	if f.Language == English {
		f.Sentiment = vader().PolarityScores(text).Compound
	}
	return f, nil
}

// trim makes valid UTF-8 of at most so many bytes.
func trim(text string) string {
	if len(text) > most {
		text = text[:most]
	}
	return strings.TrimSpace(strings.ToValidUTF8(text, ""))
}

// common words of English: every twelfth word of running text is one, at least.
var common = map[string]bool{"the": true, "a": true, "an": true, "is": true, "are": true, "was": true, "i": true, "you": true, "it": true, "we": true, "to": true, "of": true, "and": true, "in": true,
	"that": true, "this": true, "for": true, "not": true, "with": true, "do": true, "does": true, "how": true, "what": true, "why": true, "can": true, "my": true, "have": true, "be": true, "on": true, "but": true, "or": true, "if": true}

// Detect tells English and Chinese from the rest: Chinese has Han for a third of
// its letters and no kana, English a common word in twelve.
func Detect(text string) Language {
	han, kana, letters := 0, 0, 0
	for _, r := range text {
		switch {
		case unicode.Is(unicode.Han, r):
			han++
			letters++
		case unicode.In(r, unicode.Hiragana, unicode.Katakana):
			kana++
			letters++
		case unicode.IsLetter(r):
			letters++
		}
	}
	if kana == 0 && 3*han >= letters && han > 0 {
		return Chinese
	}
	words, hits := 0, 0
	for _, w := range strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) && r != '\'' }) {
		words++
		if common[w] {
			hits++
		}
	}
	if hits > 0 && 12*hits >= words && han == 0 && kana == 0 {
		return English
	}
	return Other
}

// Words cuts a text and says what each word is. In languages without a dictionary
// here words are what stands between spaces, all Rest.
func Words(text string) ([]Word, error) {
	text = trim(text)
	var all []Word
	switch Detect(text) {
	case Chinese:
		s, err := segmenter()
		if err != nil {
			return nil, err
		}
		for _, w := range s.Pos(text) {
			if strings.TrimSpace(w.Text) != "" {
				all = append(all, Word{w.Text, chinesePart(w.Text, w.Pos)})
			}
		}
	case English:
		m, err := tagger()
		if err != nil {
			return nil, err
		}
		d, err := prose.NewDocument(text, prose.UsingModel(m), prose.WithExtraction(false), prose.WithSegmentation(false))
		if err != nil {
			return nil, err
		}
		for _, t := range d.Tokens() {
			all = append(all, Word{t.Text, englishPart(t.Text, t.Tag)})
		}
	default:
		for _, w := range strings.FieldsFunc(text, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '\'' }) {
			all = append(all, Word{w, Rest})
		}
	}
	return all, nil
}
