package scaling

import (
	"math"
)

// Plan is what an installation has to do, and what it runs on. These are
// assumptions, which bench scaling prints.
type Plan struct {
	Requests float64 // a second, all together
	Articles float64
	Tags     float64
	Zipf     float64 // exponent of the popularity of articles and tags
	// The shares of the requests, by kind. They are those of the benchmark's mix.
	Article, List, ListByTag, Feed, Comments, Favorite, Comment float64
	Create                                                      float64 // new articles a second, besides
	SignedIn                                                    float64 // share of the other reads that have a token

	ServiceCores  float64 // of each machine that runs the service
	DatabaseCores float64 // of each standby
	Busy          float64 // the share of the cores that is used
	Kept          float64 // responses that the memory of a service holds
	Questions     float64 // questions what has changed, a second, of each service

	CoreHour    float64 // USD
	EdgeMillion float64 // USD for a million requests at the edge
}

// Standard is the plan of docs/scaling.md.
func Standard() Plan {
	return Plan{
		Requests: 100_000, Articles: 1e9, Tags: 10_000, Zipf: 1,
		Article: .45, List: .25, ListByTag: .10, Feed: .10, Comments: .05, Favorite: .03, Comment: .02,
		Create: 10, SignedIn: .10,
		ServiceCores: 8, DatabaseCores: 32, Busy: .5, Kept: 250_000, Questions: 2000,
		CoreHour: .04, EdgeMillion: .60,
	}
}

// Need is what a plan needs.
type Need struct {
	Edge, Service float64 // requests a second that the edge answers, and that the service does

	ServiceCores float64 // CPU seconds a second
	Services     float64 // machines
	ReadCores    float64 // of PostgreSQL, for reads
	Standbys     float64 // machines
	WriteCores   float64 // of the primary, for writes
	AskedCores   float64 // of the primary, for questions what has changed
	WAL          float64 // bytes a second
	Purged       float64 // keys a second
}

// Primary returns the cores of the primary that are used, with reads on
// standbys.
func (n Need) Primary() float64 { return n.WriteCores + n.AskedCores }

// Cores returns all cores that are used.
func (n Need) Cores() float64 { return n.ServiceCores + n.ReadCores + n.Primary() }

// tagsPerArticle and cardsPerList are those of the data set and of a page.
const (
	tagsPerArticle = 3
	cardsPerList   = 20
)

// Need computes what a plan needs, with an edge or, if edge is nil, without.
func (p Plan) Need(c Constants, edge *Edge) Need {
	n := Need{Services: 1}
	// How much the memory of a service answers depends on how many there are.
	for range 20 {
		next := p.need(c, edge, n.Services)
		services := math.Ceil(next.ServiceCores / (p.ServiceCores * p.Busy))
		done := services == n.Services
		n, n.Services = next, services
		if done {
			break
		}
	}
	n.Standbys = math.Ceil(n.ReadCores / (p.DatabaseCores * p.Busy))
	return n
}

func (p Plan) need(c Constants, edge *Edge, services float64) Need {
	n := Need{Services: services}
	articles, tags, one := Zipf(p.Articles, p.Zipf), Zipf(p.Tags, p.Zipf), Popularity{{1, 1}}
	favorites, comments := p.Requests*p.Favorite, p.Requests*p.Comment
	// A list changes with each new article, and with each favorite of an article
	// on it; popular articles are on few lists, so that these are the average ones.
	onLists := favorites / p.Articles * cardsPerList
	reads := []struct {
		requests, signedIn, changes float64
		of                          Popularity
		limit                       float64 // of how many the memory of a service keeps responses
		kind                        string
	}{
		{p.Article, p.SignedIn, favorites, articles, p.Kept, "article"},
		{p.List, p.SignedIn, p.Create + onLists, one, 1, "list"},
		{p.ListByTag, p.SignedIn, (p.Create + onLists) * tagsPerArticle, tags, p.Tags, "list"},
		{p.Comments, p.SignedIn, comments, articles, p.Kept, "comments"},
		{p.Feed, 1, 0, one, 0, "feed"},
	}
	for _, r := range reads {
		anonymous := p.Requests * r.requests * (1 - r.signedIn)
		signedIn := p.Requests*r.requests - anonymous
		var atEdge, inMemory float64
		if edge != nil {
			// What passes the edge is what nobody else has asked for, so that the
			// memory of the service does not have it either.
			atEdge = anonymous * edge.HitsOf(r.of, anonymous, r.changes)
		} else {
			inMemory = anonymous * r.of.first(r.limit).hitsInMemory(anonymous/services, r.changes)
		}
		made := anonymous - atEdge - inMemory + signedIn
		n.Edge += atEdge
		n.Service += inMemory + made
		n.ServiceCores += (inMemory*c.Kept[r.kind].Service + made*c.Read[r.kind].Service) / 1e6
		n.ReadCores += (inMemory*c.Kept[r.kind].Database + made*c.Read[r.kind].Database) / 1e6
	}
	for _, w := range []struct {
		rate float64
		kind string
	}{{favorites, "favorite"}, {comments, "comment"}, {p.Create, "article"}} {
		n.Service += w.rate
		n.ServiceCores += w.rate * c.Writes[w.kind].Service / 1e6
		n.WriteCores += w.rate * c.Writes[w.kind].Database / 1e6
		n.WAL += w.rate * c.Writes[w.kind].WAL
	}
	// A favorite changes the article and what the reader has marked, which no
	// cache at the edge has; a comment the list of comments; a new article its
	// lists.
	n.Purged = favorites + comments + p.Create*(2+tagsPerArticle)
	n.AskedCores = services * (p.Questions*c.Question + n.Purged*c.Change) / 1e6
	return n
}

// first returns the n most popular items, with the shares that they have of all
// requests.
func (p Popularity) first(n float64) (top Popularity) {
	for _, b := range p {
		if n <= 0 {
			return top
		}
		part := min(1, n/b.items)
		top = append(top, band{b.items * part, b.share * part})
		n -= b.items * part
	}
	return top
}

// hitsInMemory returns the share of requests that find a response in the memory
// of a service, which has it until something changes.
func (p Popularity) hitsInMemory(requests, changes float64) float64 {
	// As if purged at once, and otherwise used for ever.
	return Edge{TTL: 365 * 24 * 3600, Every: 1e-6}.HitsOf(p, requests, changes)
}

// Backend is what a backend needs for a request of the mix, all cores together.
type Backend struct {
	Name     string
	Requests float64 // a second, on both cores of one machine
}

// Node are backends that were measured beside Byline on one machine of two cores
// (docs/scaling.md says how).
var Node = []Backend{
	{"Byline, one machine", 5428},
	{"Express and Sequelize", 179},
	{"Express and Prisma, an unused count removed", 103},
	{"Express and Prisma, as shipped", 39},
}

// CoreSeconds returns the core seconds for a million requests.
func (b Backend) CoreSeconds() float64 { return 2 / b.Requests * 1e6 }

// Price returns what core seconds cost in USD.
func (p Plan) Price(coreSeconds float64) float64 { return coreSeconds / 3600 / p.Busy * p.CoreHour }
