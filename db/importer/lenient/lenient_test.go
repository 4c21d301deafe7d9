package lenient_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/db/importer/lenient"
)

type record struct {
	ID   lenient.Key
	At   lenient.Time
	Flag lenient.Bool
	Tags lenient.Tags
}

func TestUnmarshal(t *testing.T) {
	t.Parallel()
	day := time.Date(2024, 2, 29, 12, 30, 15, 0, time.UTC)
	for text, want := range map[string]record{
		`{"ID": 12, "At": "2024-02-29T12:30:15Z", "Flag": true, "Tags": ["a", "b c"]}`:         {"12", lenient.Time{Time: day}, true, lenient.Tags{"a", "b c"}},
		`{"ID": "12", "At": "2024-02-29 18:15:15+05:45", "Flag": 1, "Tags": "a, b c,,"}`:       {"12", lenient.Time{Time: day}, true, lenient.Tags{"a", "b c"}},
		`{"ID": null, "At": 1709209815000, "Flag": "false", "Tags": [{"name": "a", "id": 1}]}`: {"", lenient.Time{Time: day}, false, lenient.Tags{"a"}},
		`{"ID": "x/é", "At": "2024-02-29T12:30:15.123456789Z", "Flag": null, "Tags": null}`:    {"x/é", lenient.Time{Time: day.Add(123456789)}, false, nil},
		`{"ID": -1, "At": null, "Flag": 0, "Tags": []}`:                                        {"-1", lenient.Time{}, false, nil},
		`{"ID": 9223372036854775807, "At": "yesterday", "Flag": "", "Tags": ""}`:               {"9223372036854775807", lenient.Time{}, false, nil},
		`{"ID": "", "At": 1e300, "Tags": ["\u0000"]}`:                                          {"", lenient.Time{}, false, lenient.Tags{"\x00"}},
		`{"At": {"seconds": 1}}`: {},
		`{"ID": "a", "At": "2024-02-29T12:30:15.0000000+00:00", "Flag": "1", "Tags": ["日本語"]}`: {"a", lenient.Time{Time: day}, true, lenient.Tags{"日本語"}},
	} {
		var got record
		require.NoError(t, json.Unmarshal([]byte(text), &got), text)
		require.Equal(t, want, got, text)
	}
	for _, text := range []string{`{"ID": 1.5}`, `{"ID": {}}`, `{"ID": 92233720368547758070}`, `{"Flag": "maybe"}`, `{"Tags": 5}`, `{"Tags": [5]}`, `{"Tags": [["a"]]}`, `{"Tags": [{"name": 1}]}`} {
		require.Error(t, json.Unmarshal([]byte(text), new(record)), text)
	}
}

func TestParseTime(t *testing.T) {
	t.Parallel()
	day := time.Date(2022, 7, 8, 0, 0, 0, 0, time.UTC)
	for _, text := range []string{"2022-07-08", "Jul 08 2022", "July 8, 2022", " 8 July 2022\n", "2022/07/08", "2022-07-08 00:00", "2022-07-08T02:00:00+02:00", "Fri, 08 Jul 2022 00:00:00 GMT", "2022-07-08 00:00:00 +0000 UTC", "2022-7-8",
		"2022-07-07 19:00:00 -0500 EST", "Fri, 08 Jul 2022 00:00:00 UTC", "Thu, 07 Jul 2022 19:00:00 -0500", "Fri Jul  8 00:00:00 UTC 2022", "Fri Jul  8 00:00:00 2022"} {
		got, understood := lenient.ParseTime(text)
		require.True(t, understood, text)
		require.Equal(t, day, got, text)
	}
	for _, text := range []string{"", "now", "2022-13-01", "2022", "12:00", "Fri, 08 Jul 2022 00:00:00 EST", "Fri Jul  8 00:00:00 CEST 2022", "Fri, 08 Jul 2022 00:00:00 XYZ"} {
		_, understood := lenient.ParseTime(text)
		require.False(t, understood, text)
	}
}

func FuzzUnmarshal(f *testing.F) {
	f.Add([]byte(`{"ID": 12, "At": "2024-02-29T12:30:15Z", "Flag": true, "Tags": ["a", {"name": "b"}]}`))
	f.Add([]byte(`{"ID": "", "At": -1e99, "Flag": "", "Tags": ","}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var r record
		if json.Unmarshal(data, &r) != nil {
			return
		}
		text, err := json.Marshal(r) // fails for a year that JSON cannot have
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(text, &record{}))
	})
}
