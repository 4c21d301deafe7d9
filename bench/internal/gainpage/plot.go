package gainpage

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// plot is an SVG of lines, bars and texts, whose colors the style sheet
// chooses by class. Its width fits a phone, so that its texts can be read there.
type plot struct {
	ID, Title, Desc string
	Width, Height   int
	Legend          []entry
	Lines           []line
	Bars            []bar
	Paths           []path
	Dots            []dot
	Texts           []text
}

type (
	line  struct{ X1, Y1, X2, Y2, Class string }
	bar   struct{ X, Y, Width, Height, Class string }
	path  struct{ D, Class string }
	dot   struct{ X, Y, Class string }
	text  struct{ X, Y, Class, Anchor, Text string }
	entry struct{ Class, Text string }
)

// width is the width of all plots.
const width = 380

// classes are those of the two sides.
var classes = [2]string{"backend", "byline"}

func at(v float64) string { return strconv.FormatFloat(v, 'f', 1, 64) }

// axis maps values to positions.
type axis struct {
	low, high float64 // values, or their logarithms
	from, to  float64 // positions
	log       bool
}

func newAxis(low, high, from, to float64, log bool) axis {
	if log {
		low, high = math.Log10(low), math.Log10(high)
	}
	if high <= low {
		high = low + 1
	}
	return axis{low, high, from, to, log}
}

func (a axis) at(v float64) float64 {
	if a.log {
		v = math.Log10(v)
	}
	share := min(max((v-a.low)/(a.high-a.low), 0), 1)
	return a.from + share*(a.to-a.from)
}

// decades returns the powers of ten that enclose values, for a logarithmic
// axis.
func decades(values []float64) (low, high float64, ticks []float64) {
	least, most := math.Inf(1), 0.0
	for _, v := range values {
		if v > 0 {
			least, most = min(least, v), max(most, v)
		}
	}
	if most == 0 {
		least, most = 1, 10
	}
	first, last := math.Floor(math.Log10(least)), math.Ceil(math.Log10(most))
	if last == first {
		last++
	}
	for e := first; e <= last; e++ {
		ticks = append(ticks, math.Pow(10, e))
	}
	return ticks[0], ticks[len(ticks)-1], ticks
}

// steps returns round numbers from 0 to at least most, for a linear axis.
func steps(most float64) []float64 {
	if most <= 0 {
		most = 1
	}
	power := math.Pow(10, math.Floor(math.Log10(most)))
	step := power / 5
	for _, larger := range []float64{power / 2, power, 2 * power} {
		if most/step > 5 {
			step = larger
		}
	}
	out := []float64{0}
	for v := step; ; v += step {
		out = append(out, v)
		if v >= most {
			return out
		}
	}
}

// frame is the area of a plot between its axes.
type frame struct {
	*plot
	x, y                     axis
	left, right, top, bottom float64
}

const plotHeight = 260

func newFrame(id, title, desc string) *frame {
	p := &plot{ID: id, Title: title, Desc: desc, Width: width, Height: plotHeight}
	return &frame{plot: p, left: 48, right: width - 24, top: 24, bottom: plotHeight - 40}
}

// ticks draws the lines and labels of both axes.
func (f *frame) ticks(xs []float64, xText func(float64) string, xName string, ys []float64, yText func(float64) string, yName string) {
	for _, v := range ys {
		y := f.y.at(v)
		f.Lines = append(f.Lines, line{at(f.left), at(y), at(f.right), at(y), "grid"})
		f.Texts = append(f.Texts, text{at(f.left - 6), at(y + 4), "tick", "end", yText(v)})
	}
	for _, v := range xs {
		x := f.x.at(v)
		f.Lines = append(f.Lines, line{at(x), at(f.bottom), at(x), at(f.bottom + 4), "grid"})
		f.Texts = append(f.Texts, text{at(x), at(f.bottom + 17), "tick", "middle", xText(v)})
	}
	f.Texts = append(f.Texts, text{at((f.left + f.right) / 2), at(f.bottom + 34), "name", "middle", xName},
		text{at(f.left - 6), at(f.top - 10), "name", "end", yName})
}

// point is a point in values.
type point struct{ x, y float64 }

// draw draws a line through points. Points that are not above 0 on a
// logarithmic axis are left out.
func (f *frame) draw(points []point, class string, dots bool) {
	var d strings.Builder
	for _, p := range points {
		if f.y.log && p.y <= 0 || f.x.log && p.x <= 0 {
			continue
		}
		command := "L"
		if d.Len() == 0 {
			command = "M"
		}
		x, y := at(f.x.at(p.x)), at(f.y.at(p.y))
		fmt.Fprintf(&d, "%s%s %s", command, x, y)
		if dots {
			f.Dots = append(f.Dots, dot{x, y, class})
		}
	}
	if d.Len() > 0 {
		f.Paths = append(f.Paths, path{d.String(), class})
	}
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// millis formats a time in ms.
func millis(d time.Duration) string {
	ms := milliseconds(d)
	switch {
	case ms >= 100:
		return strconv.FormatFloat(ms, 'f', 0, 64)
	case ms >= 1:
		return strconv.FormatFloat(ms, 'f', 1, 64)
	}
	return strconv.FormatFloat(ms, 'f', 2, 64)
}

// short formats a number for an axis: 2000 as 2k.
func short(v float64) string {
	switch {
	case v >= 1e6:
		return strconv.FormatFloat(v/1e6, 'g', 3, 64) + "M"
	case v >= 1e3:
		return strconv.FormatFloat(v/1e3, 'g', 3, 64) + "k"
	}
	return strconv.FormatFloat(v, 'g', 3, 64)
}
