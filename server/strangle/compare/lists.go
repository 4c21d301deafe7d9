package compare

import "slices"

// identities are the members by which elements of lists are recognized, the
// best one first. A list with one element more would differ in all elements
// otherwise.
var identities = []string{"slug", "id", "username"}

// lists compares two lists.
func (c *comparison) lists(old, new []any) {
	for _, member := range identities {
		oldIDs, ok := identify(old, member)
		newIDs, okToo := identify(new, member)
		if ok && okToo {
			c.identified(old, new, oldIDs, newIDs)
			return
		}
	}
	if anyMatches(c.rules.Unordered, c.place) {
		c.sets(old, new)
		return
	}
	for i := range max(len(old), len(new)) {
		s := step{element: true, index: i}
		switch {
		case i >= len(new):
			c.oneSided(s, Missing, old[i], nil)
		case i >= len(old):
			c.oneSided(s, Added, nil, new[i])
		default:
			c.at(s, old[i], new[i])
		}
	}
}

// identify returns the identities of all elements. It fails unless each
// element has one of its own.
func identify(list []any, member string) (ids []string, ok bool) {
	seen := make(map[string]bool, len(list))
	for _, element := range list {
		object, isObject := element.(map[string]any)
		value, found := object[member]
		if !isObject || !found || value == nil {
			return nil, false
		}
		id := jsonText(value)
		if seen[id] {
			return nil, false
		}
		seen[id] = true
		ids = append(ids, id)
	}
	return ids, true
}

// identified compares lists whose elements have identities.
func (c *comparison) identified(old, new []any, oldIDs, newIDs []string) {
	positions := make(map[string]int, len(newIDs))
	for i, id := range newIDs {
		positions[id] = i
	}
	var common []int // the positions in new of what both have, in the order of old
	for i, id := range oldIDs {
		s := step{element: true, index: i}
		if at, found := positions[id]; found {
			c.at(s, old[i], new[at])
			common = append(common, at)
			delete(positions, id)
		} else {
			c.oneSided(s, Missing, old[i], nil)
		}
	}
	for i, id := range newIDs {
		if _, left := positions[id]; left {
			c.oneSided(step{element: true, index: i}, Added, nil, new[i])
		}
	}
	if !slices.IsSorted(common) && !anyMatches(c.rules.Unordered, c.place) {
		c.add(nil, Order, nil, nil)
	}
}

// maxSearched bounds the elements of an unordered list that are compared with
// each other one by one.
const maxSearched = 200

// sets compares two lists whose order has no meaning, and whose elements have no
// identities.
func (c *comparison) sets(old, new []any) {
	old, new = withoutCommon(old, new)
	if len(old) <= maxSearched && len(new) <= maxSearched {
		old = slices.DeleteFunc(old, func(element any) bool {
			at := slices.IndexFunc(new, func(other any) bool { return c.sameElement(element, other) })
			if at >= 0 {
				new = slices.Delete(new, at, at+1)
			}
			return at >= 0
		})
	}
	for i, element := range old {
		c.oneSided(step{element: true, index: i}, Missing, element, nil)
	}
	for i, element := range new {
		c.oneSided(step{element: true, index: i}, Added, nil, element)
	}
}

// withoutCommon returns the elements that only one of two lists has, byte for
// byte.
func withoutCommon(old, new []any) (onlyOld, onlyNew []any) {
	count := map[string]int{}
	for _, element := range old {
		count[jsonText(element)]++
	}
	for _, element := range new {
		if text := jsonText(element); count[text] > 0 {
			count[text]--
		} else {
			onlyNew = append(onlyNew, element)
		}
	}
	for _, element := range old {
		if text := jsonText(element); count[text] > 0 {
			count[text]--
			onlyOld = append(onlyOld, element)
		}
	}
	return onlyOld, onlyNew
}

// sameElement reports whether two elements are equal by the rules.
func (c *comparison) sameElement(old, new any) bool {
	own := comparison{rules: c.rules, place: slices.Clone(c.place)}
	own.at(step{element: true}, old, new)
	return len(own.found) == 0
}
