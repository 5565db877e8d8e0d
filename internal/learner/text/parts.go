package text

import (
	"strings"
	"unicode"
)

// englishPart reads a tag of the Penn treebank.
func englishPart(word, tag string) Part {
	switch {
	case mark(word):
		return Punctuation
	case strings.HasPrefix(tag, "NN"):
		return Noun
	case strings.HasPrefix(tag, "VB"), tag == "MD":
		return Verb
	case strings.HasPrefix(tag, "JJ"):
		return Adjective
	case strings.HasPrefix(tag, "RB"), tag == "WRB":
		return Adverb
	case strings.HasPrefix(tag, "PRP"), strings.HasPrefix(tag, "WP"):
		return Pronoun
	case tag == "CD":
		return Number
	}
	return Rest
}

// chinesePart reads a tag of the ICTCLAS set, which gse's dictionary uses: n…
// nouns, v… verbs (vn: a verb used as a noun), a… adjectives, d adverbs, r pronouns,
// m numbers.
func chinesePart(word, tag string) Part {
	if mark(word) {
		return Punctuation
	}
	if tag == "vn" || tag == "an" || strings.HasPrefix(tag, "s") || strings.HasPrefix(tag, "t") {
		return Noun
	}
	for prefix, part := range map[string]Part{"n": Noun, "v": Verb, "a": Adjective, "d": Adverb, "r": Pronoun, "m": Number} {
		if strings.HasPrefix(tag, prefix) {
			return part
		}
	}
	return Rest
}

// mark tells whether nothing in it is a letter or digit.
func mark(word string) bool {
	for _, r := range word {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return false
		}
	}
	return true
}

// Sentences cuts a text after . ? ! and their Chinese forms, and at line ends. A dot
// within a word or number (3.5, e.g.) ends nothing.
func Sentences(text string) []string {
	var all []string
	runes := []rune(text)
	from := 0
	add := func(to int) {
		if s := strings.TrimSpace(string(runes[from:to])); s != "" && !mark(s) {
			all = append(all, s)
		}
		from = to
	}
	for i, r := range runes {
		switch r {
		case '\n', '。', '？', '！':
			add(i + 1)
		case '.', '?', '!':
			if i+1 == len(runes) || unicode.IsSpace(runes[i+1]) || strings.ContainsRune("\"')", runes[i+1]) {
				if r != '.' || !abbreviation(runes[from:i]) {
					add(i + 1)
				}
			}
		}
	}
	add(len(runes))
	return all
}

// abbreviation tells whether the dot after s belongs to e.g., i.e., Dr and the like.
func abbreviation(s []rune) bool {
	i := len(s)
	for i > 0 && !unicode.IsSpace(s[i-1]) && s[i-1] != '(' {
		i--
	}
	switch strings.ToLower(string(s[i:])) {
	case "e.g", "i.e", "eg", "ie", "dr", "mr", "mrs", "ms", "prof", "no", "p", "pp", "ch", "sec", "vs", "fig", "eq", "cf":
		return true
	}
	return false
}

// openers begin English questions that lack their mark: a question word or an
// auxiliary followed by a pronoun or article.
var (
	askers      = set("how what why where who whom whose which when")
	auxiliaries = set("is are was were do does did can could should would will shall may has have had am isn't aren't don't doesn't can't couldn't")
	subjects    = set("i you he she it we they the a an this that these those there my your our anyone anybody someone somebody")
	han         = []string{"什么", "怎么", "怎样", "如何", "为什么", "为何", "哪", "谁", "几", "多少", "是否", "能不能", "是不是", "会不会", "可不可以", "有没有", "对不对"}
)

func set(words string) map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(words) {
		m[w] = true
	}
	return m
}

// Asks tells whether a sentence is a question: by its mark; or, where people leave
// that out, in English by its first two words, in Chinese by a final 吗 or 呢 or a
// question word in a sentence that does not end otherwise.
func Asks(sentence string, l Language) bool {
	s := strings.TrimSpace(sentence)
	end := strings.TrimRightFunc(s, func(r rune) bool { return strings.ContainsRune("\"')”’） ", r) })
	if strings.HasSuffix(end, "?") || strings.HasSuffix(end, "？") {
		return true
	}
	bare := strings.TrimRightFunc(s, func(r rune) bool { return !unicode.IsLetter(r) })
	switch l {
	case English:
		if strings.HasSuffix(end, "!") {
			return false
		}
		words := strings.FieldsFunc(strings.ToLower(bare), func(r rune) bool { return !unicode.IsLetter(r) && r != '\'' })
		if len(words) < 2 {
			return false
		}
		return auxiliaries[words[0]] && subjects[words[1]] || askers[words[0]] && (auxiliaries[words[1]] || words[0] == "how" && (words[1] == "to" || words[1] == "many" || words[1] == "much"))
	case Chinese:
		if strings.HasSuffix(bare, "吗") || strings.HasSuffix(bare, "呢") {
			return true
		}
		if strings.HasSuffix(end, "。") || strings.HasSuffix(end, "！") {
			return false
		}
		for _, w := range han {
			if strings.Contains(s, w) {
				return true
			}
		}
	}
	return false
}
