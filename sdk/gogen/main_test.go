package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// small is a document with one operation, which the tests change.
const small = `
info: {version: 1.2.3}
tags: [{name: notes, description: Notes}]
paths:
  /notes/{id}:
    put:
      x-sdk: notes.change
      deprecated: true
      tags: [notes]
      summary: Change a note
      description: Needs a text.
      security: [{Token: []}]
      x-scope: write
      parameters: [{$ref: '#/components/parameters/Id'}]
      requestBody: {$ref: '#/components/requestBodies/NoteBody'}
      responses:
        '200': {$ref: '#/components/responses/NoteOK'}
        '404': {description: Missing}
components:
  parameters:
    Id: {name: id, in: path, description: The id, schema: {type: integer, format: int64}, example: 7}
  requestBodies:
    NoteBody: {content: {application/json: {schema: {$ref: '#/components/schemas/NoteChangeRequest'}, example: {note: {text: null, words: [a, b]}}}}}
  responses:
    NoteOK: {content: {application/json: {schema: {$ref: '#/components/schemas/NoteResponse'}, example: {note: {htmlUrl: x, at: null, kind: long-one}}}}}
  schemas:
    NoteChangeRequest: {type: object, properties: {note: {$ref: '#/components/schemas/NoteChange'}}}
    NoteChange:
      type: object
      properties:
        text: {type: string, nullable: true, description: The text}
        words: {type: array, items: {type: string}}
    NoteResponse: {type: object, properties: {note: {$ref: '#/components/schemas/Note'}}}
    Note:
      type: object
      description: A note
      required: [htmlUrl, at, kind]
      properties:
        htmlUrl: {type: string, x-secret: true}
        at: {type: string, format: date-time, nullable: true}
        kind: {type: string, enum: [short, long-one]}
        more: {type: boolean}
        open: {type: boolean, default: true}
        origin: {allOf: [{$ref: '#/components/schemas/Origin'}], nullable: true, description: Where it came from}
    Origin: {type: object, required: [name], properties: {name: {type: string}}}
    ProblemCode: {type: string, enum: [not_found]}
`

func generated(t *testing.T, text string) (string, error) {
	path := filepath.Join(t.TempDir(), "openapi.yaml")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	doc, err := load(path)
	require.NoError(t, err)
	files, err := generate(doc)
	all := ""
	for _, file := range files {
		all += string(file)
	}
	return strings.Join(strings.Fields(all), " "), err
}

func TestGenerate(t *testing.T) {
	all, err := generated(t, small)
	require.NoError(t, err)
	for _, want := range []string{
		`const Version = "1.2.3"`,
		`// Notes. Notes *NotesService`,
		`// Change changes a note. // // Needs a text. // // It sends PUT /notes/{id}, and needs a token with the scope write. // // Deprecated: the API will lose this operation.`,
		`func (s *NotesService) Change(ctx context.Context, id int64, note NoteChange, options ...CallOption) (*Note, error) {`,
		`arguments: []any{id},`, `body: map[string]any{"note": note},`,
		"type NoteChange struct { // The text. Text Nullable[string] `json:\"text,omitzero\"` Words []string `json:\"words,omitzero\"` }",
		"// Note is a note. type Note struct { HTMLURL string `json:\"htmlUrl\"` At *time.Time `json:\"at\"` Kind NoteKind `json:\"kind\"` More bool `json:\"more,omitempty\"` Open *bool `json:\"open,omitempty\"` // Where it came from. Origin *Origin `json:\"origin,omitempty\"` }",
		`NoteKindLongOne NoteKind = "long-one"`, `v.HTMLURL = hide(v.HTMLURL)`,
		`CodeNotFound Code = "not_found"`,
		`note, err := c.Notes.Change(ctx, 7, byline.NoteChange{ Text: byline.Null[string](), Words: []string{"a", "b"}, })`,
		`fmt.Println(note.Kind) // Output: long-one`,
		`"PUT /notes/7": {` + "`" + `{"note":{"text":null,"words":["a","b"]}}` + "`, 200,",
	} {
		require.Contains(t, all, want)
	}
	require.NotContains(t, all, "NoteResponse")
}

// TestBooleanParameters checks that absent is told from false only where the two
// differ.
func TestBooleanParameters(t *testing.T) {
	query := `parameters: [{$ref: '#/components/parameters/Id'}, {name: counts, in: query, schema: {type: boolean, default: false}}, {name: open, in: query, schema: {type: boolean}}]`
	all, err := generated(t, strings.Replace(small, "parameters: [{$ref: '#/components/parameters/Id'}]", query, 1))
	require.NoError(t, err)
	require.Contains(t, all, `type NotesChangeParams struct { // Counts bool // Open *bool }`)
	require.Contains(t, all, `if p.Counts { q.Set("counts", "true") } if p.Open != nil { q.Set("open", strconv.FormatBool(*p.Open)) }`)
}

// TestDocument checks that the SDK can be generated from openapi.yaml, and that
// it has the version of the document.
func TestDocument(t *testing.T) {
	doc, err := load("../../openapi.yaml")
	require.NoError(t, err)
	_, err = generate(doc)
	require.NoError(t, err, "openapi.yaml")
	client, err := os.ReadFile("../go/client.gen.go")
	require.NoError(t, err)
	require.Contains(t, string(client), `const Version = "`+doc.Info.Version+`"`, "run make sdk")
}

func TestGenerateRefuses(t *testing.T) {
	for _, c := range []struct{ from, to, says string }{
		{"x-sdk: notes.change", "x-sdk: notes", "PUT /notes/{id}: x-sdk must be resource.method"},
		{", example: {note: {htmlUrl: x, at: null, kind: long-one}}", "", "PUT /notes/{id}: the response has no example"},
		{", example: 7", "", "PUT /notes/{id}: parameter id: int64 has no example"},
		{"more: {type: boolean}", "more: {oneOf: [{type: string}]}", "NoteMore: sdk/gogen does not know oneOf"},
		{"more: {type: boolean}", "more: {type: object}", "NoteMore: sdk/gogen does not know the type"},
		{"more: {type: boolean}", "more: {$ref: '#/components/schemas/Gone'}", "there is no schema Gone"},
		{"enum: [short, long-one]", "enum: [short, long-one], x-enum-varnames: [Short]", "NoteKind: x-enum-varnames must have a name for each value"},
	} {
		_, err := generated(t, strings.Replace(small, c.from, c.to, 1))
		require.ErrorContains(t, err, c.says)
	}
}

func TestNames(t *testing.T) {
	for name, want := range map[string]string{
		"apiKeys": "APIKeys", "user.role_changed": "UserRoleChanged", "-createdAt": "CreatedAt", "bodyHtml": "BodyHTML", "NewApiKey": "NewAPIKey",
	} {
		require.Equal(t, want, exported(name))
	}
	require.Equal(t, "apiKey", local("APIKey"))
	require.Equal(t, "type_", local("type"))
	for summary, want := range map[string]string{
		"Publish an article": "publishes an article", "Verify an address": "verifies an address", "Get it": "gets it", "Suspend": "suspends",
	} {
		require.Equal(t, want, thirdPerson(summary))
	}
}
