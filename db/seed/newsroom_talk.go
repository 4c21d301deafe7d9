package seed

// line is a comment of a thread: by the author of the article if reader is 0,
// else by one of the readers of the thread. answers is the line that it
// answers, counted from 1, or 0.
type line struct {
	answers, reader int
	text            string
}

// threads are conversations about pieces, by their titles after all edits.
var threads = []struct {
	title string
	lines []line
}{
	{"Measure before you index", []line{
		{0, 1, "Does pg_stat_statements cost anything when it is always on?"},
		{1, 0, "A little memory. We could not measure the rest, and it has paid for itself every month."},
		{2, 1, "Thank you, switched it on this morning. The winner was a count nobody looks at."},
		{3, 2, "It is always a count."},
		{0, 3, "\"Read the plan aloud\" is going on our wall."},
		{5, 0, "It works best with a colleague who interrupts."},
	}},
	{"An index is a promise", []line{
		{0, 1, "What about indexes that only serve a constraint?"},
		{1, 0, "Those are promises to somebody else. Keep them."},
		{2, 1, "And a unique index that is never scanned?"},
		{3, 0, "Still kept: it is scanned at each insert, the counters just do not say so."},
		{4, 2, "They do: idx_scan counts reads, not checks."},
		{5, 0, "Right, that is what I should have written."},
		{6, 1, "So idx_scan = 0 alone is no reason to drop one."},
		{7, 3, "This thread should be an appendix to the article."},
		{0, 4, "We dropped eleven after reading this. So far nobody has called."},
	}},
	{"A letter from the reading room", []line{
		{0, 1, "I think I am one of the eleven. Chair four, by the atlases."},
		{1, 0, "Then you still have our ruler."},
		{2, 1, "Tomorrow, I promise."},
		{0, 2, "What happened to the man in the blue coat?"},
		{4, 3, "Please do not tell us. Not knowing is better."},
		{5, 2, "I disagree, but only a little."},
		{0, 4, "I read this to my grandmother, who spent thirty years at such a desk. She asked for a copy."},
	}},
	{"Breakfast in the dining car", []line{
		{0, 1, "Which line is this? I would like to have that omelette."},
		{1, 0, "The morning train over the pass, only until the end of October."},
		{2, 2, "They took the car off last week, sadly. There is a trolley now."},
		{3, 0, "That is sad news. I will add a note."},
	}},
	{"Across the Alps without a plan", []line{
		{0, 1, "It is fourteen minutes at the summit, not eleven: the crew changes there. I drove that line for twenty years."},
		{1, 0, "We will correct it, thank you. May I ask why everybody gets out?"},
		{2, 1, "Because the crew does."},
	}},
	{"What the conductor said", []line{
		{0, 1, "\"It is always dark.\" I have been thinking about this all day."},
		{1, 2, "So have I."},
	}},
}

// answers are replies to comments that begin with a remark: by the author of
// the article, and then by the user who had commented, if second is not empty.
var answers = map[string]struct{ first, second string }{
	"Does this also work for {o}?":                        {"I have not tried it. If you do, please write about it.", ""},
	"Small correction: it was {d}, not {d}.":              {"You are right, and I have changed the sentence.", "That was quick!"},
	"Could you say more about {g}?":                       {"It deserves an article of its own. Next month, I hope.", "I look forward to it."},
	"Has anybody measured this?":                          {"Not that I know. It is on my list, right after {g}.", ""},
	"Is there a source for the {d} per cent?":             {"Our own notes, I am afraid. I will put them online.", "That would help, thank you."},
	"I disagree on one point: a {n} is never {j}.":        {"Then you have not seen mine.", "Fair enough."},
	"I am not convinced by the {j} {n}.":                  {"Neither was I, for the first month. What would convince you?", "A second example."},
	"What about {o}, though?":                             {"That would be a different article. Would you like to write it?", "Do not tempt me."},
	"The best piece on {t} I have read in a while.":       {"Thank you, that is good to hear.", ""},
	"I tried it for {d} days and went back to a {j} {n}.": {"What made you go back?", "Mostly habit, to be honest."},
}

// corrections are added to articles after their publication.
var corrections = []string{
	"*Correction: an earlier version of this article said {d} days. It was {d}.*\n",
	"*Update: several readers have asked about {o}. We hope to write about it soon.*\n",
	"*Correction: a date was wrong by a year. We thank the reader who told us.*\n",
	"*Clarification: the figures are those of last year. Those of this year are not complete yet.*\n",
	"*Update: since this was published, {p} have told us that {g} worked for them too.*\n",
}

// tagDescriptions are those of the first tags.
var tagDescriptions = []string{
	"The language and its tools: releases, idioms, and what we learned in production.",
	"Queries, indexes and operations of the database that most of us use.",
	"On drafts, editing, and finding out what one thinks.",
	"Journeys, mostly slow ones, with times and prices where they help.",
	"Recipes that were cooked at least three times before we print them.",
	"Things and pages that work, and why.",
}

const rude = "Did anybody read this before it was published? My cat writes better, and she is dead."

// reportedComments are comments on the article of a day. Days count back from
// the end.
var reportedComments = []struct {
	article, day float64
	text         string
}{
	{14, 5, "Earn 300 a day from home with my secret spreadsheet!!! The link is in my profile."},
	{8, 2.4, "Great article. My secret spreadsheet made me 300 a day, write to me and I send it."},
	{6, 1.7, rude},
}

// reported is something that users have reported, with their reasons.
type reported struct {
	kind    string
	comment int     // of reportedComments
	article float64 // its day
	day     float64 // of the first report
	reasons []string

	action, note string // what a moderator has decided, if anything
}

// reportedItems are in the order in which they were first reported.
var reportedItems = []reported{
	{kind: "article", article: 30, day: 11, reasons: []string{"I do not agree with a single word of this."}, action: "dismiss", note: "Disagreement belongs in the comments."},
	{kind: "comment", comment: 0, day: 4.8, reasons: []string{"Advertising.", "The same text is under three other articles.", "Spam"}, action: "hide", note: "Advertising."},
	{kind: "article", article: 9, day: 3, reasons: []string{"The second section is copied from my own site, without a link.", "Parts of this were published elsewhere last year."}},
	{kind: "comment", comment: 1, day: 2.2, reasons: []string{"The spreadsheet again.", "Spam, second time this week."}},
	{kind: "comment", comment: 2, day: 1.5, reasons: []string{"This is an insult, not an opinion."}},
	{kind: "profile", day: 0.9, reasons: []string{"This account posts nothing but advertising."}},
}

// workingCopies are changes of pieces that are not published yet.
var workingCopies = []struct {
	title, status string
	edit          edit
}{
	{"Measure before you index", draft, edit{1.4, engineer, "", "## What it costs\n\nWe left pg_stat_statements on for a year. [Add the figures.]\n"}},
	{"Breakfast in the dining car", review, edit{12, traveller, "", "*Update: the dining car no longer runs on this line. There is a trolley, and the coffee has not improved.*\n"}},
	{"A letter from the reading room", draft, edit{0.5, deskEditor, "the same eleven people sit in the same eleven chairs", "the same eleven people sit on the same eleven chairs"}},
}
