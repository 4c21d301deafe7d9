package gainpage
import ("io"; "github.com/byline-api/byline/bench/internal/report")
func Write(w io.Writer, g *report.Gain) error { return nil }
