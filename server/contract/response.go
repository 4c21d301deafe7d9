package contract

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"mime"
	"net/http"
	"slices"
	"strconv"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/go-json-experiment/json"
)

// CheckResponse checks the status, headers, content type and body of a response
// against the document. It is for tests. A member that the document does not
// declare is an error, so that no column can leak into the API unnoticed, and so
// is a header that clients would not know of.
func (op *Operation) CheckResponse(status int, header http.Header, body []byte) error {
	ref := op.declared.Responses.Value(strconv.Itoa(status))
	if ref == nil {
		return fmt.Errorf("%s: status %d is not declared", op.ID, status)
	}
	if control := header.Get("Cache-Control"); op.Secret && control != "no-store" {
		return fmt.Errorf("%s: status %d: a response with a secret must have Cache-Control: no-store, not %q", op.ID, status, control)
	}
	err := errors.Join(op.checkHeaders(ref.Value.Headers, header), checkContent(ref.Value.Content, header, body))
	if err != nil {
		return fmt.Errorf("%s: status %d: %w", op.ID, status, err)
	}
	return nil
}

// implied are the headers that any response may have without a declaration:
// those of HTTP itself, and of the policies for browsers and caches.
var implied = map[string]bool{
	"Connection": true, "Content-Encoding": true, "Content-Length": true, "Content-Type": true, "Date": true, "Transfer-Encoding": true,
	"Cache-Control": true, "Vary": true,
	"Access-Control-Allow-Origin": true, "Access-Control-Expose-Headers": true, "Content-Security-Policy": true, "Cross-Origin-Resource-Policy": true,
	"Referrer-Policy": true, "Strict-Transport-Security": true, "X-Content-Type-Options": true, "X-Frame-Options": true,
}

func (op *Operation) checkHeaders(declared openapi3.Headers, header http.Header) error {
	var wrong []error
	known := map[string]bool{}
	if header.Get("Deprecation") != "" { // from the extensions of the operation
		known["Deprecation"], known["Sunset"], known["Link"] = true, true, true
	}
	if op.Security == Optional { // the info of the document describes it
		known["Www-Authenticate"] = true
	}
	for name := range declared {
		known[http.CanonicalHeaderKey(name)] = true
	}
	for _, name := range slices.Sorted(maps.Keys(header)) {
		if !known[name] && !implied[name] {
			wrong = append(wrong, fmt.Errorf("header %s is not declared", name))
		}
	}
	for name, ref := range declared {
		values := header.Values(name)
		switch {
		case len(values) == 0 && ref.Value.Required:
			wrong = append(wrong, fmt.Errorf("header %s is missing", name))
		case len(values) > 0 && ref.Value.Schema != nil:
			if err := ref.Value.Schema.Value.VisitJSON(textValue(ref.Value.Schema.Value, values[0]), asResponse...); err != nil {
				wrong = append(wrong, fmt.Errorf("header %s: %w", name, err))
			}
		}
	}
	return errors.Join(wrong...)
}

func checkContent(declared openapi3.Content, header http.Header, body []byte) error {
	if len(declared) == 0 {
		if len(body) > 0 {
			return fmt.Errorf("has a body of %d bytes; none is declared", len(body))
		}
		return nil
	}
	name, _, err := mime.ParseMediaType(header.Get("Content-Type"))
	if err != nil {
		return fmt.Errorf("content type %q: %w", header.Get("Content-Type"), err)
	}
	content := declared[name]
	if content == nil {
		return fmt.Errorf("content type %s is not declared", name)
	}
	switch name {
	case "text/plain":
		return content.Schema.Value.VisitJSON(string(body), asResponse...)
	case "application/x-ndjson":
		for line := range bytes.Lines(body) {
			if err := checkValue(content.Schema.Value, line); err != nil {
				return err
			}
		}
		return nil
	default:
		return checkValue(content.Schema.Value, body)
	}
}

func checkValue(schema *openapi3.Schema, text []byte) error {
	var value any
	if err := json.Unmarshal(text, &value); err != nil {
		return fmt.Errorf("body: %w", err)
	}
	if err := schema.VisitJSON(value, asResponse...); err != nil {
		return fmt.Errorf("body: %w", err)
	}
	return undeclared(schema, value, "body")
}

// undeclared returns an error for the first member, in alphabetical order,
// that no schema declares.
func undeclared(s *openapi3.Schema, value any, path string) error {
	switch value := value.(type) {
	case []any:
		for i, item := range value {
			if err := undeclared(s.Items.Value, item, fmt.Sprintf("%s.%d", path, i)); err != nil {
				return err
			}
		}
	case map[string]any:
		if open := s.AdditionalProperties; open.Schema != nil || open.Has != nil && *open.Has {
			return nil
		}
		names := make([]string, 0, len(value))
		for name := range value {
			names = append(names, name)
		}
		slices.Sort(names)
		for _, name := range names {
			member := property(s, name)
			if member == nil {
				return fmt.Errorf("%s.%s is not declared", path, name)
			}
			if err := undeclared(member, value[name], path+"."+name); err != nil {
				return err
			}
		}
	}
	return nil
}
