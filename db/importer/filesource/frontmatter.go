package filesource

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"
	"go.yaml.in/yaml/v3"

	"github.com/byline-api/byline/db/importer/lenient"
)

// maxFrontMatter is the length of the longest front matter, in bytes.
const maxFrontMatter = 256 << 10

// frontMatter has the values at the beginning of a file, by their names in small
// letters.
type frontMatter map[string]any

// splitFrontMatter returns the values at the beginning of a text, and the text
// behind them. A text that does not begin with a fence has none.
func splitFrontMatter(text string) (frontMatter, string, error) {
	first, rest, _ := strings.Cut(text, "\n")
	var read func([]byte, *map[string]any) error
	closing := []string{"---"}
	switch strings.TrimRight(first, " \t") {
	case "---", "--- yaml", "---yaml":
		read, closing = readYAML, []string{"---", "..."}
	case "+++":
		read, closing = readTOML, []string{"+++"}
	case "---toml", "--- toml":
		read = readTOML
	case "---json", "--- json":
		read = readJSON
	default:
		if jsonObject.MatchString(text) {
			return leadingJSON(text)
		}
		return nil, text, nil
	}
	front, body, closed := cutAtLine(rest, closing)
	if !closed {
		return nil, "", fmt.Errorf("the front matter that begins with %s in line 1 has no line %s at its end", strings.TrimSpace(first), strings.Join(closing, " or "))
	}
	if len(front) > maxFrontMatter {
		return nil, "", fmt.Errorf("the front matter is longer than %d bytes", maxFrontMatter)
	}
	values := map[string]any{}
	if err := read([]byte(front), &values); err != nil {
		return nil, "", err
	}
	return lowered(values), body, nil
}

// jsonObject matches the beginning of an object, and no command such as {{ … }}.
var jsonObject = regexp.MustCompile(`^\{\s*["}]`)

// cutAtLine returns what is before and after the first line that is one of some.
func cutAtLine(text string, wanted []string) (before, after string, found bool) {
	at := 0
	for line := range strings.Lines(text) {
		for _, w := range wanted {
			if strings.TrimRight(line, " \t\n") == w {
				return text[:at], text[at+len(line):], true
			}
		}
		at += len(line)
	}
	return "", "", false
}

// lowered returns values by their names in small letters. Programs differ in
// the case of names such as lastMod.
func lowered(values map[string]any) frontMatter {
	front := make(frontMatter, len(values))
	for name, v := range values {
		name = strings.ToLower(strings.NewReplacer("_", "", "-", "").Replace(name))
		if _, twice := front[name]; !twice || v != nil {
			front[name] = v
		}
	}
	return front
}

// readYAML reads a mapping. The library refuses aliases that multiply.
func readYAML(text []byte, values *map[string]any) error {
	var node yaml.Node
	if err := yaml.Unmarshal(text, &node); err != nil {
		return fmt.Errorf("the front matter is no YAML (line 1 is that after the fence): %w", plain(err))
	}
	if len(node.Content) == 0 {
		return nil
	}
	if node.Content[0].Kind != yaml.MappingNode {
		return errors.New("the front matter is no list of names with values")
	}
	if err := node.Decode(values); err != nil {
		return fmt.Errorf("the front matter is no YAML (line 1 is that after the fence): %w", plain(err))
	}
	return nil
}

// plain returns an error of the library without the values that it quotes, which
// could be long.
func plain(err error) error {
	text, _, _ := strings.Cut(strings.TrimPrefix(err.Error(), "yaml: "), "`")
	return errors.New(strings.Join(strings.Fields(text), " "))
}

func readTOML(text []byte, values *map[string]any) error {
	err := toml.Unmarshal(text, values)
	var decode *toml.DecodeError
	if errors.As(err, &decode) {
		row, column := decode.Position()
		return fmt.Errorf("the front matter is no TOML at line %d, column %d (line 1 is that after the fence): %w", row, column, err)
	}
	if err != nil {
		return fmt.Errorf("the front matter is no TOML: %w", err)
	}
	return nil
}

func readJSON(text []byte, values *map[string]any) error {
	if err := json.Unmarshal(text, values); err != nil {
		return fmt.Errorf("the front matter is no JSON object: %w", err)
	}
	return nil
}

// leadingJSON splits a text that begins with a JSON object.
func leadingJSON(text string) (frontMatter, string, error) {
	dec := json.NewDecoder(strings.NewReader(text[:min(len(text), maxFrontMatter)]))
	values := map[string]any{}
	if err := dec.Decode(&values); err != nil {
		return nil, "", fmt.Errorf("the front matter is no JSON object of up to %d bytes: %w", maxFrontMatter, err)
	}
	return lowered(values), strings.TrimLeft(text[dec.InputOffset():], " \t"), nil
}

// of returns the first value that is there, of several names.
func (f frontMatter) of(names ...string) any {
	for _, name := range names {
		if v := f[name]; v != nil {
			return v
		}
	}
	return nil
}

// text returns the first text that is there, of several names.
func (f frontMatter) text(names ...string) string {
	for _, name := range names {
		if s := textOf(f[name]); s != "" {
			return s
		}
	}
	return ""
}

// textOf returns a value as text: a number as it is written, and the members of
// an object by which programs name an address or a person. Other values are "".
func textOf(v any) string {
	switch v := v.(type) {
	case string:
		return strings.TrimSpace(v)
	case int, int64, uint64, float64, bool:
		return fmt.Sprint(v)
	case time.Time:
		return v.Format(time.RFC3339)
	case toml.LocalDate:
		return v.String()
	case map[string]any:
		return lowered(v).text("url", "src", "image", "path", "name", "title", "default")
	case []any:
		for _, item := range v {
			if _, nested := item.([]any); !nested {
				if s := textOf(item); s != "" {
					return s
				}
			}
		}
	}
	return ""
}

// time returns the first time that is there, of several names. It reports false
// if there is a value that is no time. Names such as published can have a flag
// instead.
func (f frontMatter) time(names ...string) (t time.Time, understood bool) {
	names = slices.DeleteFunc(names, func(name string) bool {
		_, isFlag := f[name].(bool)
		return isFlag
	})
	switch v := f.of(names...).(type) {
	case nil:
		return time.Time{}, true
	case time.Time:
		return v.UTC(), true
	case toml.LocalDate:
		return v.AsTime(time.UTC), true
	case toml.LocalDateTime:
		return v.AsTime(time.UTC), true
	case string:
		if strings.TrimSpace(v) == "" {
			return time.Time{}, true
		}
		return lenient.ParseTime(v)
	}
	return time.Time{}, false
}

// flag reports whether a value is true, also as text.
func (f frontMatter) flag(name string) bool { return strings.EqualFold(textOf(f[name]), "true") }

// off reports whether a value is false, also as text.
func (f frontMatter) off(name string) bool { return strings.EqualFold(textOf(f[name]), "false") }

// list returns the names in a list or in a text. A text with commas is a list;
// one without is one name, or several between spaces where words says so.
func (f frontMatter) list(words bool, names ...string) (all []string) {
	for _, name := range names {
		switch v := f[name].(type) {
		case []any:
			for _, item := range v {
				if s := textOf(item); s != "" {
					all = append(all, s)
				}
			}
		default:
			text := textOf(v)
			if words && !strings.Contains(text, ",") {
				all = append(all, strings.Fields(text)...)
			} else {
				all = append(all, lenient.SplitTags(text)...)
			}
		}
	}
	return all
}

// normal returns the text of a file with the line breaks of Unix and without a
// byte order mark.
func normal(data []byte) (string, error) {
	if bytes.HasPrefix(data, []byte("\xff\xfe")) || bytes.HasPrefix(data, []byte("\xfe\xff")) {
		return "", errors.New("the file is UTF-16: store it as UTF-8")
	}
	text := strings.TrimPrefix(string(data), "\xef\xbb\xbf")
	return strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n"), nil
}
