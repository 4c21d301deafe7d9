package seed

// Placeholders: {t} the article's topic, {o} another topic, {p} people, {j} an
// adjective, {n} a noun, {g} a gerund, {d} a number.

var descriptions = []string{
	"A {j} look at {t}, and what {p} can take from it.", "Why {g} is the best thing I did for {t} this year.",
	"Everything I wish I had known about {t} before the first {j} {n}.", "On {t}, {o} and the {n} between them.",
	"{d} weeks of {t}: what held up and what did not.", "A short, {j} introduction for {p}.",
	"The {n} that changed how I think about {t}.", "Some {j} advice that took me {d} attempts to learn.",
	"From {o} to {t} by way of a {j} {n}.", "What happened when we tried {g}.",
}

var headings = []string{
	"Where it starts", "The {j} part", "What we tried", "A {j} {n}", "Why {g} helps", "What the numbers say", "Counting the cost",
	"The other side", "What {p} notice", "In practice", "Before you begin", "A detour through {o}", "What I would do again",
	"Two {j} rules", "The {n} nobody mentions", "Looking back", "Open questions", "Next steps",
}

var sentences = []string{
	"Most {p} meet {t} through a {j} {n}, and never look further.",
	"I came to {t} late, after {d} years of {o}, and with the wrong expectations.",
	"The first thing to know is that {g} costs less than it seems.",
	"A {j} {n} is worth more than {d} good intentions.",
	"There is a {j} argument against all this, and it deserves an answer.",
	"When we looked at the last {d} cases, only a handful had the {n} we expected.",
	"Nobody warned us about the {n}; in hindsight it was the {j} part.",
	"It helps to keep {t} and {o} apart, at least until the first {n} is behind you.",
	"That sounds {j}, but it changes what happens on an ordinary Tuesday.",
	"We settled on {g}, mainly because everything else needed a {j} {n}.",
	"Ask {p} what they remember, and they will tell you about the {n}.",
	"The numbers were {j}: {d} per cent better in the first week, and no worse in the second.",
	"Of course, {g} is not always possible.",
	"What looks like a {j} {n} from outside is often a {j} {n} underneath.",
	"Some of this I learned from {p}, some of it from a {j} afternoon with {o}.",
	"If you take one thing from this, let it be the {n}.",
	"The usual advice is {g}, and the usual advice is fine.",
	"By the end of the month we had {d} pages of notes and one {j} {n}.",
	"It took {d} minutes to set up and the rest of the year to understand.",
	"There was a time when {t} meant a {j} {n} and a lot of patience.",
	"A friend who works on {o} put it better: start with the {n}, then stop.",
	"None of it is new, and that is the {j} thing about it.",
	"You can get surprisingly far with {g}.",
	"Then the {n} broke, as a {j} {n} always does, and we began again.",
	"I still do not know whether {t} was the cause or the {n}.",
	"The difference between a {n} and a {n} is mostly one of {t}.",
	"Try it with {p} first; they will find the {j} corners within {d} minutes.",
	"For a while, {g} was the only rule that everybody kept.",
	"Two things follow from that, one {j} and one less so.",
	"This is where {t} stops being a {n} and becomes a {n}.",
	"In the end it is a {j} trade: a little more work now against a {n} later.",
	"The old way had its merits, and {p} were right to say so.",
	"Every {n} has its season, and {t} is no exception.",
	"I have been wrong about {o} before, so treat this as a {j} guess.",
	"Once the {n} was in place, the {j} questions answered themselves.",
	"We kept the {n} and dropped the rest.",
	"The lesson, if there is one, is that {g} beats a {j} {n}.",
	"Here the story turns to {o}, though not for long.",
	"What surprised me was how {j} the second attempt felt.",
	"On a {j} day that is enough; on the others there is always {g}.",
}

var items = []string{
	"a {j} {n}, kept where {p} can see it", "no more than {d} at a time", "{g}, even when it feels {j}", "one {n} for each {n}",
	"something to say about {o}", "the {j} version first", "a way back when the {n} fails", "**{g}** before anything else",
	"a note for the next {n}", "time for {t}, every week",
}

var quotes = []string{
	"A {j} {n} is the beginning of {t}.", "We did not need a better {n}. We needed {g}.", "Show me your {n} and I know your {t}.",
	"The {j} thing about {t} is the {n}.", "After {d} years I would still begin with {g}.",
}

var links = []string{
	"There is more in the [notes on {o}](https://example.com/notes/{d}), which {p} kindly shared.",
	"The [original {n}](https://example.com/archive/{d}) is still online, and still {j}.",
	"See also [this {j} comparison](https://example.com/compare/{d}) of {t} and {o}.",
	"For the details of {g}, `man {d}` is no help; the [handbook](https://example.com/handbook#{d}) is.",
}

// codes are code blocks. They contain only placeholders for numbers, so that
// the code stays valid.
var codes = []string{
	"```sql\nSELECT id, title\nFROM articles\nWHERE (created_at, id) < ($1, $2)\nORDER BY created_at DESC, id DESC\nLIMIT {d};\n```\n",
	"```go\nfor attempt := range {d} {\n\tif err := try(ctx); err == nil {\n\t\treturn nil\n\t}\n\ttime.Sleep(backoff(attempt))\n}\n```\n",
	"```sh\ncurl -s http://127.0.0.1:8080/api/articles?limit={d} | jq '.articles[].title'\n```\n",
	"```js\nconst recent = articles\n  .filter((a) => a.favoritesCount > {d})\n  .map(({ slug, title }) => ({ slug, title }));\n```\n",
	"```python\ndef mean(values, skip={d}):\n    kept = sorted(values)[skip:]\n    return sum(kept) / len(kept) if kept else None\n```\n",
	"```yaml\nretries: {d}\ntimeout: {d}s\nkeep:\n  - drafts\n  - notes\n```\n",
	"```text\nflour   {d}0 g\nwater   3{d} g\nsalt      9 g\n```\n",
}

var remarks = []string{
	"Thank you for this, the part about the {n} was exactly what I needed.", "I am not convinced by the {j} {n}.",
	"Does this also work for {o}?", "We did the same with {p}, and {g} made the difference.", "Saved for later.",
	"This matches my experience with {t}.", "Small correction: it was {d}, not {d}.", "Could you say more about {g}?",
	"I tried it for {d} days and went back to a {j} {n}.", "The best piece on {t} I have read in a while.",
	"Great read!", "As one of the {p} you mention, I feel seen.", "What about {o}, though?", "Came for {t}, stayed for the {n}.",
	"I disagree on one point: a {n} is never {j}.", "Sending this to {p} I know.", "Has anybody measured this?",
	"My {n} is {j} too, it turns out.", "+1 for {g}.", "More of this, please.", "I would add a {n} to the list.",
	"Is there a source for the {d} per cent?", "Reminds me of a talk on {o} from years ago.", "`{g}` should be on a poster.",
}
