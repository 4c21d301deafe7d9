package compare

import "strings"

// Without returns the differences that are not noise. noise are the differences
// of two responses of the old system to the same request: what the old system
// changes by itself cannot be held against the new one. A value that changes
// covers other values, and an order other orders. What comes and goes, or changes
// its type, covers all that is below it.
func Without(differences, noise []Difference) []Difference {
	var left []Difference
	for _, d := range differences {
		if !covered(d, noise) {
			left = append(left, d)
		}
	}
	return left
}

func covered(d Difference, noise []Difference) bool {
	for _, n := range noise {
		switch {
		case n.Kind == Status || n.Kind == Body:
			return true // the old system gives no stable answer at all
		case n.Kind == ContentType || d.Kind == ContentType:
			if n.Kind == d.Kind {
				return true
			}
		case n.Kind == Value || n.Kind == Order:
			if n.Kind == d.Kind && n.Path == d.Path {
				return true
			}
		case d.Kind != Status && within(d.Path, n.Path):
			return true
		}
	}
	return false
}

// within reports whether a path is another one, or below it. An element that
// comes and goes makes its whole list noise.
func within(path, noisy string) bool {
	noisy = strings.TrimSuffix(noisy, "[*]")
	rest, found := strings.CutPrefix(path, noisy)
	return found && (rest == "" || rest[0] == '.' || rest[0] == '[')
}
