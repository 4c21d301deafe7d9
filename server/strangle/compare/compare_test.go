package compare_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/server/strangle/compare"
)

func paths(texts ...string) (parsed []compare.Path) {
	for _, text := range texts {
		parsed = append(parsed, compare.MustPath(text))
	}
	return parsed
}

func body(text string) compare.Response {
	return compare.Response{Status: 200, ContentType: "application/json", Body: []byte(text)}
}

// summary returns differences as "path kind", sorted as they were found.
func summary(differences []compare.Difference) string {
	var lines []string
	for _, d := range differences {
		lines = append(lines, d.Path+" "+string(d.Kind))
	}
	return strings.Join(lines, "; ")
}

func TestCompare(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		rules    compare.Rules
		old, new string
		want     string
	}{
		{"Same", compare.Rules{}, `{"a":[1,{"b":null}]}`, `{"a": [1, {"b": null}]}`, ""},
		{"OrderOfMembers", compare.Rules{}, `{"a":1,"b":2}`, `{"b":2,"a":1}`, ""},
		{"Value", compare.Rules{}, `{"a":"x"}`, `{"a":"y"}`, "$.a value"},
		{"Type", compare.Rules{}, `{"a":"1"}`, `{"a":1}`, "$.a type"},
		{"NullAndFalse", compare.Rules{}, `{"a":null}`, `{"a":false}`, "$.a type"},
		{"NullAndEmpty", compare.Rules{}, `{"a":null}`, `{"a":""}`, "$.a type"},
		{"ObjectAndList", compare.Rules{}, `{"a":{}}`, `{"a":[]}`, "$.a type"},
		{"Missing", compare.Rules{}, `{"a":1}`, `{}`, "$.a missing"},
		{"Added", compare.Rules{}, `{}`, `{"a":1}`, ""},
		{"ReportAdded", compare.Rules{ReportAdded: true}, `{}`, `{"a":1}`, "$.a added"},
		{"AbsentAndNull", compare.Rules{}, `{"a":null}`, `{}`, "$.a missing"},
		{"AbsentIsNull", compare.Rules{AbsentIsNull: true}, `{"a":null,"b":1}`, `{"c":null}`, "$.b missing"},
		{"Deep", compare.Rules{}, `{"articles":[{"slug":"a","author":{"bio":"x"}}]}`, `{"articles":[{"slug":"a","author":{"bio":"y"}}]}`, "$.articles[*].author.bio value"},

		{"DateDigits", compare.Rules{}, `"2024-01-02T03:04:05Z"`, `"2024-01-02T03:04:05.000Z"`, ""},
		{"DateZone", compare.Rules{}, `"2024-01-02T03:04:05.123Z"`, `"2024-01-02T05:04:05.123456+02:00"`, ""},
		{"DateOtherMillisecond", compare.Rules{}, `"2024-01-02T03:04:05.123Z"`, `"2024-01-02T03:04:05.124Z"`, "$ value"},
		{"DateAndText", compare.Rules{}, `"2024-01-02T03:04:05Z"`, `"2024-01-02"`, "$ value"},

		{"NumberForms", compare.Rules{}, `[1,1.50,100]`, `[1.0,1.5,1e2]`, ""},
		{"LargeNumbers", compare.Rules{}, `9007199254740993`, `9007199254740992`, "$ value"},
		{"HugeExponent", compare.Rules{}, `1e999999`, `1e999998`, "$ value"},
		{"Moving", compare.Rules{Moving: paths("$..favoritesCount"), Tolerance: 2}, `{"a":{"favoritesCount":5}}`, `{"a":{"favoritesCount":3}}`, ""},
		{"MovingTooFar", compare.Rules{Moving: paths("$..favoritesCount"), Tolerance: 2}, `{"favoritesCount":5}`, `{"favoritesCount":2}`, "$.favoritesCount value"},
		{"NotMoving", compare.Rules{Tolerance: 2}, `{"favoritesCount":5}`, `{"favoritesCount":4}`, "$.favoritesCount value"},

		{"Tokens", compare.Rules{Tokens: paths("$..token")}, `{"user":{"token":"a.b.c"}}`, `{"user":{"token":"x"}}`, ""},
		{"EmptyToken", compare.Rules{Tokens: paths("$..token")}, `{"user":{"token":"a.b.c"}}`, `{"user":{"token":""}}`, "$.user.token value"},
		{"NullToken", compare.Rules{Tokens: paths("$..token")}, `{"user":{"token":"a"}}`, `{"user":{"token":null}}`, "$.user.token type"},

		{"TagOrder", compare.Rules{}, `{"tagList":["a","b"]}`, `{"tagList":["b","a"]}`, "$.tagList[*] value; $.tagList[*] value"},
		{"TagOrderDeclared", compare.Rules{Unordered: paths("$.tagList")}, `{"tagList":["a","b","b"]}`, `{"tagList":["b","a","b"]}`, ""},
		{"Sets", compare.Rules{Unordered: paths("$.t"), ReportAdded: true}, `{"t":["a","b","b"]}`, `{"t":["b","c"]}`, "$.t[*] missing; $.t[*] missing; $.t[*] added"},
		{"OneMore", compare.Rules{}, `[{"slug":"a"},{"slug":"b","x":1}]`, `[{"slug":"n"},{"slug":"a"},{"slug":"b","x":2}]`, "$[*].x value; $[*] added"},
		{"OneLess", compare.Rules{}, `[{"id":1},{"id":2},{"id":3}]`, `[{"id":1},{"id":3}]`, "$[*] missing"},
		{"Order", compare.Rules{}, `[{"id":1},{"id":2}]`, `[{"id":2},{"id":1}]`, "$ order"},
		{"SameIDs", compare.Rules{}, `[{"id":1,"a":1},{"id":1,"a":2}]`, `[{"id":1,"a":1},{"id":1,"a":3}]`, "$[*].a value"},
		{"ByUsername", compare.Rules{}, `[{"username":"a","bio":"x"}]`, `[{"username":"a","bio":"y"}]`, "$[*].bio value"},
		{"Longer", compare.Rules{}, `[1]`, `[1,2]`, "$[*] added"},
		{"Shorter", compare.Rules{}, `[1,2]`, `[1]`, "$[*] missing"},

		{"Ignore", compare.Rules{Ignore: paths("$.user.image")}, `{"user":{"image":"a","bio":"a"}}`, `{"user":{"image":"b","bio":"b"}}`, "$.user.bio value"},
		{"IgnoreMissing", compare.Rules{Ignore: paths("$.a")}, `{"a":1}`, `{}`, ""},
		{"IgnoreBelow", compare.Rules{Ignore: paths("$.a")}, `{"a":{"b":{"c":1}}}`, `{"a":{"b":{"c":2}}}`, ""},
		{"IgnoreElements", compare.Rules{Ignore: paths("$.a[*].b")}, `{"a":[{"b":1,"c":1}]}`, `{"a":[{"b":2,"c":2}]}`, "$.a[*].c value"},
		{"IgnoreOneElement", compare.Rules{Ignore: paths("$[1]")}, `[1,1]`, `[2,2]`, "$[*] value"},
		{"IgnoreAnywhere", compare.Rules{Ignore: paths("$..image")}, `[{"a":{"image":1}},{"image":1}]`, `[{"a":{"image":2}},{"image":2}]`, ""},
		{"IgnoreAll", compare.Rules{Ignore: paths("$")}, `1`, `2`, ""},

		{"NameLikeData", compare.Rules{}, `{"jake@example.com":1}`, `{"jake@example.com":2}`, "$.* value"},
		{"NotJSON", compare.Rules{}, `<html>`, `{}`, "$ body"},
		{"TwoValues", compare.Rules{}, `1 2`, `1 2`, ""},
		{"Empty", compare.Rules{}, ``, ``, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.want, summary(c.rules.Compare(body(c.old), body(c.new))))
		})
	}
}

// TestCompareHeads checks status, content type and errors.
func TestCompareHeads(t *testing.T) {
	t.Parallel()
	strict, lenient := compare.Rules{ErrorBodies: true}, compare.Rules{}
	response := func(status int, contentType, text string) compare.Response {
		return compare.Response{Status: status, ContentType: contentType, Body: []byte(text)}
	}
	old := response(422, "application/json; charset=utf-8", `{"errors":{"body":["x"]}}`)
	problem := response(422, "application/problem+json", `{"errors":{"body":["y"]}}`)
	require.Empty(t, lenient.Compare(old, problem))
	require.Equal(t, "$ content-type; $.errors.body[*] value", summary(strict.Compare(old, problem)))
	require.Equal(t, "$ status", summary(lenient.Compare(old, response(404, "text/html", "x"))))
	require.Empty(t, strict.Compare(response(200, "application/json", "{}"), response(200, "Application/JSON;charset=UTF-8", "{}")))
	require.Equal(t, "$ content-type", summary(strict.Compare(response(200, "text/html", "{}"), response(200, "", "{}"))))
}

// TestBounds checks that hostile responses cost little.
func TestBounds(t *testing.T) {
	t.Parallel()
	many := func(v string) string { return "[" + strings.Repeat(v+",", 9999) + v + "]" }
	rules := compare.Rules{}
	require.Len(t, rules.Compare(body(many("1")), body(many("2"))), 5)
	members := func(v string) string {
		var text strings.Builder
		for i := range 9999 {
			fmt.Fprintf(&text, `"a%d":%s,`, i, v)
		}
		return "{" + text.String() + `"z":1}`
	}
	require.Len(t, rules.Compare(body(members("1")), body(members("2"))), 500)
	// A member that many elements differ in leaves room for the others.
	list := func(v, count string) string { return `{"articles":` + many(v) + `,"articlesCount":` + count + `}` }
	require.Equal(t, "$.articles[*] value; $.articlesCount value", summary(slices.CompactFunc(rules.Compare(body(list("1", "1")), body(list("2", "2"))), func(a, b compare.Difference) bool { return a.Path == b.Path })))
	unordered := compare.Rules{Unordered: paths("$")}
	require.NotEmpty(t, unordered.Compare(body(many("{}")), body(many("[]"))))
	deep := func(v string) string { return strings.Repeat("[", 5000) + v + strings.Repeat("]", 5000) }
	require.Empty(t, rules.Compare(body(deep("1")), body(deep("2"))), "too deep to be compared")
	worst := compare.Rules{Ignore: paths("$" + strings.Repeat("..a", 60))}
	nested := strings.Repeat(`{"a":`, 190) + "1" + strings.Repeat("}", 190)
	require.Empty(t, worst.Compare(body(nested), body(strings.Replace(nested, "1", "2", 1))))
}

func TestWithout(t *testing.T) {
	t.Parallel()
	rules := compare.Rules{ReportAdded: true}
	differ := func(a, b string) []compare.Difference { return rules.Compare(body(a), body(b)) }
	found := differ(`{"now":1,"views":1,"list":[1],"a":{"b":1},"x":1,"listing":1}`, `{"now":2,"views":2,"list":[1,2],"a":{"b":2},"x":2,"listing":2}`)
	noise := differ(`{"now":1,"list":[],"a":{}}`, `{"now":9,"list":[1],"a":null}`)
	require.Equal(t, "$.listing value; $.views value; $.x value", summary(compare.Without(found, noise)))
	require.Equal(t, found, compare.Without(found, nil))
	bad := compare.Response{Status: 500}
	require.Empty(t, compare.Without(found, rules.Compare(body("1"), bad)), "the old system fails now and then")
	status := rules.Compare(body("1"), bad)
	require.Equal(t, status, compare.Without(status, noise), "noise in a field does not excuse a status")
}

// TestNoiseIsPrecise checks that a value which changes by itself hides neither
// that it is gone nor what stands beside it.
func TestNoiseIsPrecise(t *testing.T) {
	t.Parallel()
	rules := compare.Rules{ReportAdded: true}
	left := func(old, again, new string) string {
		return summary(compare.Without(rules.Compare(body(old), body(new)), rules.Compare(body(old), body(again))))
	}
	require.Equal(t, "$.views missing", left(`{"views":1}`, `{"views":2}`, `{}`))
	require.Equal(t, "$.views type", left(`{"views":1}`, `{"views":2}`, `{"views":"1"}`))
	require.Empty(t, left(`{"views":1}`, `{"views":2}`, `{"views":3}`))
	one, two, wrong := `{"slug":"a","title":"A"}`, `{"slug":"b","title":"B"}`, `{"slug":"b","title":"X"}`
	require.Equal(t, "$[*].title value", left("["+one+","+two+"]", "["+two+","+one+"]", "["+wrong+","+one+"]"))
	require.Empty(t, left("["+one+","+two+"]", "["+two+","+one+"]", "["+two+","+one+"]"))
}

// TestUnorderedObjects checks that the rules hold inside lists without an order.
func TestUnorderedObjects(t *testing.T) {
	t.Parallel()
	rules := compare.Rules{Unordered: paths("$.list"), Ignore: paths("$..image")}
	compared := func(old, new string) string { return summary(rules.Compare(body(old), body(new))) }
	require.Empty(t, compared(`{"list":[{"id":1,"at":"2024-01-02T03:04:05Z"},{"id":2,"image":"a"}]}`, `{"list":[{"id":2,"image":"b"},{"id":1,"at":"2024-01-02T03:04:05.000Z","more":1}]}`))
	require.Empty(t, compared(`{"list":[{"at":"2024-01-02T03:04:05Z"},{"x":2,"image":"a"}]}`, `{"list":[{"x":2.0,"image":"b"},{"at":"2024-01-02T03:04:05.000Z"}]}`))
	require.Equal(t, "$.list[*].at value", compared(`{"list":[{"id":1,"at":1}]}`, `{"list":[{"id":1,"at":2}]}`))
	require.Equal(t, "$.list[*] missing; $.list[*] added", compared(`{"list":[{"x":1}]}`, `{"list":[{"x":2}]}`))
}

func TestPaths(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"$", "$.a", "$.a.b-c_1", "$[*]", "$[0].a", "$.*", "$..a", "$..*", `$["a b"].c`, "$['a.b'][2]"} {
		p, err := compare.ParsePath(text)
		require.NoError(t, err, text)
		require.Equal(t, text, p.String())
	}
	for _, text := range []string{
		"", "a", ".a", "$a", "$.", "$..", "$.a.", "$[", "$[]", "$[-1]", "$[a]", "$[1", "$['a]", `$["a"`, "$.a]", "$...a", "$.a b", "$[99999999999]", "$['']x",
		"$" + strings.Repeat(".a", 61), "$." + strings.Repeat("a", 500),
	} {
		_, err := compare.ParsePath(text)
		require.Error(t, err, text)
	}
	require.ErrorContains(t, new(compare.Path).UnmarshalText([]byte("$.a[x]")), `the path "$.a[x]" is wrong after "$.a": the next step must be`)
}

// FuzzPath checks that every path that is accepted can be used.
func FuzzPath(f *testing.F) {
	for _, text := range []string{"$", "$.a[*]..b['c'][1]", "$..*", "$[", `$["`} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := compare.ParsePath(text)
		if err != nil {
			return
		}
		again, err := compare.ParsePath(p.String())
		require.NoError(t, err)
		require.Equal(t, p, again)
		rules := compare.Rules{Ignore: []compare.Path{p}}
		rules.Compare(body(`{"a":[{"b":{"c":[1,2]}}]}`), body(`{"a":[{"b":{"c":[1,3]}}]}`))
	})
}

// FuzzCompare checks for all bodies: a response equals itself, both directions
// find a difference in the same cases, and noise explains itself.
func FuzzCompare(f *testing.F) {
	for _, text := range []string{`{"a":[{"id":1},{"id":2}]}`, `[1,1.0,"2024-01-02T03:04:05Z"]`, `{"token":"x","tagList":["a"]}`, `nonsense`, ``, `{"a":{}}`, `[{"id":2},{"id":1},{"id":null}]`} {
		f.Add(text, `{"a":[{"id":2},{"id":1}]}`)
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		for _, rules := range []compare.Rules{
			{ReportAdded: true},
			{ReportAdded: true, AbsentIsNull: true, Tokens: paths("$..token"), Unordered: paths("$..tagList"), Moving: paths("$..*"), Tolerance: 1},
		} {
			require.Empty(t, rules.Compare(body(a), body(a)))
			there, back := rules.Compare(body(a), body(b)), rules.Compare(body(b), body(a))
			require.Equal(t, len(there) == 0, len(back) == 0, "%v %v", there, back)
			require.Empty(t, compare.Without(there, there))
			book := compare.NewBook()
			book.Add("GetTags", there, start)
			groups, _ := book.Groups()
			for _, g := range groups {
				for _, s := range g.Samples {
					require.NotEmpty(t, fmt.Sprint(s.Old, s.New))
				}
			}
		}
	})
}
