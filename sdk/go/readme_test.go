package byline_test

import (
	"os"
	"strings"
	"testing"
)

// TestReadme checks that the program of README.md is the example of the package,
// which runs as a test.
func TestReadme(t *testing.T) {
	between := func(file, from, to string) string {
		text, err := os.ReadFile(file)
		noError(t, err)
		_, rest, found := strings.Cut(string(text), from)
		part, _, ended := strings.Cut(rest, to)
		equal(t, true, found && ended)
		return strings.TrimSpace(part)
	}
	equal(t, between("example_test.go", "func Example() {\n", "\t// Output:"), strings.TrimSpace(strings.TrimSuffix(between("README.md", "func main() {\n", "```"), "}")))
}
