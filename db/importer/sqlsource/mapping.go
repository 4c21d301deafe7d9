package sqlsource

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// Names are the names that a table or column may have; the first one that exists
// is used. No names mean that there is no such table or column.
type Names struct {
	list []string
	// set says that a preset has the member. given says that a file has changed
	// it: what a user has written must exist, even if it is optional.
	set, given bool
}

// UnmarshalYAML reads one name or a list.
func (n *Names) UnmarshalYAML(node *yaml.Node) error {
	var list []string
	if node.Kind != yaml.ScalarNode {
		if err := node.Decode(&list); err != nil {
			return fmt.Errorf("line %d: expected a name or a list of names", node.Line)
		}
	} else if node.Value != "" {
		list = []string{node.Value}
	}
	// A user may keep the members of a preset as they are.
	*n = Names{list: list, set: true, given: n.set && !slices.Equal(list, n.list)}
	return nil
}

// String returns the names for an error.
func (n Names) String() string { return strings.Join(n.list, " or ") }

// left reports whether a user has written that there is no such column.
func (n Names) left() bool { return n.given && len(n.list) == 0 }

// Mapping says where a database has the rows of each kind. The presets explain
// each member.
type Mapping struct {
	// Zone is that of columns whose times have none; nil means UTC.
	Zone  *time.Location `yaml:"-"`
	Users struct {
		Table     Names `yaml:"table"`
		Key       Names `yaml:"key"`
		Username  Names `yaml:"username"`
		Email     Names `yaml:"email"`
		Password  Names `yaml:"password"`
		Salt      Names `yaml:"salt"`
		Bio       Names `yaml:"bio"`
		Image     Names `yaml:"image"`
		Role      Names `yaml:"role"`
		CreatedAt Names `yaml:"createdAt"`
		UpdatedAt Names `yaml:"updatedAt"`
		DeletedAt Names `yaml:"deletedAt"`
	} `yaml:"users"`
	Articles struct {
		Table       Names `yaml:"table"`
		Key         Names `yaml:"key"`
		Author      Names `yaml:"author"`
		Slug        Names `yaml:"slug"`
		Title       Names `yaml:"title"`
		Description Names `yaml:"description"`
		Body        Names `yaml:"body"`
		TagList     Names `yaml:"tagList"`
		Draft       Names `yaml:"draft"`
		CreatedAt   Names `yaml:"createdAt"`
		UpdatedAt   Names `yaml:"updatedAt"`
		PublishedAt Names `yaml:"publishedAt"`
		DeletedAt   Names `yaml:"deletedAt"`
	} `yaml:"articles"`
	Comments struct {
		Table     Names `yaml:"table"`
		Key       Names `yaml:"key"`
		Article   Names `yaml:"article"`
		Author    Names `yaml:"author"`
		Parent    Names `yaml:"parent"`
		Body      Names `yaml:"body"`
		CreatedAt Names `yaml:"createdAt"`
		UpdatedAt Names `yaml:"updatedAt"`
		DeletedAt Names `yaml:"deletedAt"`
	} `yaml:"comments"`
	Tags struct {
		Table Names `yaml:"table"`
		Key   Names `yaml:"key"`
		Name  Names `yaml:"name"`
	} `yaml:"tags"`
	ArticleTags struct {
		Table   Names `yaml:"table"`
		Article Names `yaml:"article"`
		Tag     Names `yaml:"tag"`
		Order   Names `yaml:"order"`
	} `yaml:"articleTags"`
	Favorites struct {
		Table     Names `yaml:"table"`
		User      Names `yaml:"user"`
		Article   Names `yaml:"article"`
		CreatedAt Names `yaml:"createdAt"`
		DeletedAt Names `yaml:"deletedAt"`
	} `yaml:"favorites"`
	Follows struct {
		Table     Names `yaml:"table"`
		Follower  Names `yaml:"follower"`
		Followee  Names `yaml:"followee"`
		CreatedAt Names `yaml:"createdAt"`
		DeletedAt Names `yaml:"deletedAt"`
	} `yaml:"follows"`
}

// ParseZone reads a time zone: its name, such as America/New_York, or an offset
// such as -05:00. It is UTC if the text is "".
func ParseZone(text string) (*time.Location, error) {
	if offset, err := time.Parse("-07:00", text); err == nil {
		_, seconds := offset.Zone()
		return time.FixedZone(text, seconds), nil
	}
	zone, err := time.LoadLocation(text)
	if err != nil || text == "Local" {
		return nil, fmt.Errorf("this machine knows no time zone %q: write an offset such as -05:00, or a name such as Europe/Berlin", text)
	}
	return zone, nil
}

//go:embed presets/*.yaml
var presets embed.FS

// Presets are the names of the mappings that are built in.
var Presets = []string{"prisma", "sequelize"}

// Preset returns the text of a mapping that is built in.
func Preset(name string) ([]byte, error) {
	text, err := presets.ReadFile("presets/" + name + ".yaml")
	if err != nil {
		return nil, fmt.Errorf("there is no mapping %q; there are %s", name, strings.Join(Presets, " and "))
	}
	return text, nil
}

// maxMapping bounds the size of a mapping, in bytes.
const maxMapping = 1 << 20

// Parse returns a preset with the changes of a mapping file, which may be nil. A
// member that no mapping has is an error.
func Parse(preset string, changes []byte) (Mapping, error) {
	var m Mapping
	text, err := Preset(preset)
	if err != nil {
		return m, err
	}
	for _, layer := range [][]byte{text, changes} {
		if err := refuseNull(layer); err != nil {
			return m, fmt.Errorf("the mapping: %w", err)
		}
		decoder := yaml.NewDecoder(bytes.NewReader(layer))
		decoder.KnownFields(true)
		if err := decoder.Decode(&m); err != nil && !errors.Is(err, io.EOF) {
			return m, fmt.Errorf("the mapping: %s", unknownMember.ReplaceAllString(err.Error(), "$1 is no member here; byline import mapping "+preset+" prints all"))
		}
		if decoder.Decode(new(yaml.Node)) == nil {
			return m, errors.New("the mapping: it has a second document after ---; put all in one")
		}
	}
	return m, nil
}

// unknownMember matches what the decoder says of a member that there is not, with
// the type in Go.
var unknownMember = regexp.MustCompile(`(?s)field (\S+) not found in type [^\n]*`)

// refuseNull returns an error for a member without a value: the decoder would
// leave it as the preset has it, and a user can mean that there is none.
func refuseNull(text []byte) error {
	var sections map[string]map[string]yaml.Node
	if yaml.Unmarshal(text, &sections) != nil {
		return nil // the decoder says why
	}
	for section, members := range sections {
		for name, value := range members {
			if value.Tag == "!!null" {
				return fmt.Errorf(`line %d: %s.%s has no value; write "" if there is no such table or column`, value.Line, section, name)
			}
		}
	}
	return nil
}

// Load is Parse for a file, or for none if its name is "".
func Load(preset, file string) (Mapping, error) {
	if file == "" {
		return Parse(preset, nil)
	}
	info, err := os.Stat(file)
	if err != nil {
		return Mapping{}, err
	}
	if info.Size() > maxMapping {
		return Mapping{}, fmt.Errorf("the mapping %s is larger than %d bytes", file, maxMapping)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return Mapping{}, err
	}
	return Parse(preset, text)
}
