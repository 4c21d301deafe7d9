// Package plot draws plots as SVG: in a page, and as a file of their own.
package plot

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"math"
	"strconv"
	"strings"
	"time"
)

// Template defines "svg", which draws a Plot.
//
//go:embed svg.html
var Template string

//go:embed style.css
var style string

var file = template.Must(template.New("plot").Parse(Template))

// WriteFile writes an SVG that needs no style sheet of a page.
func (p *Plot) WriteFile(w io.Writer) error {
	alone := *p
	alone.Style = template.CSS(style)
	return file.ExecuteTemplate(w, "svg", alone)
}

// Plot is an SVG of lines, bars and texts, whose colors the style sheet
// chooses by class.
type Plot struct {
	ID, Title, Desc string
	Width, Height   int
	Style           template.CSS // empty in a page that has a style sheet
	Legend          []Entry
	Lines           []Line
	Bars            []Bar
	Paths           []Path
	Dots            []Dot
	Texts           []Text
}

// The elements of a plot. Positions are texts of numbers.
type (
	Line  struct{ X1, Y1, X2, Y2, Class string }
	Bar   struct{ X, Y, Width, Height, Class string }
	Path  struct{ D, Class string }
	Dot   struct{ X, Y, Class string }
	Text  struct{ X, Y, Class, Anchor, Text string }
	Entry struct{ Class, Text string }
)

// Width is the usual width of a plot. It fits a phone, so that the texts can be
// read there.
const Width = 380

func at(v float64) string { return strconv.FormatFloat(v, 'f', 1, 64) }

// AddLine draws a line between two positions.
func (p *Plot) AddLine(x1, y1, x2, y2 float64, class string) {
	p.Lines = append(p.Lines, Line{at(x1), at(y1), at(x2), at(y2), class})
}

// AddBar draws a rectangle.
func (p *Plot) AddBar(x, y, width, height float64, class string) {
	p.Bars = append(p.Bars, Bar{at(x), at(y), at(width), at(height), class})
}

// AddDot draws a dot.
func (p *Plot) AddDot(x, y float64, class string) {
	p.Dots = append(p.Dots, Dot{at(x), at(y), class})
}

// AddText writes a text whose start, middle or end, the anchor, is at a position.
func (p *Plot) AddText(x, y float64, class, anchor, words string) {
	p.Texts = append(p.Texts, Text{at(x), at(y), class, anchor, words})
}

// Axis maps values to positions.
type Axis struct {
	low, high float64 // values, or their logarithms
	from, to  float64 // positions
	log       bool
}

// NewAxis maps the values from low to high, linearly or by their logarithms.
func NewAxis(low, high, from, to float64, log bool) Axis {
	if log {
		low, high = math.Log10(low), math.Log10(high)
	}
	if high <= low {
		high = low + 1
	}
	return Axis{low, high, from, to, log}
}

// At returns the position of a value. Values outside have that of the nearest end.
func (a Axis) At(v float64) float64 {
	if a.log {
		v = math.Log10(v)
	}
	share := min(max((v-a.low)/(a.high-a.low), 0), 1)
	return a.from + share*(a.to-a.from)
}

// Decades returns the powers of ten that enclose values, for a logarithmic
// axis.
func Decades(values []float64) (low, high float64, ticks []float64) {
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

// Steps returns round numbers from 0 to at least most, for a linear axis.
func Steps(most float64) []float64 {
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

// Frame is the area of a plot between its axes.
type Frame struct {
	*Plot
	X, Y                     Axis
	Left, Right, Top, Bottom float64
}

// NewFrame returns a plot of a size with the usual margins. Its axes must be set.
func NewFrame(id, title, desc string, width, height int) *Frame {
	p := &Plot{ID: id, Title: title, Desc: desc, Width: width, Height: height}
	return &Frame{Plot: p, Left: 48, Right: float64(width) - 24, Top: 24, Bottom: float64(height) - 40}
}

// Ticks draws the lines and labels of both axes.
func (f *Frame) Ticks(xs []float64, xText func(float64) string, xName string, ys []float64, yText func(float64) string, yName string) {
	for _, v := range ys {
		y := f.Y.At(v)
		f.AddLine(f.Left, y, f.Right, y, "grid")
		f.AddText(f.Left-6, y+4, "tick", "end", yText(v))
	}
	for _, v := range xs {
		x := f.X.At(v)
		f.AddLine(x, f.Bottom, x, f.Bottom+4, "grid")
		f.AddText(x, f.Bottom+17, "tick", "middle", xText(v))
	}
	f.AddText((f.Left+f.Right)/2, f.Bottom+34, "name", "middle", xName)
	f.AddText(f.Left-6, f.Top-10, "name", "end", yName)
}

// Point is a point in values.
type Point struct{ X, Y float64 }

// Draw draws a line through points. Points that are not above 0 on a
// logarithmic axis are left out.
func (f *Frame) Draw(points []Point, class string, dots bool) {
	var d strings.Builder
	for _, p := range points {
		if f.Y.log && p.Y <= 0 || f.X.log && p.X <= 0 {
			continue
		}
		command := "L"
		if d.Len() == 0 {
			command = "M"
		}
		x, y := at(f.X.At(p.X)), at(f.Y.At(p.Y))
		fmt.Fprintf(&d, "%s%s %s", command, x, y)
		if dots {
			f.AddDot(f.X.At(p.X), f.Y.At(p.Y), class)
		}
	}
	if d.Len() > 0 {
		f.Paths = append(f.Paths, Path{d.String(), class})
	}
}

// Milliseconds returns a time in ms.
func Milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// Millis formats a time in ms.
func Millis(d time.Duration) string {
	ms := Milliseconds(d)
	switch {
	case ms >= 100:
		return strconv.FormatFloat(ms, 'f', 0, 64)
	case ms >= 1:
		return strconv.FormatFloat(ms, 'f', 1, 64)
	}
	return strconv.FormatFloat(ms, 'f', 2, 64)
}

// Short formats a number for an axis: 2000 as 2k.
func Short(v float64) string {
	switch {
	case v >= 1e6:
		return strconv.FormatFloat(v/1e6, 'g', 3, 64) + "M"
	case v >= 1e3:
		return strconv.FormatFloat(v/1e3, 'g', 3, 64) + "k"
	}
	return strconv.FormatFloat(v, 'g', 3, 64)
}
