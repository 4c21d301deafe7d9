package strangle

import (
	"net/http"
	"strings"

	"github.com/byline-api/byline/server/contract"
)

// operation is an operation of the document. The last one of a proxy, which has
// no id, stands for all requests that the document does not have.
type operation struct {
	index      int
	id, tag    string
	method     string
	path       string
	safe       bool // it changes nothing
	idempotent bool // it takes an Idempotency-Key
}

// name returns the label in metrics and logs.
func (o *operation) name() string {
	if o.id == "" {
		return "other"
	}
	return o.id
}

// operationsOf returns the operations of the document, in its order.
func operationsOf(doc *contract.Document) (operations []*operation) {
	for i, op := range doc.Operations() {
		operations = append(operations, &operation{
			index: i, id: op.ID, tag: op.Tag, method: op.Method, path: op.Path, safe: op.Safe, idempotent: op.Idempotent,
		})
	}
	return operations
}

// node is a node of the tree of paths. A level of the tree is a segment.
type node struct {
	fixed     map[string]*node // by the lower-case segment
	parameter *node            // any other segment
	methods   map[string]*operation
}

// newTree returns the tree of all paths.
func newTree(operations []*operation) *node {
	root := &node{}
	for _, op := range operations {
		at := root
		for segment := range strings.SplitSeq(op.path[1:], "/") {
			at = at.child(segment)
		}
		if at.methods == nil {
			at.methods = map[string]*operation{}
		}
		at.methods[op.method] = op
	}
	return root
}

// child returns the node below n, and adds it if necessary.
func (n *node) child(segment string) *node {
	if strings.HasPrefix(segment, "{") {
		if n.parameter == nil {
			n.parameter = &node{}
		}
		return n.parameter
	}
	if n.fixed == nil {
		n.fixed = map[string]*node{}
	}
	segment = strings.ToLower(segment)
	if n.fixed[segment] == nil {
		n.fixed[segment] = &node{}
	}
	return n.fixed[segment]
}

// find returns the operation of a method and a path without the slash at its
// beginning, or nil. A fixed segment precedes a parameter, unless only the path
// with the parameter has the method.
func (n *node) find(method, path string) *operation {
	segment, rest, more := strings.Cut(path, "/")
	if segment == "" || segment == "." || segment == ".." {
		return nil
	}
	next := func(child *node) *operation {
		switch {
		case child == nil:
			return nil
		case !more:
			return child.methods[method]
		}
		return child.find(method, rest)
	}
	if n.fixed != nil {
		if op := next(n.fixed[lower(segment)]); op != nil {
			return op
		}
	}
	return next(n.parameter)
}

// lower is strings.ToLower for ASCII, which allocates nothing for the usual
// path.
func lower(segment string) string {
	for i := range len(segment) {
		if c := segment[i]; c >= 'A' && c <= 'Z' {
			return strings.ToLower(segment)
		}
	}
	return segment
}

// match is the result of the lookup of a request.
type match struct {
	op   *operation
	path string // below the prefix, as the new system expects it
	// asks is set if the request is no call of the operation, but asks whether
	// a browser may make it (CORS).
	asks bool
}

// match finds the operation of a request. Like Express, it ignores the case of
// a path and a slash at its end: a write that Express accepts must not escape
// the mode of its operation.
func (p *Proxy) match(r *http.Request) match {
	path, below := cutPrefix(r.URL.EscapedPath(), p.cfg.OldPrefix)
	if !below {
		return match{op: p.other}
	}
	path = strings.TrimSuffix(path, "/")
	if path == "" {
		return match{op: p.other}
	}
	method, asks := r.Method, false
	switch method {
	case http.MethodHead:
		method = http.MethodGet
	case http.MethodOptions:
		method, asks = r.Header.Get("Access-Control-Request-Method"), true
	}
	op := p.tree.find(method, path[1:])
	if op == nil {
		return match{op: p.other}
	}
	return match{op: op, path: op.canonical(path), asks: asks}
}

// cutPrefix returns the path below a prefix, with a slash at its beginning.
func cutPrefix(path, prefix string) (below string, found bool) {
	if len(path) <= len(prefix) || !strings.EqualFold(path[:len(prefix)], prefix) || path[len(prefix)] != '/' {
		return "", false
	}
	return path[len(prefix):], true
}

// canonical returns a path with the fixed segments as the document has them.
func (o *operation) canonical(path string) string {
	if lower(path) == path {
		return path
	}
	segments := strings.Split(path, "/")
	for i, declared := range strings.Split(o.path, "/") {
		if !strings.HasPrefix(declared, "{") {
			segments[i] = declared
		}
	}
	return strings.Join(segments, "/")
}
