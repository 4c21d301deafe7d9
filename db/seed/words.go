package seed

// The lists are part of this package because a new version of a fake-data
// library would change the rows of a given seed. Changing a list changes the
// rows too, so benchmarks must be compared with the same version. All text is
// ASCII: slug converts titles without a transliteration table. Names contain no
// separators, because otherwise two pairs could give the same username.

var firstNames = []string{
	"ada", "agnes", "ahmed", "aiko", "alan", "alma", "amara", "amir", "ana", "anders", "andrea", "anika", "anton", "arjun",
	"astrid", "aya", "ben", "bianca", "bram", "camila", "carl", "chen", "chloe", "clara", "daniel", "dario", "david", "diego",
	"dina", "eitan", "elena", "elif", "elsa", "emil", "emma", "enzo", "erik", "esther", "eva", "farah", "felix", "fiona",
	"freya", "gita", "grace", "greta", "hana", "hassan", "hedy", "helen", "hugo", "ida", "igor", "ines", "ingrid", "isla",
	"ivan", "jakub", "jana", "jin", "joao", "jonas", "julia", "kaito", "karin", "kofi", "lars", "layla", "lea", "leo",
	"lina", "lucas", "luisa", "maja", "marco", "maria", "mateo", "maya", "mei", "mila", "milan", "nadia", "naomi", "niko",
	"nina", "noah", "nora", "olga", "oskar", "paula", "pedro", "petra", "priya", "rafael", "rahel", "ravi", "rosa", "ruben",
	"samir", "sara", "sofia", "stefan", "sven", "tara", "theo", "tomas", "uma", "vera", "viktor", "wanda", "yara", "yusuf",
	"zoe", "zuri",
}

var lastNames = []string{
	"abe", "adeyemi", "aguilar", "alvarez", "andersen", "antonov", "bauer", "becker", "bell", "bianchi", "blanc", "bos",
	"brandt", "brown", "carter", "castro", "chandra", "cohen", "costa", "cruz", "dahl", "davies", "diaz", "dubois", "duran",
	"eriksen", "evans", "farkas", "ferrari", "fischer", "fonseca", "fontaine", "fraser", "garcia", "gomez", "gray", "greco",
	"haas", "hall", "hansen", "haruki", "hoffman", "horvat", "hughes", "huber", "ibrahim", "ito", "ivanova", "jansen", "jensen",
	"johansson", "kaplan", "kato", "keller", "khan", "kim", "klein", "kovacs", "kowalski", "kraus", "kumar", "lambert", "lang",
	"larsen", "laurent", "levi", "lima", "lindgren", "lopez", "lund", "marin", "martin", "mehta", "meyer", "mills", "molina",
	"moreau", "moretti", "mori", "murphy", "nagy", "nakamura", "navarro", "nguyen", "nielsen", "novak", "nunes", "okafor",
	"olsen", "ortega", "osei", "papadakis", "park", "patel", "pereira", "petrov", "popescu", "quinn", "ramos", "reyes", "ricci",
	"romero", "rossi", "roy", "ruiz", "santos", "sato", "schmidt", "sharma", "silva", "singh", "soto", "stein", "suzuki",
	"takeda", "tanaka", "torres", "usman", "vargas", "vega", "vogel", "wagner", "walsh", "weber", "weiss", "wolf", "wong",
	"yamada", "yilmaz", "young", "zhang", "zimmer",
}

// separators join the names. The first one is the most common.
var separators = []string{".", ".", "_", "-"}

var professions = []string{
	"Backend developer", "Librarian", "Data journalist", "Illustrator", "Teacher", "Baker and part-time writer", "Cyclist",
	"Open source maintainer", "Product designer", "Translator", "Database administrator", "Photographer", "Beekeeper",
	"Gardener", "Radio producer", "Student of linguistics", "Site reliability engineer", "Carpenter", "Retired engineer",
	"Map maker", "Nurse", "Game developer",
}

var places = []string{
	"Oslo", "Lisbon", "Nairobi", "Kyoto", "Montreal", "Bologna", "Ghent", "Porto Alegre", "Wellington", "Tallinn", "Accra",
	"Pune", "Leipzig", "Galway", "Valparaiso", "Ljubljana", "Izmir", "Busan", "Cape Town", "a small island", "the night train",
}

var mottos = []string{
	"Writes to find out what to think.", "Mostly harmless.", "Opinions change; I keep notes.", "Slow food, fast queries.",
	"Always in the second row.", "Collects old manuals.", "Ask me about tides.", "Learning in public.", "Here for the comments.",
	"Believes in short paragraphs.", "Prefers trains.", "Currently reading too many books at once.",
}

// tagNames are in order of popularity.
var tagNames = []string{
	"go", "postgresql", "writing", "travel", "cooking", "design", "javascript", "photography", "books", "productivity",
	"open-source", "testing", "music", "gardening", "performance", "security", "linux", "teaching", "history", "cycling",
	"databases", "typography", "remote-work", "science", "devops", "sourdough", "rust", "accessibility", "hiking", "career",
	"python", "architecture", "film", "maps", "health", "css", "observability", "chess", "languages", "coffee", "docker",
	"economics", "running", "api", "woodworking", "privacy", "astronomy", "kubernetes", "poetry", "data", "trains", "sql",
	"interviews", "parenting", "cities", "caching", "birds", "philosophy", "startups", "knitting",
}

// topics fit "a guide to ..." and have no article of their own.
var topics = []string{
	"keyset pagination", "slow mornings", "sourdough bread", "night trains", "connection pools", "city gardens", "plain text",
	"code review", "street photography", "partial indexes", "handwritten notes", "feature flags", "winter hiking", "error messages",
	"rye flour", "public libraries", "query plans", "long-distance cycling", "design systems", "small databases", "field recordings",
	"pull requests", "local newspapers", "optimistic locking", "kitchen knives", "graceful shutdown", "old maps", "unit tests",
	"bread ovens", "email newsletters", "rate limiting", "watercolour sketches", "database migrations", "cold swimming",
	"technical interviews", "house plants", "structured logging", "radio plays", "generated code", "bicycle repair", "style guides",
	"cache invalidation", "wooden boats", "meeting notes", "full-text search", "film cameras", "retry budgets", "tidal calendars",
	"release notes", "mountain huts", "type systems", "secondhand books", "load testing", "fermented vegetables", "readable diagrams",
	"time zones", "morning walks", "background jobs", "letter writing", "command-line tools", "stone walls", "web accessibility",
	"language learning", "idempotent writes", "board games", "incident reviews", "ferry timetables", "monospaced fonts",
	"backup restores", "wild mushrooms", "pair programming", "train stations", "static analysis", "slow travel", "shell scripts",
	"museum archives", "API contracts", "allotment gardens", "memory profiles", "choir singing",
}

// people are plural, to fit "what ... get right".
var people = []string{
	"beginners", "small teams", "busy parents", "night owls", "freelancers", "curious engineers", "first-time authors",
	"remote teams", "impatient readers", "students", "solo founders", "tired editors", "part-time farmers", "careful writers",
	"newcomers", "city dwellers", "volunteers", "self-taught developers", "amateur historians", "team leads", "late starters",
	"weekend cooks", "maintainers", "slow readers", "sceptics", "commuters", "translators", "teachers", "minimalists",
	"people without a plan", "old friends", "generalists", "interns", "perfectionists", "night-shift workers", "local groups",
	"retired sailors", "hobbyists", "first responders", "quiet people",
}

// titles give a distinct slug for each topic and people, because the words
// between them differ from template to template. None ends in a number, which
// would collide with the suffixes of username and slug.
var titles = []string{
	"A field guide to {t} for {p}", "Notes on {t} for {p}", "What {p} taught me about {t}", "Why {p} should care about {t}",
	"How {p} get {t} right", "How {p} get {t} wrong", "The quiet case for {t} among {p}", "{t}, explained to {p}",
	"In defence of {t} and {p}", "A year of {t} with {p}", "The trouble with {t}, according to {p}", "What {p} never say about {t}",
	"Rethinking {t} for {p}", "Lessons in {t} from {p}", "Ten questions {p} ask about {t}", "{t} without tears for {p}",
}

var adjectives = []string{
	"simple", "stubborn", "boring", "careful", "quiet", "expensive", "reliable", "surprising", "ordinary", "fragile", "plain",
	"early", "patient", "obvious", "rare", "steady", "unfashionable", "cheap", "deliberate", "messy", "small", "visible", "gentle",
	"measurable", "seasonal", "reversible", "local", "generous", "sharp", "half-finished",
}

var nouns = []string{
	"habit", "checklist", "notebook", "constraint", "deadline", "draft", "neighbour", "mistake", "baseline", "timetable",
	"workshop", "index", "default", "budget", "recipe", "question", "experiment", "shortcut", "conversation", "measurement",
	"detour", "plan", "drawer", "sentence", "manual", "pattern", "promise", "afternoon", "reader", "threshold", "ritual",
	"comparison", "rough edge", "second attempt", "trade-off", "season",
}

var gerunds = []string{
	"measuring first", "starting over", "asking the neighbours", "writing it down", "waiting a week", "reading the manual",
	"drawing a picture", "counting twice", "cutting the list in half", "keeping the old one", "deleting the clever part",
	"walking away for an hour", "explaining it to a friend", "testing the failure", "choosing the smaller tool",
	"saying no early", "sorting by date", "trusting the default", "labelling everything", "doing it by hand once",
}
