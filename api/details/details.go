// Package details has the members of an article that front ends need beside its
// text: the cover, the members for search engines, the language and the
// metadata.
//
// The column articles.details stores them as one JSON object, with the names
// that responses have. Members that are null or empty are not stored, and the
// column is NULL if there are none, as in most articles.
package details

import (
	"bytes"
	"encoding/json"
	"fmt"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
	"golang.org/x/text/language"

	"github.com/byline-api/byline/api/problem"
	"github.com/byline-api/byline/gen/openapi"
)

// The limits of the metadata. The document bounds the other members.
const (
	maxMembers = 50
	maxName    = 40
	maxBytes   = 16 << 10
	// maxPatch bounds the work for a patch, which is parsed once for each level
	// of its objects.
	maxPatch = 4 * maxBytes
)

const (
	coverImage   = "coverImage"
	metadata     = "metadata"
	languageName = "language"
)

// Apply returns the details of an article after a merge patch (RFC 7396). The
// argument stored may be nil, and so is the result if there are no details.
// The text of the patch conforms to the document.
func Apply(stored []byte, patch openapi.UpdateArticle) ([]byte, error) {
	tag, err := canonical(patch.Language)
	if err != nil {
		return nil, err
	}
	all := parse(stored)
	for _, m := range []struct {
		name  string
		patch json.RawMessage
	}{
		{coverImage, patch.CoverImage}, {"canonicalUrl", patch.CanonicalUrl}, {"metaTitle", patch.MetaTitle},
		{"metaDescription", patch.MetaDescription}, {languageName, tag}, {metadata, patch.Metadata},
	} {
		if m.patch == nil {
			continue
		}
		if m.name == metadata && len(m.patch) > maxPatch {
			return nil, tooLarge()
		}
		value := merge(all.get(m.name), jsontext.Value(m.patch))
		switch m.name {
		case coverImage:
			err = checkCover(value)
		case metadata:
			err = checkMetadata(value)
		}
		if err != nil {
			return nil, err
		}
		if string(value) == "{}" {
			value = nil
		}
		all.set(m.name, value)
	}
	if out := all.text(); string(out) != "{}" {
		return out, nil
	}
	return nil, nil
}

// Of returns the details of a new article.
func Of(in openapi.NewArticle) ([]byte, error) {
	return Apply(nil, openapi.UpdateArticle{
		CoverImage: in.CoverImage, CanonicalUrl: in.CanonicalUrl, MetaTitle: in.MetaTitle, MetaDescription: in.MetaDescription,
		Language: in.Language, Metadata: in.Metadata,
	})
}

// Changed reports whether details that Apply has returned differ from those
// that it was given.
func Changed(stored, applied []byte) bool { return !bytes.Equal(stored, applied) }

// none is the metadata of an article without any. It is never written to.
var none = json.RawMessage("{}")

// Show sets the members of a response to the stored details, which may be nil.
func Show(stored []byte, out *openapi.Article) {
	if stored != nil {
		_ = json.Unmarshal(stored, out) // Apply has written them
	}
	if out.Metadata == nil {
		out.Metadata = none
	}
}

// canonical returns a language tag, as JSON, in its canonical form. The member
// may be absent or null.
func canonical(member json.RawMessage) (json.RawMessage, error) {
	var text *string
	if err := json.Unmarshal(member, &text); err != nil || text == nil {
		return member, nil
	}
	tag, err := language.Parse(*text)
	if err != nil || tag == language.Und {
		return nil, problem.InvalidField(languageName, "must be a BCP 47 language tag, such as en or pt-BR").WithCause(err)
	}
	return jsontext.AppendQuote(nil, tag.String())
}

// checkCover checks what a patch alone cannot say: whether the merged cover has
// the members that it needs.
func checkCover(value jsontext.Value) error {
	if value == nil {
		return nil
	}
	cover, missing := parse(value), problem.Fields{}
	for _, name := range []string{"url", "alt"} {
		if cover.get(name) == nil {
			missing.Add(name, problem.Blank)
		}
	}
	if len(missing) > 0 {
		return problem.Invalid(missing)
	}
	return nil
}

func checkMetadata(value jsontext.Value) error {
	if len(value) > maxBytes {
		return tooLarge()
	}
	members := parse(value)
	if len(members.index) > maxMembers {
		return problem.InvalidField(metadata, fmt.Sprintf("has too many members (maximum is %d)", maxMembers))
	}
	for name := range members.index {
		if n := utf8.RuneCountInString(name); n == 0 || n > maxName {
			return problem.InvalidField(metadata, fmt.Sprintf("has a member whose name is empty or too long (maximum is %d characters)", maxName))
		}
	}
	return nil
}

func tooLarge() *problem.Error {
	return problem.InvalidField(metadata, fmt.Sprintf("is too large (maximum is %d bytes)", maxBytes))
}
