// Package words counts the words of texts, and estimates how long people read
// them.
//
// A word is what white space and dashes separate, as in word processors, so
// that an address or a link of Markdown is no more than one. Languages that are
// written without spaces have no such words. Each Chinese or Japanese character
// counts as a word. For Thai, Lao, Khmer, Burmese and their relatives the
// number is an estimate, by the usual length of their words.
package words

import (
	"unicode"
	"unicode/utf8"
)

// Counts are the words of a text, and the minutes that it takes to read. The
// zero Counts are those of a text that was not counted, since every text takes
// at least a minute.
type Counts struct{ Words, Minutes int32 }

// How fast people read, by the research that the estimates of other services
// rest on: 230 words or 500 characters a minute. The time is counted in parts
// of a minute that are whole numbers for both.
const (
	wordsPerMinute      = 230
	charactersPerMinute = 500

	minute        = wordsPerMinute * charactersPerMinute
	wordTime      = minute / wordsPerMinute
	characterTime = minute / charactersPerMinute

	// lettersPerWord is the usual number of letters, without vowel signs and
	// tone marks, of a word in a language of South-East Asia.
	lettersPerWord = 4
)

// Count counts a text.
func Count(text string) Counts {
	var words, characters, letters int
	inWord := separator // or letter
	for i := 0; i < len(text); {
		// Without a branch for each kind, since no processor can tell where the
		// next word begins: this takes two thirds of the time.
		if c := text[i]; c < utf8.RuneSelf {
			kind := ascii[c]
			words += int(kind & letter &^ inWord)
			inWord = kind&letter | kind>>1&inWord
			i++
			continue
		}
		r, width := utf8.DecodeRuneInString(text[i:])
		i += width
		switch kind := kindOf(r); kind {
		case joiner:
			continue
		case letter:
			words += int(letter &^ inWord)
			inWord = letter
			continue
		case character:
			characters++
		case unspaced:
			letters++
		}
		inWord = separator
	}
	time := words*wordTime + characters*characterTime + letters*wordTime/lettersPerWord
	words += characters + (letters+lettersPerWord-1)/lettersPerWord
	return Counts{Words: int32(words), Minutes: int32(max(1, (time+minute/2)/minute))}
}

// kind is what a character does to the count. Count computes with the values of
// the first three.
type kind byte

const (
	separator kind = 0 // ends a word
	letter    kind = 1 // makes a word, or belongs to one
	joiner    kind = 2 // neither ends nor makes a word
	character kind = 3 // a word of its own
	unspaced  kind = 4 // a part of a word that nothing separates from others
)

// ascii has the kinds of the first characters.
var ascii = func() (kinds [utf8.RuneSelf]kind) {
	for c := range kinds {
		switch r := rune(c); {
		case unicode.IsLetter(r) || unicode.IsDigit(r):
			kinds[c] = letter
		case r > ' ' && r != 0x7f:
			kinds[c] = joiner
		}
	}
	return kinds
}()

// The scripts that are written without spaces.
var (
	characters = []*unicode.RangeTable{unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Bopomofo, unicode.Yi}
	southEast  = []*unicode.RangeTable{
		unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar, unicode.Tibetan, unicode.Tai_Le, unicode.New_Tai_Lue,
		unicode.Tai_Tham, unicode.Tai_Viet, unicode.Balinese, unicode.Javanese,
	}
)

// kindOf returns the kind of a character that is not ASCII.
func kindOf(r rune) kind {
	switch {
	case r >= 0x4e00 && r <= 0x9fff: // most Chinese characters: the tables are slower
		return character
	case unicode.IsLetter(r) || unicode.IsNumber(r):
		switch {
		case r < 0xe00: // before all of these scripts
			return letter
		case unicode.In(r, characters...), r == 'ー', r == 'ｰ': // those belong to no script
			return character
		case unicode.In(r, southEast...):
			return unspaced
		}
		return letter
	case r == '—', r == '–', r == '\u200b': // the last one separates words that are written together
		return separator
	case unicode.In(r, unicode.M, unicode.Cf, unicode.Pd), r == '’', r == '·', r == '׳', r == '״':
		return joiner
	}
	return separator
}
