package compare

import "slices"

// identities are the members by which elements of lists are recognized, the
// best one first. A list with one element more would differ in all elements
// otherwise.
var identities = []string{"slug", "id", "username"}

// lists compares two lists.
func (c *comparison) lists(old, new []any) {
	if anyMatches(c.rules.Unordered, c.place) {
		c.sets(old, new)
		return
	}
	for _, member := range identities {
		oldIDs, ok := identify(old, member)
		newIDs, okToo := identify(new, member)
		if ok && okToo {
			c.identified(old, new, oldIDs, newIDs)
			return
		}
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
	if !slices.IsSorted(common) {
		c.add(nil, Order, nil, nil)
	}
}

// sets compares two lists whose order has no meaning.
func (c *comparison) sets(old, new []any) {
	count := map[string]int{}
	for _, element := range old {
		count[jsonText(element)]++
	}
	var added []any
	for _, element := range new {
		if text := jsonText(element); count[text] > 0 {
			count[text]--
		} else {
			added = append(added, element)
		}
	}
	for i, element := range old {
		if text := jsonText(element); count[text] > 0 {
			count[text]--
			c.oneSided(step{element: true, index: i}, Missing, element, nil)
		}
	}
	for i, element := range added {
		c.oneSided(step{element: true, index: i}, Added, nil, element)
	}
}
