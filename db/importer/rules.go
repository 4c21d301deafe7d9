package importer

import (
	"fmt"
	"slices"
	"strings"

	"github.com/byline-api/byline/db/importer/source"
)

// Code names a case: something that the old system allowed, and that this
// service refuses or stores otherwise.
type Code string

// The cases. Rules has what can be done about each.
const (
	EmailTaken      Code = "email-taken"
	EmailInvalid    Code = "email-invalid"
	UsernameTaken   Code = "username-taken"
	UsernameInvalid Code = "username-invalid"
	PasswordUnknown Code = "password-unknown"
	RoleUnknown     Code = "role-unknown"

	AuthorMissing  Code = "author-missing"
	SlugTaken      Code = "slug-taken"
	SlugInvalid    Code = "slug-invalid"
	TitleEmpty     Code = "title-empty"
	TagInvalid     Code = "tag-invalid"
	TagSame        Code = "tag-same"
	MemberInvalid  Code = "member-invalid"
	ArticleMissing Code = "article-missing"
	ParentMissing  Code = "parent-missing"
	ParentWrong    Code = "parent-wrong"
	ThreadDeep     Code = "thread-deep"
	IDTaken        Code = "id-taken"
	UserMissing    Code = "user-missing"
	Duplicate      Code = "duplicate"
	Self           Code = "self"

	TextInvalid Code = "text-invalid"
	TextLong    Code = "text-long"
	DateFuture  Code = "date-future"
	DateMissing Code = "date-missing"
	DateOrder   Code = "date-order"
)

// Action is what an import does about a case.
type Action string

// The actions. Each rule has some of them.
const (
	Skip        Action = "skip"        // leaves the row out
	Placeholder Action = "placeholder" // stores an address that receives no mail
	Rename      Action = "rename"      // stores another name
	Account     Action = "account"     // gives the row to an account for such rows
	Repair      Action = "repair"      // stores the nearest text or time that is accepted
	Keep        Action = "keep"        // stores the row as it is
)

// Rule is what can happen to rows of some kinds.
type Rule struct {
	Code  Code
	Kinds []source.Kind
	// Actions can be chosen; the first one is the default.
	Actions []Action
	// Means explains the case, and Remedy says what the operator can do.
	Means, Remedy string
}

var (
	users    = []source.Kind{source.Users}
	articles = []source.Kind{source.Articles}
	comments = []source.Kind{source.Comments}
	texts    = []source.Kind{source.Users, source.Articles, source.Comments}
	pairs    = []source.Kind{source.Favorites, source.Follows}
)

// Rules are all rules, in the order of the report. A test checks that each has
// a fixture.
var Rules = []Rule{
	{EmailTaken, users, []Action{Placeholder, Skip},
		"Another account has the e-mail address, perhaps in another letter case.",
		"Ask the user for another address and set it in Byline, or merge the two accounts in the old system and import again. The account keeps its password, and old tokens are valid."},
	{EmailInvalid, users, []Action{Placeholder, Skip},
		"The e-mail address is missing or not one.",
		"Correct the address in the old system and import again, or set it in Byline. Until then, the user cannot sign in with it."},
	{UsernameTaken, users, []Action{Rename, Skip},
		"Another account has the name, or one that looks the same.",
		"Tell the user the new name. Links to the profile with the old name lead to the other account."},
	{UsernameInvalid, users, []Action{Rename, Skip},
		"The name is empty, too long, or has characters that nobody sees or that cannot be in an address.",
		"Tell the user the new name; it can be changed in Byline."},
	{PasswordUnknown, users, []Action{Keep},
		"The password hash is missing, or of a kind that Byline does not verify.",
		"The user sets a new password by \"forgotten password\"."},
	{RoleUnknown, users, []Action{Repair},
		"The role is none of Byline's.",
		"The account is an author. Give it another role with byline admin."},

	{AuthorMissing, []source.Kind{source.Articles, source.Comments}, []Action{Account, Skip},
		"The author does not exist, or was deleted in Byline.",
		"The rows belong to the account former-member; --rule orphans=NAME gives it another name before the first run. A run that finds the author gives them back. Give articles to somebody else with PUT /articles/{slug} and author, as an editor."},
	{SlugTaken, articles, []Action{Rename, Skip},
		"Another article has or had the slug.",
		"Change links to the article, or rename the other article first."},
	{SlugInvalid, articles, []Action{Rename, Skip},
		"The slug is empty or too long, has a slash or characters that nobody sees, or is a path of the API.",
		"Change links to the article."},
	{TitleEmpty, articles, []Action{Repair, Skip},
		"The title is empty.",
		"The slug is the title. Change it in Byline."},
	{TagInvalid, articles, []Action{Skip},
		"The tag is empty or has characters that nobody sees. Only the tag is left out.",
		"Add another tag to the article if it needs one."},
	{TagSame, articles, []Action{Repair},
		"The tag is another tag but for letter case, width or spaces, and Byline shows both as one.",
		"Nothing. An editor can rename the tag."},
	{MemberInvalid, articles, []Action{Skip},
		"The language, cover, canonical address or metadata is not one. Only that member is left out.",
		"Set it in Byline."},
	{ArticleMissing, []source.Kind{source.Comments, source.Favorites}, []Action{Skip},
		"The article does not exist, or was deleted in Byline.",
		"Nothing: the old system does not show such rows either."},
	{ParentMissing, comments, []Action{Repair, Skip},
		"The comment that this one answers does not exist, or was deleted in Byline.",
		"The comment stands on its own."},
	{ParentWrong, comments, []Action{Repair, Skip},
		"The comment that this one answers belongs to another article, or is an answer to this one.",
		"The comment stands on its own."},
	{ThreadDeep, comments, []Action{Repair},
		"The comment answers one that is eight levels deep, which is as deep as a thread can be.",
		"Nothing: it answers the comment above that one, and stands below it."},
	{IDTaken, comments, []Action{Rename},
		"Another comment has the id, or the id is not a number that Byline can store.",
		"The comment has another id. Only clients that have stored the old one notice."},
	{UserMissing, pairs, []Action{Skip},
		"The user does not exist, or was deleted in Byline.",
		"Nothing: the old system does not show such rows either."},
	{Duplicate, pairs, []Action{Skip},
		"The same row is there twice.",
		"Nothing: it is stored once."},
	{Self, []source.Kind{source.Follows}, []Action{Skip},
		"A user follows their own account.",
		"Nothing."},

	{TextInvalid, texts, []Action{Repair, Skip},
		"The text has a NUL character or is not UTF-8.",
		"NUL characters are removed, and bytes that are not UTF-8 are shown as �."},
	{TextLong, texts, []Action{Keep, Repair, Skip},
		"The text is longer than the API accepts.",
		"It is stored and shown, but has to be shortened when it is edited. The action repair cuts it."},
	{DateFuture, texts, []Action{Repair, Keep},
		"The time is in the future.",
		"The time of the import is stored. With keep, the row stays on top of lists until then. If all new rows have this case, their times are of another zone than UTC: repeat the import with --time-zone."},
	{DateMissing, []source.Kind{source.Articles, source.Comments}, []Action{Repair},
		"The time of creation is missing.",
		"The time of the last change is stored, or that of the import."},
	{DateOrder, texts, []Action{Repair},
		"The last change was before the creation.",
		"The time of creation is stored for both."},
}

// Settings choose what happens in which case. The zero value has the defaults.
type Settings struct {
	// Actions has the chosen action of a case.
	Actions map[Code]Action
	// Orphans is the name of the account that gets articles and comments without
	// an author.
	Orphans string
}

// DefaultOrphans is the name of the account for rows without an author.
const DefaultOrphans = "former-member"

// ParseSettings reads the section rules of a mapping file: a name for each case.
func ParseSettings(rules map[string]string) (Settings, error) {
	s := Settings{Actions: map[Code]Action{}}
	for name, value := range rules {
		if name == "orphans" {
			s.Orphans = value
			continue
		}
		i := slices.IndexFunc(Rules, func(r Rule) bool { return string(r.Code) == name })
		if i < 0 {
			return s, fmt.Errorf("rules: there is no rule %q; the rules are %s", name, list(Rules, func(r Rule) string { return string(r.Code) }))
		}
		if !slices.Contains(Rules[i].Actions, Action(value)) {
			return s, fmt.Errorf("rules: %s cannot be %q, but %s", name, value, list(Rules[i].Actions, func(a Action) string { return string(a) }))
		}
		s.Actions[Code(name)] = Action(value)
	}
	return s, nil
}

func list[T any](all []T, name func(T) string) string {
	names := make([]string, len(all))
	for i, v := range all {
		names[i] = name(v)
	}
	return strings.Join(names, ", ")
}

// action returns what to do in a case.
func (s Settings) action(code Code) Action {
	if a, ok := s.Actions[code]; ok {
		return a
	}
	return RuleOf(code).Actions[0]
}

// RuleOf returns the rule of a case, and one without texts for a case that only
// another version knows.
func RuleOf(code Code) Rule {
	for _, r := range Rules {
		if r.Code == code {
			return r
		}
	}
	return Rule{Code: code}
}

// Case is a line of the report.
type Case struct {
	Kind source.Kind `json:"kind"`
	Key  string      `json:"key"`
	Code Code        `json:"code"`
	// Field is the member concerned, or "".
	Field  string `json:"field,omitempty"`
	Action Action `json:"action"`
	// Stored is what Byline has instead, if it is short and not personal, and
	// Other the key of another row that is concerned.
	Stored string `json:"stored,omitempty"`
	Other  string `json:"other,omitempty"`
}
