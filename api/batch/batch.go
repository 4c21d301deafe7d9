// Package batch helps operations that take a list of names.
package batch

// Unique returns the texts without duplicates, in order of their first
// occurrence.
func Unique(texts []string) []string {
	seen := make(map[string]bool, len(texts))
	out := make([]string, 0, len(texts))
	for _, t := range texts {
		if !seen[t] {
			seen[t] = true
			out = append(out, t)
		}
	}
	return out
}

// Missing returns the requested texts that were not found, in order. The result
// is never nil, so that it is an empty list in JSON.
func Missing(asked []string, found map[string]bool) []string {
	out := []string{}
	for _, t := range asked {
		if !found[t] {
			out = append(out, t)
		}
	}
	return out
}
