package compare

import (
	"encoding/json"
	"maps"
	"math"
	"slices"
	"strconv"
	"time"
)

// kindOf returns the kind of a decoded value, which a difference shows.
func kindOf(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case json.Number:
		return "number"
	case string:
		return "text"
	case []any:
		return "list"
	}
	return "object"
}

// equal reports whether two values of the same kind, which are no lists or
// objects, are equal by the contract.
func (c *comparison) equal(old, new any) bool {
	switch old := old.(type) {
	case string:
		return old == new.(string) || sameInstant(old, new.(string))
	case json.Number:
		return c.equalNumbers(old, new.(json.Number))
	}
	return old == new
}

// sameInstant reports whether two texts are dates of the same millisecond. The
// contract has dates with milliseconds, and backends differ in the digits and
// the zone.
func sameInstant(old, new string) bool {
	a, errA := time.Parse(time.RFC3339Nano, old)
	b, errB := time.Parse(time.RFC3339Nano, new)
	return errA == nil && errB == nil && a.Truncate(time.Millisecond).Equal(b.Truncate(time.Millisecond))
}

// exactDigits is the number of digits of which every number has a float64 of
// its own.
const exactDigits = 15

func (c *comparison) equalNumbers(old, new json.Number) bool {
	if old == new {
		return true
	}
	a, errA := strconv.ParseFloat(string(old), 64)
	b, errB := strconv.ParseFloat(string(new), 64)
	if errA != nil || errB != nil {
		return false
	}
	if anyMatches(c.rules.Moving, c.place) {
		return math.Abs(a-b) <= c.rules.Tolerance
	}
	return a == b && len(old) <= exactDigits && len(new) <= exactDigits
}

// areTokens reports whether both values are texts that are not empty.
func areTokens(old, new any) bool {
	a, isText := old.(string)
	b, isTextToo := new.(string)
	return isText && isTextToo && a != "" && b != ""
}

func sortedNames(a, b map[string]any) []string {
	all := slices.AppendSeq(slices.Collect(maps.Keys(a)), maps.Keys(b))
	slices.Sort(all)
	return slices.Compact(all)
}

// jsonText returns a decoded value as JSON, with sorted members.
func jsonText(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return "" // what was decoded can be encoded
	}
	return string(text)
}
