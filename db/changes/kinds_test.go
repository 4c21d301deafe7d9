package changes

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/db"
	"github.com/byline-api/byline/db/dbtest"
)

// constants returns the names of the constants of type Kind in key.go.
func constants(t *testing.T) map[Kind]string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "key.go", nil, 0)
	require.NoError(t, err)
	names := map[Kind]string{}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || spec.Type == nil || spec.Type.(*ast.Ident).Name != "Kind" {
			return true
		}
		letter, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		require.NoError(t, err)
		require.Len(t, letter, 1)
		require.NotContains(t, names, Kind(letter[0]), "db/changes/key.go: %s has the letter of another kind", spec.Names[0])
		names[Kind(letter[0])] = spec.Names[0].Name
		return true
	})
	return names
}

var (
	inserts  = regexp.MustCompile(`(?s)INSERT INTO (?:cache_)?changes\b[^;]*`)
	compared = regexp.MustCompile(`TG_OP\s*=\s*'\w+'`) // these literals are not keys
	literals = regexp.MustCompile(`'([^']*)'`)
)

// letters returns the first letters of the keys in the INSERTs of a function.
func letters(body string) (all []byte) {
	for _, insert := range inserts.FindAllString(body, -1) {
		for _, literal := range literals.FindAllStringSubmatch(compared.ReplaceAllString(insert, ""), -1) {
			for key := range strings.SplitSeq(strings.Trim(literal[1], "{}"), ",") {
				if key != "" {
					all = append(all, key[0])
				}
			}
		}
	}
	return all
}

// written returns the kinds that the functions of the database can write, each
// with the functions and triggers that write it.
func written(t *testing.T, d *db.DB) map[Kind][]string {
	t.Helper()
	type function struct {
		Name, Body string
		Triggers   []string // "name(argument)"
	}
	rows, err := d.Query(t.Context(), `
		SELECT proname::text AS name, prosrc AS body, ARRAY(
			SELECT tgname || '(' || encode(substring(tgargs FROM 1 FOR position('\000'::bytea IN tgargs) - 1), 'escape') || ')'
			FROM pg_trigger WHERE tgfoid = p.oid AND tgnargs > 0) AS triggers
		FROM pg_proc p WHERE pronamespace = 'public'::regnamespace`)
	require.NoError(t, err)
	functions, err := pgx.CollectRows(rows, pgx.RowToStructByName[function])
	require.NoError(t, err)
	all := map[Kind][]string{}
	for _, f := range functions {
		for _, letter := range letters(f.Body) {
			all[Kind(letter)] = append(all[Kind(letter)], "the function "+f.Name)
		}
		if !slices.ContainsFunc(inserts.FindAllString(f.Body, -1), func(s string) bool { return strings.Contains(s, "TG_ARGV[0]") }) {
			continue
		}
		for _, trigger := range f.Triggers {
			name, argument, _ := strings.Cut(strings.TrimSuffix(trigger, ")"), "(")
			all[Kind(argument[0])] = append(all[Kind(argument[0])], "the trigger "+name+" of the function "+f.Name)
		}
	}
	return all
}

// compare returns the differences between the kinds in key.go and those in the
// database.
func compare(known map[Kind]string, written map[Kind][]string) (differences []string) {
	for kind, by := range written {
		if known[kind] == "" {
			differences = append(differences, fmt.Sprintf("%s writes keys of the kind %q, which db/changes/key.go does not have", by[0], kind))
		}
	}
	for kind, name := range known {
		if written[kind] == nil && kind != KindEverything { // programs write it, see Write
			differences = append(differences, fmt.Sprintf("db/changes/key.go has %s = %q, which no function or trigger of db/migrations writes", name, kind))
		}
	}
	slices.Sort(differences)
	return differences
}

// TestKinds compares the constants with what the triggers can write.
func TestKinds(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t)
	known := constants(t)
	require.Empty(t, compare(known, written(t, d)))

	// The check must find differences on either side.
	for _, statement := range []string{
		`CREATE FUNCTION note_x() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
			INSERT INTO changes (keys) SELECT array_agg('x' || id) FROM changed WHERE TG_OP = 'UPDATE'; RETURN NULL; END $$`,
		`CREATE FUNCTION note_yz() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
			INSERT INTO changes (keys) VALUES ('{y,z}'); RETURN NULL; END $$`,
		`CREATE TRIGGER comments_note AFTER DELETE ON comments FOR EACH ROW EXECUTE FUNCTION note_row('w', 'more')`,
		`DROP TRIGGER api_keys_delete_note ON api_keys`,
	} {
		_, err := d.Exec(t.Context(), statement)
		require.NoError(t, err)
	}
	require.Equal(t, []string{
		`db/changes/key.go has KindAPIKey = 'k', which no function or trigger of db/migrations writes`,
		`the function note_x writes keys of the kind 'x', which db/changes/key.go does not have`,
		`the function note_yz writes keys of the kind 'y', which db/changes/key.go does not have`,
		`the function note_yz writes keys of the kind 'z', which db/changes/key.go does not have`,
		`the trigger comments_note of the function note_row writes keys of the kind 'w', which db/changes/key.go does not have`,
	}, compare(known, written(t, d)))
}
