package text

import (
	"math"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"
)

func TestDetect(t *testing.T) {
	for text, want := range map[string]Language{
		"How do I hand in the essay?": English, "这道题怎么做？": Chinese, "这个 for 循环我不懂": Chinese, "Wie gebe ich den Aufsatz ab?": Other, "これはどうしますか": Other, "": Other, "42": Other, "ok": Other,
		"Le chat est sur la table": Other,
	} {
		if got := Detect(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// TestWords checks words and parts that no tagger should get wrong.
func TestWords(t *testing.T) {
	for _, c := range []struct {
		text string
		want map[string]Part
	}{
		{"The students quickly wrote two long essays.", map[string]Part{"students": Noun, "quickly": Adverb, "wrote": Verb, "two": Number, "long": Adjective, "essays": Noun, ".": Punctuation, "The": Rest}},
		{"She doesn't understand this equation", map[string]Part{"She": Pronoun, "understand": Verb, "equation": Noun}},
		{"我不明白这个问题，老师能再讲一遍吗？", map[string]Part{"我": Pronoun, "不": Adverb, "问题": Noun, "老师": Noun, "，": Punctuation, "？": Punctuation}},
		{"学生认真地学习数学", map[string]Part{"学生": Noun, "学习": Verb, "数学": Noun}},
	} {
		words, err := Words(c.text)
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]Part{}
		var joined strings.Builder
		for _, w := range words {
			got[w.Text] = w.Part
			joined.WriteString(w.Text)
		}
		for w, part := range c.want {
			if p, ok := got[w]; !ok || p != part {
				t.Errorf("%q: %q is %d (%v), want %d; all %v", c.text, w, p, ok, part, words)
			}
		}
		if Detect(c.text) == Chinese && joined.String() != c.text {
			t.Errorf("%q came back as %q", c.text, joined.String())
		}
	}
}

func TestQuestions(t *testing.T) {
	for _, c := range []struct {
		text                 string
		sentences, questions int
	}{
		{"How do I start? I read p. 3.5, e.g. the table. Thanks!", 3, 1}, {"how do i start this", 1, 1}, {"what is meant by week 3\nis the test on monday", 2, 2}, {"What a day!", 1, 0},
		{"I know how it works.", 1, 0}, {"He asked \"is it the end?\" and that was it", 2, 1}, {"作业什么时候交？我写完了。", 2, 1}, {"这个能用吗", 1, 1}, {"我知道怎么做了。", 1, 0}, {"", 0, 0}, {"...", 0, 0},
		{"Ist das so? Ja.", 2, 1},
	} {
		f, err := Of(c.text)
		if err != nil {
			t.Fatal(err)
		}
		if f.Sentences != c.sentences || f.Questions != c.questions {
			t.Errorf("%q: %d sentences %q, %d questions, want %d and %d", c.text, f.Sentences, Sentences(c.text), f.Questions, c.sentences, c.questions)
		}
	}
}

func TestSentiment(t *testing.T) {
	of := func(text string) float64 {
		f, err := Of(text)
		if err != nil {
			t.Fatal(err)
		}
		return f.Sentiment
	}
	good, bad, negated := of("I love this course, it is great and very helpful!"), of("I hate this, it is a terrible and confusing course."), of("This is not good for the exam")
	if !(good > .5 && bad < -.5 && negated < 0) {
		t.Errorf("good %g, bad %g, negated %g", good, bad, negated)
	}
	if v := of("我很喜欢这门课"); v == v {
		t.Errorf("Chinese has sentiment %g: not covered", v)
	}
	if v := of("Ich liebe diesen Kurs"); v == v {
		t.Errorf("German has sentiment %g: not covered", v)
	}
}

func TestStudent(t *testing.T) {
	read := func(day float64, text string) Post {
		p, err := Read(day, text)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	posts := []Post{read(1, "I love this course. How do I begin?"), read(10.5, "这道题怎么做？"), read(12, "I hate the exam.")}
	a := Student(posts, 10)
	posts[2] = read(12, "something else that is longer?")
	b := Student(posts, 10)
	for i := range a {
		if a[i] != b[i] && a[i] == a[i] {
			t.Errorf("%s moved with a later post: %g, %g", Columns[i], a[i], b[i])
		}
	}
	if len(a) != len(Columns) || a[0] != 2 || a[3] != 2./3 || a[10] != .5 || a[8] < .4 || !math.IsNaN(float64(a[9])) {
		t.Errorf("%v", a)
	}
	if none := Student(nil, 10); none[0] != 0 || !math.IsNaN(float64(none[8])) {
		t.Errorf("%v", none)
	}
}

func TestHostile(t *testing.T) {
	var wait sync.WaitGroup
	for _, text := range []string{"\xff\xfe the \x00", strings.Repeat("a", 1<<17), strings.Repeat("the 好 ", 1<<12), "\u202e the end", strings.Repeat("?", 1000), "the " + strings.Repeat("(", 500), "😀 is the best 😀"} {
		wait.Add(1)
		go func() {
			defer wait.Done()
			f, err := Of(text)
			if err != nil || f.Questions > f.Sentences {
				t.Errorf("%.20q: %v %+v", text, err, f)
			}
			words, _ := Words(text)
			for _, w := range words {
				if !utf8.ValidString(w.Text) {
					t.Errorf("%q is not UTF-8", w.Text)
				}
			}
		}()
	}
	wait.Wait()
}
