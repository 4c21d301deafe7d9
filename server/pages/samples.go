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
var sdks = []struct{ name, lang, label, pkg string }{
	{"typescript", "TypeScript", "TypeScript SDK", "@byline-api/client"},
	{"python", "Python", "Python SDK", "byline-client"},
	{"go", "Go", "Go SDK", "github.com/byline-api/byline/sdk/go"},
}

// addSamples adds to the document which SDKs there are, as
// x-scalar-sdk-installation, and to each operation how they call it, as
// x-codeSamples. Scalar shows the former at the beginning, where the reader
// chooses an SDK, and the latter beside the requests that it makes up itself.
func addSamples(root *yaml.Node) error {
	var samples map[string]map[string]string
	if err := json.Unmarshal(samplesJSON, &samples); err != nil {
		return fmt.Errorf("samples.json: %w", err)
	}
	packages := []map[string]string{}
	for _, sdk := range sdks {
		// The link is relative, because a proxy may serve the page below a path.
		packages = append(packages, map[string]string{
			"lang": sdk.lang, "description": "`" + sdk.pkg + "`: [how to install and use it](docs/sdks)",
		})
	}
	if err := addMember(member(root.Content[0], "info"), "x-scalar-sdk-installation", packages); err != nil {
		return err
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
		if err := addMember(operation, "x-codeSamples", list); err != nil {
			return err
		}
	}
	return nil
}

// addMember adds a member to a mapping.
func addMember(n *yaml.Node, name string, v any) error {
	var value yaml.Node
	if err := value.Encode(v); err != nil {
		return err
	}
	n.Content = append(n.Content, stringNode(name), &value)
	return nil
}
