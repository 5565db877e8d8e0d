package text

import "math"

// Post is what was found in something that a student wrote on a day of the course.
type Post struct {
	Day float64
	Figures
}

// Read makes a Post of a text.
func Read(day float64, text string) (Post, error) {
	f, err := Of(text)
	return Post{day, f}, err
}

// Columns name what Student gives.
var Columns = []string{"text_posts", "text_words", "text_questions", "text_question_share", "text_distinct", "text_nouns", "text_verbs", "text_adjectives", "text_sentiment",
	"text_sentiment_week", "text_english_share"}

// Student sums up a student's posts up to the end of a day, as features: how many,
// log(1+words), log(1+questions), share of questions among sentences, means over
// posts of the rest (NaN where no post has it), sentiment of the last seven days,
// share of posts in English: without it sentiment says nothing.
func Student(posts []Post, day int) []float32 {
	count, words, sentences, questions, english := 0., 0., 0., 0., 0.
	var sum, n [6]float64
	for _, p := range posts {
		if p.Day >= float64(day+1) {
			continue
		}
		f := p.Figures
		count++
		words, sentences, questions = words+float64(f.Words), sentences+float64(f.Sentences), questions+float64(f.Questions)
		if f.Language == English {
			english++
		}
		week := math.NaN()
		if p.Day >= float64(day-6) {
			week = f.Sentiment
		}
		for k, v := range [6]float64{f.Distinct, f.Shares[Noun], f.Shares[Verb], f.Shares[Adjective], f.Sentiment, week} {
			if v == v {
				sum[k], n[k] = sum[k]+v, n[k]+1
			}
		}
	}
	out := []float32{float32(count), float32(math.Log1p(words)), float32(math.Log1p(questions)), ratio(questions, sentences)}
	for k := range sum {
		out = append(out, ratio(sum[k], n[k]))
	}
	return append(out, ratio(english, count))
}

func ratio(a, b float64) float32 {
	if b == 0 {
		return float32(math.NaN())
	}
	return float32(a / b)
}
