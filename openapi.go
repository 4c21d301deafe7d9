// Package byline carries the contract, for the parts of the service that show
// it as it was written; gen/spec has it parsed.
package byline

import _ "embed"

// OpenAPI is the text of openapi.yaml.
//
//go:embed openapi.yaml
var OpenAPI []byte
