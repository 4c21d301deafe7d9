package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"
)

// source is the kind of place that a value came from.
type source string

const (
	fromDefault source = "default"
	fromFile    source = "file"
	fromEnv     source = "env"
	fromFlag    source = "flag"
)

// place is a place that has values of settings by name. A secret can be in a
// file of its own, which it names by the name of the setting with a suffix.
type place struct {
	from   source
	name   func(setting) string
	suffix string
	get    func(name string) (text string, isSet bool)
	shown  string // after a name, in messages
}

const (
	// settingFlag marks the flags of settings.
	settingFlag = "setting"

	// The flag and the variable that name the configuration file.
	configFlag = "config"
	configEnv  = "BYLINE_CONFIG"
)

// places returns the places of values, the one that takes precedence first.
// flags may be nil or incomplete.
func places(flags *pflag.FlagSet, getenv func(string) string) ([]place, error) {
	given := place{from: fromFlag, name: func(s setting) string { return "--" + s.flag() }, suffix: "-file", get: func(name string) (string, bool) {
		if flags == nil {
			return "", false
		}
		// A command can have a flag of its own with the name of a setting that it
		// does not take: byline seed --comments.
		f := flags.Lookup(strings.TrimPrefix(name, "--"))
		if f == nil || !f.Changed || f.Annotations[settingFlag] == nil {
			return "", false
		}
		return f.Value.String(), true
	}}
	environment := place{from: fromEnv, name: func(s setting) string { return s.env }, suffix: "_FILE", get: func(name string) (string, bool) {
		text := getenv(name)
		return text, text != ""
	}}
	path, isSet := given.get(configFlag)
	if !isSet {
		path, _ = environment.get(configEnv)
	}
	if path == "" {
		return []place{given, environment}, nil
	}
	values, err := readConfigFile(path)
	if err != nil {
		return nil, fmt.Errorf("the configuration file %s: %w", path, err)
	}
	file := place{from: fromFile, name: setting.flag, suffix: "-file", shown: " in " + path, get: func(name string) (string, bool) {
		text, isSet := values[name]
		return text, isSet
	}}
	return []place{given, environment, file}, nil
}

// find returns the value of a setting from the first place that has one.
func (s setting) find(places []place) (value, error) {
	for _, p := range places {
		name := p.name(s)
		text, isSet := p.get(name)
		if s.secret {
			if path, inFile := p.get(name + p.suffix); inFile {
				v := value{from: p.from, name: name + p.suffix + p.shown, secretFile: true}
				if isSet {
					return v, fmt.Errorf("%s and %s: must not be set together", name+p.shown, v.name)
				}
				var err error
				if v.text, err = readSecret(path); err != nil {
					return v, fmt.Errorf("%s=%s: %w", v.name, shownPath(path), err)
				}
				return v, nil
			}
		}
		if isSet {
			return value{text: text, from: p.from, name: name + p.shown}, nil
		}
	}
	return value{text: s.def, from: fromDefault, name: s.env}, nil
}

// readSecret returns the content of a file without the line break at its end.
func readSecret(path string) (string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("must be a file that can be read: %w", withoutPath(err))
	}
	secret := strings.TrimRight(string(text), "\r\n")
	if secret == "" {
		return "", errors.New("the file is empty")
	}
	return secret, nil
}

// shownPath formats the path of a secret's file for messages. What is not an
// absolute path may be the secret itself.
func shownPath(path string) string {
	if filepath.IsAbs(path) && !strings.Contains(path, "@") {
		return fmt.Sprintf("%q", path)
	}
	return shape(path)
}

// withoutPath returns the reason for which a file cannot be used.
func withoutPath(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

// readConfigFile returns the values of a YAML file by the names of their flags.
// Its errors must not quote values, which may be secrets.
func readConfigFile(path string) (map[string]string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("cannot be read: %w", withoutPath(err))
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return nil, err
	}
	values := map[string]string{}
	if doc.IsZero() || doc.Content[0].Tag == "!!null" {
		return values, nil // the file is empty
	}
	top := doc.Content[0]
	if top.Kind != yaml.MappingNode {
		return nil, errors.New("must have lines such as addr: 127.0.0.1:8080")
	}
	known := settingNames()
	var wrong []error
	for i := 0; i < len(top.Content); i += 2 {
		key, node := top.Content[i], top.Content[i+1]
		_, repeated := values[key.Value]
		text, isText := plain(node)
		switch {
		case !known[key.Value]:
			wrong = append(wrong, fmt.Errorf("line %d: %s is not a known setting%s", key.Line, key.Value, hint(closestName(key.Value, known))))
		case repeated:
			wrong = append(wrong, fmt.Errorf("line %d: %s is set twice", key.Line, key.Value))
		case !isText:
			wrong = append(wrong, fmt.Errorf("line %d: %s must be a text, a number or a list of them", key.Line, key.Value))
		case node.Tag != "!!null":
			values[key.Value] = text
		}
	}
	return values, errors.Join(wrong...)
}

// plain returns the text of a value as it is written, or of a list with commas
// between its items.
func plain(node *yaml.Node) (text string, ok bool) {
	switch node.Kind {
	case yaml.ScalarNode:
		return node.Value, true
	case yaml.SequenceNode:
		var items []string
		for _, item := range node.Content {
			if item.Kind != yaml.ScalarNode {
				return "", false
			}
			items = append(items, item.Value)
		}
		return strings.Join(items, ","), true
	}
	return "", false
}

// settingNames returns the names that a configuration file may have, which are
// those of flags.
func settingNames() map[string]bool {
	names := make(map[string]bool, len(settings))
	for _, s := range settings {
		names[s.flag()] = true
		if s.secret {
			names[s.flag()+"-file"] = true
		}
	}
	return names
}

// closestName returns the name that a person has probably meant, who may also
// have written the variable.
func closestName(written string, known map[string]bool) string {
	return closest(setting{env: strings.ToUpper(written)}.flag(), known)
}
