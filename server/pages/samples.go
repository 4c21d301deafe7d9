package pages

import (
	_ "embed"
	"encoding/json"
	"fmt"

	"go.yaml.in/yaml/v3"
)

// samplesJSON has the call of each operation in each SDK: language ->
// operationId -> code. `make sdk` generates it, and the tests of the SDKs run
// the code.
//
//go:embed samples.json
var samplesJSON []byte

// sdks are the languages of the SDKs, in the order in which the reference shows
// them.
var sdks = []struct{ name, lang, label string }{
	{"typescript", "TypeScript", "TypeScript SDK"},
	{"python", "Python", "Python SDK"},
	{"go", "Go", "Go SDK"},
}

// addSamples adds to each operation of the document how the SDKs call it, as
// x-codeSamples, which Scalar shows beside the requests that it makes up itself.
func addSamples(root *yaml.Node) error {
	var samples map[string]map[string]string
	if err := json.Unmarshal(samplesJSON, &samples); err != nil {
		return fmt.Errorf("samples.json: %w", err)
	}
	if root.Kind == yaml.DocumentNode {
		root = root.Content[0]
	}
	paths := member(root, "paths")
	for i := 1; i < len(paths.Content); i += 2 {
		for j := 1; j < len(paths.Content[i].Content); j += 2 {
			operation := paths.Content[i].Content[j]
			id := member(operation, "operationId")
			if id == nil {
				continue // the parameters of all operations of a path
			}
			list := []map[string]string{}
			for _, sdk := range sdks {
				code := samples[sdk.name][id.Value]
				if code == "" {
					continue // an operation that the SDKs do not have yet: make sdk
				}
				list = append(list, map[string]string{"lang": sdk.lang, "label": sdk.label, "source": code})
			}
			var value yaml.Node
			if err := value.Encode(list); err != nil {
				return err
			}
			operation.Content = append(operation.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: "x-codeSamples"}, &value)
		}
	}
	return nil
}
