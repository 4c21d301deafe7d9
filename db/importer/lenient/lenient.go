// Package lenient reads JSON of systems that write the same value in different
// ways: ids as numbers or strings, times with or without a zone, tags as a list
// or as one text.
package lenient

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"strconv"
	"strings"
	"time"
)

// Key is an id: a string or a whole number in JSON, and "" for null.
type Key string

// UnmarshalJSON implements json.Unmarshaler.
func (k *Key) UnmarshalJSON(data []byte) error {
	switch {
	case string(data) == "null":
		*k = ""
		return nil
	case data[0] == '"':
		return json.Unmarshal(data, (*string)(k))
	}
	n, err := strconv.ParseInt(string(data), 10, 64)
	if err != nil {
		return errors.New("an id must be a string or a whole number")
	}
	*k = Key(strconv.FormatInt(n, 10))
	return nil
}

// Time is a time as text, or as milliseconds since 1970. It is the zero time if
// it is null or not understood: an import reports rows without a time.
type Time struct{ time.Time }

// UnmarshalJSON implements json.Unmarshaler.
func (t *Time) UnmarshalJSON(data []byte) error {
	t.Time = time.Time{}
	if data[0] == '"' {
		var text string
		if err := json.Unmarshal(data, &text); err != nil {
			return err
		}
		t.Time, _ = ParseTime(text)
		return nil
	}
	// Beyond these milliseconds a year would have more than four digits.
	if ms, err := strconv.ParseFloat(string(data), 64); err == nil && math.Abs(ms) < 253402300800000 {
		t.Time = time.UnixMilli(int64(ms)).UTC()
	}
	return nil
}

// layouts are the ways in which systems and people write times. A time without
// a zone is one of UTC. Fractions of a second need not be in a layout. A zone is an
// offset or UTC: other abbreviations have several meanings.
var layouts = []string{
	time.RFC3339,
	"2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05-07", "2006-01-02 15:04:05 Z07:00", "2006-01-02 15:04:05 -0700", "2006-01-02 15:04:05 -0700 MST",
	"2006-01-02T15:04:05-0700", "2006-01-02T15:04:05", "2006-01-02 15:04:05",
	"2006-01-02T15:04Z07:00", "2006-01-02T15:04", "2006-01-02 15:04", "2006-01-02",
	"2006/01/02 15:04:05", "2006/01/02", "2006-1-2",
	"January 2, 2006", "Jan 2, 2006", "January 2 2006", "Jan 2 2006", "2 January 2006", "2 Jan 2006",
	time.RFC1123Z, "Mon, 02 Jan 2006 15:04:05 GMT", "Mon, 02 Jan 2006 15:04:05 UTC",
	time.ANSIC, "Mon Jan _2 15:04:05 UTC 2006", "Mon Jan _2 15:04:05 GMT 2006",
}

// ParseTime reads a time, and reports whether it understands it.
func ParseTime(text string) (t time.Time, understood bool) {
	text = strings.TrimSpace(text)
	for _, layout := range layouts {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}

// Bool is true, false, 0 or 1, also as text, and false for null.
type Bool bool

// UnmarshalJSON implements json.Unmarshaler.
func (b *Bool) UnmarshalJSON(data []byte) error {
	switch text := string(bytes.Trim(data, `"`)); text {
	case "null", "":
		*b = false
	default:
		v, err := strconv.ParseBool(text)
		if err != nil {
			return errors.New("a value must be true or false")
		}
		*b = Bool(v)
	}
	return nil
}

// Tags are the names of tags: a list of names or of objects with a name, or one
// text with commas.
type Tags []string

// UnmarshalJSON implements json.Unmarshaler.
func (t *Tags) UnmarshalJSON(data []byte) error {
	*t = nil
	if data[0] == '"' {
		var text string
		if err := json.Unmarshal(data, &text); err != nil {
			return err
		}
		*t = SplitTags(text)
		return nil
	}
	var list []json.RawMessage
	if err := json.Unmarshal(data, &list); err != nil {
		return errors.New("tags must be a list or a text")
	}
	for _, item := range list {
		var named struct{ Name string }
		into := any(&named.Name)
		if item[0] == '{' {
			into = &named
		}
		if err := json.Unmarshal(item, into); err != nil {
			return errors.New("a tag must be a text or have a name")
		}
		*t = append(*t, named.Name)
	}
	return nil
}

// SplitTags returns the names in a text with commas.
func SplitTags(text string) (tags []string) {
	for tag := range strings.SplitSeq(text, ",") {
		if tag = strings.TrimSpace(tag); tag != "" {
			tags = append(tags, tag)
		}
	}
	return tags
}
