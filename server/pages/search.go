package pages

import (
	"encoding/json"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// entry is what a search can find: a section of a guide, or an operation.
type entry struct {
	Title string `json:"title"`
	// In is the title of the guide or of the tag.
	In   string `json:"in"`
	Path string `json:"path"`
	Text string `json:"text"`
}

// tagOperations are the operations of one tag of the document.
type tagOperations struct {
	Tag        string
	Operations []operation
}

type operation struct{ Method, Path, Summary, Link string }

// operations returns the operations of the document, and what a search finds
// them by.
func operations(root *yaml.Node) (tags []tagOperations, entries []entry, err error) {
	at := map[string]int{}
	for _, tag := range member(root.Content[0], "tags").Content {
		name := member(tag, "name").Value
		at[name] = len(tags)
		tags = append(tags, tagOperations{Tag: name})
	}
	for route, op := range routes(root) {
		var fields struct {
			OperationID          string `yaml:"operationId"`
			Summary, Description string
			Tags                 []string
		}
		if err := op.Decode(&fields); err != nil {
			return nil, nil, err
		}
		n, ok := at[fields.Tags[0]]
		if !ok {
			return nil, nil, fmt.Errorf("%s has an unknown tag", fields.OperationID)
		}
		method := strings.ToUpper(route.method)
		// The anchors of Scalar.
		link := "/docs#tag/" + fields.Tags[0] + "/" + method + route.path
		tags[n].Operations = append(tags[n].Operations, operation{method, route.path, fields.Summary, link})
		entries = append(entries, entry{
			Title: method + " " + route.path, In: fields.Tags[0], Path: link,
			Text: fields.Summary + ". " + fields.OperationID + ". " + strings.Join(strings.Fields(strings.ReplaceAll(fields.Description, "`", "")), " "),
		})
	}
	return tags, entries, nil
}

// addSearch adds the page that lists everything, and the index by which its
// script searches.
func addSearch(s *static, guides []*guide, root *yaml.Node) error {
	tags, found, err := operations(root)
	if err != nil {
		return err
	}
	var entries []entry
	for _, g := range guides {
		for _, section := range g.Sections {
			path := g.Path
			if section.ID != "" {
				path += "#" + section.ID
			}
			entries = append(entries, entry{Title: section.Title, In: g.Title, Path: path, Text: section.Text})
		}
	}
	index, err := json.Marshal(append(entries, found...))
	if err != nil {
		return err
	}
	s.assets.Index = assetURL("search.json", index)
	s.resources[s.assets.Index] = newResource("application/json", index, immutable, "")
	s.resources[s.assets.Index].links = []string{`"path":"`}
	page, err := execute("search.html", view{Title: "Search", Assets: s.assets, Nav: s.nav, Tags: tags})
	if err != nil {
		return err
	}
	s.resources["/docs/search"] = newPage(page, revalidated, searchPolicy)
	return nil
}
