package seed

// The members of the newsroom, by their number. They are among the oldest
// accounts, which write most.
const (
	chiefEditor = 2
	deskEditor  = 3
	moderator   = 4
	engineer    = 5
	traveller   = 6
	librarian   = 7
	translator  = 8
	gardener    = 9
)

// member describes a member of the newsroom.
type member struct{ role, bio string }

var members = map[int]member{
	chiefEditor: {"editor", "Edits this magazine. Write to the desk before you write the article."},
	deskEditor:  {"editor", "Desk editor. Shortens things."},
	moderator:   {"moderator", "Looks after the comments, and once after two million photographs."},
	engineer:    {"author", "Runs one PostgreSQL and would like to keep it that way."},
	traveller:   {"author", "Takes the slow train and the seat on the right."},
	librarian:   {"author", "Librarian. Leaves the light on."},
	translator:  {"author", "Translates from English into German and Spanish, and sometimes back."},
	gardener:    {"author", "Grows food on two square metres."},
}

// piece is an article of the newsroom as its author first wrote it.
type piece struct {
	author             int
	status             string
	title, description string
	body               string
	tags               []int // indexes of tagNames

	// In days before the end of the data set; below 0 is after it. published
	// is also the time of a scheduled article.
	written, published float64

	edits    []edit
	language string
	series   int // index of seriesList plus 1
	part     int
	group    int // the pieces of a group, above 0, are translations
}

// edit replaces a text in the title, description and body of a piece. An empty
// from adds a paragraph to the body. An edit before the publication is one of
// the draft; later ones are corrections.
type edit struct {
	day      float64
	by       int
	from, to string
}

const (
	draft     = "draft"
	review    = "review"
	scheduled = "scheduled"
	published = "published"
)

var seriesList = []struct{ title, description string }{
	{"Keeping a small database fast", "Four parts for people who run one PostgreSQL and would like to keep it that way."},
	{"Slow trains", "Three journeys for which the aeroplane would have been quicker."},
}

// pieces are in the order in which they were written.
var pieces = []piece{
	{
		author: traveller, status: published, series: 2, part: 1, tags: []int{3, 50}, written: 96, published: 91,
		title:       "Across the Alps without a plan",
		description: "Nine hours, four changes, and the best window seat in Europe.",
		body: `The fast train takes three and a half hours and spends most of them in a tunnel. The slow one takes nine, changes four times and goes over the top.

I bought the ticket at the counter, because the website refused to believe that anybody wanted it. "You know there is a quicker one," said the man behind the glass. Then he looked at the queue behind me, lowered his voice and told me to sit on the right.

## Sit on the right

He was correct. For an hour there is nothing but orchards. Then the valley closes, the line begins to turn on itself, and you see the church you passed ten minutes ago, first beside you, then below you, then very small.

At the summit the train waits for eleven minutes. Nobody knows why. Everybody gets out.
`,
		edits: []edit{
			{92, chiefEditor, "Nine hours, four changes, and the best window seat in Europe.", "Nine hours, four changes and one very good window seat."},
			{89.9, traveller, "waits for eleven minutes", "waits for fourteen minutes"},
			{89.8, traveller, "", "*Correction: an earlier version of this article said that the train waits for eleven minutes at the summit. A reader who has driven it for twenty years says fourteen.*\n"},
		},
	},
	{
		author: engineer, status: published, series: 1, part: 1, tags: []int{1, 14, 20}, written: 62, published: 60,
		title:       "Measure before you index",
		description: "The first hour with a slow query belongs to EXPLAIN, not to CREATE INDEX.",
		body: "A slow page is a symptom. Before you add an index, find out which statement is slow, how often it runs and what it waits for.\n\n" +
			"```sql\nSELECT calls, mean_exec_time, rows, query\nFROM pg_stat_statements\nORDER BY total_exec_time DESC\nLIMIT 10;\n```\n\n" +
			"Order by the total, not by the mean. A report that takes four seconds once a night harms nobody. A look-up of two milliseconds that runs nine times for each page does.\n\n" +
			"## Read the plan aloud\n\nRun `EXPLAIN (ANALYZE, BUFFERS)` and say in one sentence what the database did. If you cannot, read it again. Most of the time the sentence ends in \"and then it threw away 98 per cent of the rows\", and you know what to do.\n",
		edits: []edit{
			{59, engineer, "Run `EXPLAIN (ANALYZE, BUFFERS)`", "Run `EXPLAIN (ANALYZE, BUFFERS)`, on a copy of the real data,"},
		},
	},
	{
		author: engineer, status: published, series: 1, part: 2, tags: []int{1, 14, 20}, written: 49, published: 46,
		title:       "An index is a promise",
		description: "Every write keeps it, whether or not a read ever asks.",
		body: `An index is the promise to keep something sorted for ever. It is kept at every insert, at every update that touches it, and at every vacuum. Reads are free to ignore it.

So ask three questions before you make one. Which statement will use it? How many rows does that statement need? How often are these rows written?

## The one that we dropped

We had an index on ` + "`status`" + `. It had four values, and nine rows in ten had the same one. The planner never touched it. Dropping it made the nightly import a fifth faster, and nobody noticed anything else.

A partial index on the rows that matter, ` + "`WHERE status <> 'done'`" + `, was a hundredth of the size and was used every second.
`,
		edits: []edit{
			{47, chiefEditor, "So ask three questions", "Ask three questions"},
			{45, engineer, "a fifth faster", "a sixth faster"},
		},
	},
	{
		author: librarian, status: published, tags: []int{8, 2}, language: "en", group: 1, written: 40, published: 36,
		title:       "Notes from the reading room",
		description: "What people do in a library when nobody tells them what to do.",
		body: `The reading room opens at nine. By five past, the same eleven people sit in the same eleven chairs. In twelve years I have seen two arguments about a chair, and both were about the one by the radiator.

Nobody comes for the books alone. The retired surveyor reads the shipping forecast. Two students share a pair of headphones and one dictionary. A man in a blue coat has been writing the same letter since March.

I used to think that my work was to find things for people. Mostly it is to leave the light on.
`,
		edits: []edit{
			{38, chiefEditor, "Notes from the reading room", "A letter from the reading room"},
			{37.5, librarian, "", "When we close, I turn the lamps off one by one, from the door to the window, so that the last reader has time to finish the page.\n"},
			{34, librarian, "In twelve years", "In thirteen years"},
			{30, chiefEditor, "", "*Update: the man in the blue coat has asked us to say that the letter is finished, and that it has been answered.*\n"},
		},
	},
	{
		author: translator, status: published, tags: []int{8, 2}, language: "de", group: 1, written: 29, published: 27,
		title:       "Brief aus dem Lesesaal",
		description: "Was Menschen in einer Bibliothek tun, wenn ihnen niemand sagt, was sie tun sollen.",
		body: `Der Lesesaal öffnet um neun. Um fünf nach sitzen dieselben elf Leute auf denselben elf Stühlen. In dreizehn Jahren habe ich zweimal Streit um einen Stuhl erlebt, und beide Male ging es um den an der Heizung.

Niemand kommt nur wegen der Bücher. Der pensionierte Landvermesser liest den Seewetterbericht. Zwei Studentinnen teilen sich ein Paar Kopfhörer und ein Wörterbuch. Ein Mann im blauen Mantel schreibt seit März an demselben Brief.

Früher dachte ich, es sei meine Arbeit, für die Leute etwas zu finden. Meistens besteht sie darin, das Licht anzulassen.
`,
		edits: []edit{{26, translator, "das Licht anzulassen", "das Licht brennen zu lassen"}},
	},
	{
		author: translator, status: published, tags: []int{8, 2}, language: "es", group: 1, written: 25, published: 24,
		title:       "Carta desde la sala de lectura",
		description: "Lo que hace la gente en una biblioteca cuando nadie le dice lo que tiene que hacer.",
		body: `La sala de lectura abre a las nueve. A las nueve y cinco, las mismas once personas están sentadas en las mismas once sillas. En trece años he visto dos discusiones por una silla, y las dos eran por la que está junto al radiador.

Nadie viene solo por los libros. El topógrafo jubilado lee el parte marítimo. Dos estudiantes comparten unos auriculares y un diccionario. Un hombre de abrigo azul escribe la misma carta desde marzo.

Antes pensaba que mi trabajo era encontrar cosas para la gente. Casi siempre consiste en dejar la luz encendida.
`,
	},
	{
		author: engineer, status: published, series: 1, part: 3, tags: []int{1, 14, 20}, written: 21, published: 18,
		title:       "What the planner knows",
		description: "Statistics are a sample. Help the planner where the sample misleads it.",
		body: `The planner has never seen your table. It has seen thirty thousand rows of it, some time ago, and has made a few notes: how many values there are, which are common, and how they are spread.

Where two columns depend on each other, these notes mislead. A city implies its country, but the planner multiplies the two chances and expects almost nothing. Then it chooses a loop for a million rows.

Extended statistics are the answer, and they cost one statement. Run ` + "`ANALYZE`" + ` after it, or nothing changes.
`,
		edits: []edit{{17, deskEditor, "some time ago, and has made a few notes", "some time ago, and has taken a few notes"}},
	},
	{
		author: traveller, status: published, series: 2, part: 2, tags: []int{3, 50, 4}, written: 16, published: 15,
		title:       "Breakfast in the dining car",
		description: "What is left of it, and why it is worth getting up for.",
		body: `There are six tables, and by half past six all of them are taken. You share. That is the point of a dining car, and the reason why there are so few left.

I had the omelette. Opposite me sat a piano tuner on his way to a concert hall with forty-one pianos. He does four a day and listens to nothing in the evening.

The coffee comes in a pot of steel that somebody has polished. It is not good coffee. It is coffee at a hundred kilometres an hour with a field of fog beside it, and I would not change anything.
`,
	},
	{
		author: traveller, status: published, series: 2, part: 3, tags: []int{3, 50}, written: 8.5, published: 4,
		title:       "What the conductor said",
		description: "On the last night train of the season, somebody finally had time to talk.",
		body: `After midnight there is nothing to check. The conductor sits on the folding seat at the end of the carriage, with her shoes off, and reads.

She has done this for nineteen years. She has delivered no baby, which disappoints everybody, but has married one couple, in a sense: both missed their stop, and one of them sends a card each year.

"People ask whether I am not tired of the route," she said. "I have not seen it yet. It is always dark."
`,
		edits: []edit{{5, chiefEditor, "which disappoints everybody, but has married", "which disappoints everybody who asks, but has married"}},
	},
	{
		author: gardener, status: draft, tags: []int{13}, written: 8,
		title:       "A first garden in twelve pots",
		description: "For a balcony of two square metres and a budget of a dinner for two.",
		body: `Begin with what you eat. Parsley, chives and mint forgive everything; coriander forgives nothing.

Twelve pots are enough. More than that and you spend the summer carrying water.

[Photo of the balcony in June. Ask whether the neighbours mind.]
`,
		edits: []edit{{6, gardener, "", "## What to buy\n\n- twelve pots with holes, the largest that you can lift\n- one sack of soil without peat\n- a watering can that fits under the tap\n"}},
	},
	{
		author: librarian, status: draft, tags: []int{8, 52}, written: 6,
		title:       "Interview: the last typewriter repairer in town",
		description: "He has a waiting list of two years and no website.",
		body: `*How does somebody become a repairer of typewriters?*

By being the only one who did not throw the tools away.

*What breaks?*

Nothing breaks. People stop cleaning them. They also type as if it were a telephone.

[He wants to read his answers before they are printed. In which year did the shop open?]
`,
	},
	{
		author: deskEditor, status: draft, tags: []int{2}, written: 5,
		title:       "What we will publish this winter",
		description: "A look ahead, for readers and for those who still owe us a text.",
		body: `Four subjects for the dark months: letters, repairs, night work and bread.

If you would like to write about one of them, send two sentences about what you know that others do not. Please do not send a finished article.
`,
	},
	{
		author: 0, status: draft, tags: []int{2, 9}, written: 4,
		title:       "Why I keep a paper index",
		description: "Forty cards in a box do what three programs did not.",
		body: `Every note I have made since spring fits into a box that was made for recipes. There is one card for each subject, and on it the pages of the notebooks.

It takes a minute a day. It has no search, and I find everything.
`,
		edits: []edit{
			{3.5, 0, "Forty cards", "Sixty cards"},
			{2, deskEditor, "made since spring", "made since the spring"},
		},
	},
	{
		author: 0, status: review, tags: []int{4, 25}, written: 3.6,
		title:       "Three loaves from one starter",
		description: "Rye on Friday, wheat on Saturday, and pancakes from what is left.",
		body: `A starter is a pet that you are allowed to eat. Mine lives in the door of the fridge, and works at weekends.

On Thursday evening I take it out and feed it twice its weight. On Friday morning half of it goes into the rye, which needs no kneading and no talent. The other half is fed again for Saturday.

What is left on Sunday makes pancakes, with an egg and a little salt.
`,
		edits: []edit{{3, 0, "twice its weight", "twice its weight in flour and water"}},
	},
	{
		author: moderator, status: review, tags: []int{14, 7}, written: 3.2,
		title:       "How we moved two million photographs",
		description: "One weekend, one script, and a list of everything that it would do before it did it.",
		body: `We did not move them. We copied them, compared them, changed one line of configuration, and deleted the old ones three months later.

The script had a flag to say what it would do without doing it. It was the first thing that we wrote, and nobody has ever regretted that flag.
`,
	},
	{
		author: translator, status: review, tags: []int{21, 5}, written: 2.5,
		title:       "The case for boring stationery",
		description: "The best notebook is the one that you are not afraid to spoil.",
		body: `I own eleven beautiful notebooks. All of them are empty. Everything that I have ever written is in school exercise books at forty cents.

Nobody is brave enough for thick paper.
`,
		edits: []edit{{2.2, translator, "eleven beautiful notebooks", "nine beautiful notebooks"}},
	},
	{
		author: 0, status: scheduled, tags: []int{3, 23}, written: 2, published: -1,
		title:       "Ten small things about tides",
		description: "Learned from a harbour wall, a borrowed almanac and one wet shoe.",
		body: `1. The sea is never where it was on the photograph.
2. High water is about fifty minutes later each day.
3. The almanac is right, and the wind can argue with it.
4. The fastest water is in the middle hours: a twelfth, two, three, three, two, a twelfth.

The other six I owe to the harbour master, who would only speak while walking.
`,
		edits: []edit{{1.5, 0, "The almanac is right, and the wind can argue with it.", "The almanac is right. The wind disagrees."}},
	},
	{
		author: engineer, status: scheduled, series: 1, part: 4, tags: []int{1, 14, 20}, written: 1.8, published: -3,
		title:       "When to stop tuning",
		description: "The last part: how to know that it is fast enough, and what to do instead.",
		body: `There is always another millisecond. Before you look for it, write down what it is for.

We stopped when the slowest page took a tenth of a second on the worst day of the year. Since then we spend the time on backups, which nobody has ever called fast, and which everybody needs exactly once.
`,
	},
	{
		author: librarian, status: scheduled, tags: []int{8}, written: 1.2, published: -7,
		title:       "Twelve books for the dark months",
		description: "Borrowed most, returned late, recommended by the people in the reading room.",
		body: `Every December we ask at the desk what people have kept too long, and why. This is the list. We do not give prizes, but we do waive the fines.

The first place goes, again, to a history of lighthouses that nobody admits to having borrowed.
`,
		edits: []edit{{1, chiefEditor, "The first place goes", "First place goes"}},
	},
	{
		author: chiefEditor, status: scheduled, tags: []int{2}, written: 0.6, published: -14,
		title:       "How we correct mistakes",
		description: "What we change quietly, what we say, and whom to write to.",
		body: `Spelling is corrected without a word. Facts are corrected with a note at the end of the article, which says what it was before.

We do not delete articles because somebody would like us to. If you find a mistake, write to the desk. If it was ours, you will read about it.
`,
	},
}
