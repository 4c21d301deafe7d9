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
	for _, operation := range routes(root) {
		id := member(operation, "operationId").Value
		list := []map[string]string{}
		for _, sdk := range sdks {
			// The SDKs lack a new operation until make sdk.
			if code := samples[sdk.name][id]; code != "" {
				list = append(list, map[string]string{"lang": sdk.lang, "label": sdk.label, "source": code})
			}
		}
		var value yaml.Node
		if err := value.Encode(list); err != nil {
			return err
		}
		operation.Content = append(operation.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: "x-codeSamples"}, &value)
	}
	return nil
}
