package ui

import (
	"image/color"
	"math"
	"math/rand/v2"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/widget"
)

// river is the picture of the work, drawn from what was really hashed: the right
// edge is now, and everything drifts to the left, out of sight after riverSpan.
// A grain is a round number of hashes, a nugget is a share, larger and deeper
// the rarer it is (one logarithmic scale for all that are in sight), a ringed
// nugget is a block. Its methods are for Fyne's goroutine.
type river struct {
	widget.BaseWidget

	now    time.Time
	grains []grain
	things []thing

	busy     bool      // something is in sight
	perGrain uint64    // hashes that one grain stands for; 0 before the first
	seen     uint64    // hashes that grains were made of, or that went before
	counted  time.Time // when
}

type grain struct {
	at time.Time
	y  float32 // 0 top to 1 bottom
}

type thing struct {
	at         time.Time
	y          float32 // offset from its depth, -1 to 1
	difficulty float64
	block      bool
	lost       bool // the share was not accepted
}

const (
	riverSpan   = 40 * time.Second
	maxGrains   = 220
	maxThings   = 60
	streaks     = 13
	smallest    = 3.5 // radius of the least share in sight
	largest     = 12
	perDoubling = 1.1 // radius for twice the difficulty
)

func newRiver() *river {
	r := &river{}
	r.ExtendBaseWidget(r)
	return r
}

// AccessibilityLabel implements fyne.Accessible.
func (r *river) AccessibilityLabel() string {
	return "Picture of the work: grains are hashes, nuggets are shares"
}

// AccessibilityRole implements fyne.Accessible.
func (r *river) AccessibilityRole() fyne.AccessibleRole { return fyne.AccessibleRoleText }

// count takes the number of all hashes so far, and makes grains of those that
// are new since the last count.
func (r *river) count(now time.Time, total uint64, rate float64) {
	before := r.counted
	r.counted = now
	r.perGrain = grainOf(rate, r.perGrain)
	if before.IsZero() || total < r.seen {
		r.seen = total
		return
	}
	if r.perGrain == 0 {
		return
	}
	n := (total - r.seen) / r.perGrain
	r.seen += n * r.perGrain
	n = min(n, maxGrains)
	for i := range n { // spread over the time in between
		at := before.Add(now.Sub(before) * time.Duration(i+1) / time.Duration(n))
		r.grains = append(r.grains, grain{at, rand.Float32()})
	}
}

// flow brings the picture to the time now and tells whether anything is in
// sight.
func (r *river) flow(now time.Time) bool {
	r.now = now
	r.grains = passed(r.grains, now, maxGrains, func(g grain) time.Time { return g.at })
	r.things = passed(r.things, now, maxThings, func(t thing) time.Time { return t.at })
	busy := len(r.grains)+len(r.things) > 0
	if busy || r.busy {
		r.Refresh()
	}
	r.busy = busy
	return busy
}

// passed drops what is out of sight, and the oldest beyond most.
func passed[T any](all []T, now time.Time, most int, at func(T) time.Time) []T {
	first := max(0, len(all)-most)
	for first < len(all) && now.Sub(at(all[first])) > riverSpan {
		first++
	}
	return append(all[:0], all[first:]...)
}

// share lets a nugget in. The chain tells of a block before the pool answers the
// share that made it, or after: both are one nugget.
func (r *river) share(now time.Time, difficulty float64, accepted bool) {
	if t := r.newest(now); t != nil && accepted && t.block && t.difficulty == 0 {
		t.difficulty = difficulty
		return
	}
	r.things = append(r.things, thing{at: now, y: 2*rand.Float32() - 1, difficulty: difficulty, lost: !accepted})
}

// block lets a ringed nugget in, or puts the ring round the share that made it.
func (r *river) block(now time.Time) {
	if t := r.newest(now); t != nil && !t.block && !t.lost {
		t.block = true
		return
	}
	r.things = append(r.things, thing{at: now, y: 2*rand.Float32() - 1, block: true})
}

// newest is what came in within the last second, or nil.
func (r *river) newest(now time.Time) *thing {
	if n := len(r.things); n > 0 && now.Sub(r.things[n-1].at) < time.Second {
		return &r.things[n-1]
	}
	return nil
}

// grainOf returns how many hashes one grain stands for: 1, 2 or 5 times a power
// of ten, so that about three come by each second. It keeps what it was while
// that still suits.
func grainOf(rate float64, was uint64) uint64 {
	if rate <= 0 {
		return was
	}
	if perSecond := rate / float64(was); was > 0 && perSecond > 1.2 && perSecond < 5 {
		return was
	}
	want := rate / 3
	step := math.Pow(10, math.Floor(math.Log10(want)))
	for _, m := range []float64{5, 2, 1} {
		if m*step <= want {
			return max(1, uint64(m*step))
		}
	}
	return 1
}

// least is the smallest difficulty in sight, where the scale begins.
func (r *river) least() float64 {
	least := math.Inf(1)
	for _, t := range r.things {
		if t.difficulty > 0 {
			least = math.Min(least, t.difficulty)
		}
	}
	return least
}

// radius is the size of a nugget on the scale that begins at least.
func radius(difficulty, least float64) float32 {
	if !(difficulty > least) {
		return smallest
	}
	return min(largest, smallest+perDoubling*float32(math.Log2(difficulty/least)))
}

func (r *river) CreateRenderer() fyne.WidgetRenderer {
	v := &riverRenderer{r: r, bed: &canvas.Rectangle{CornerRadius: 12}}
	for range streaks {
		v.streaks = append(v.streaks, &canvas.Line{StrokeWidth: 1.5})
	}
	for range maxGrains {
		v.grains = append(v.grains, &canvas.Circle{})
	}
	for range maxThings {
		v.rings = append(v.rings, &canvas.Circle{StrokeWidth: 1.5})
		v.nuggets = append(v.nuggets, &canvas.Circle{})
	}
	v.objects = append(v.objects, v.bed)
	v.objects = appendAll(v.objects, v.streaks)
	v.objects = appendAll(v.objects, v.grains)
	v.objects = appendAll(v.objects, v.rings)
	v.objects = appendAll(v.objects, v.nuggets)
	v.Refresh()
	return v
}

func appendAll[T fyne.CanvasObject](to []fyne.CanvasObject, from []T) []fyne.CanvasObject {
	for _, o := range from {
		to = append(to, o)
	}
	return to
}

type riverRenderer struct {
	r              *river
	bed            *canvas.Rectangle
	streaks        []*canvas.Line
	grains         []*canvas.Circle
	rings, nuggets []*canvas.Circle
	objects        []fyne.CanvasObject
}

func (v *riverRenderer) Destroy()                     {}
func (v *riverRenderer) MinSize() fyne.Size           { return fyne.NewSize(240, 60) }
func (v *riverRenderer) Objects() []fyne.CanvasObject { return v.objects }

func (v *riverRenderer) Layout(size fyne.Size) {
	v.bed.Resize(size)
	v.place(size)
}

// Refresh draws the river as it is now.
func (v *riverRenderer) Refresh() {
	th, variant := v.r.Theme(), fyne.CurrentApp().Settings().ThemeVariant()
	c := func(name fyne.ThemeColorName) color.Color { return th.Color(name, variant) }
	v.bed.FillColor = c(colorDeep)
	water := color.NRGBAModel.Convert(c(colorWater)).(color.NRGBA)
	for i, s := range v.streaks {
		water.A = uint8(40 + 25*(i%4))
		s.StrokeColor = water
	}
	for _, g := range v.grains {
		g.FillColor = c(colorGrain)
	}
	gold, grey := c(colorGold), c(colorGrain)
	for i := range v.nuggets {
		v.rings[i].StrokeColor = gold
		v.nuggets[i].FillColor, v.nuggets[i].StrokeColor, v.nuggets[i].StrokeWidth = gold, v.bed.FillColor, 1
		if i < len(v.r.things) && v.r.things[i].lost { // hollow: it did not count
			v.nuggets[i].FillColor, v.nuggets[i].StrokeColor = color.Transparent, grey
			v.nuggets[i].StrokeWidth = 1.5
		}
	}
	v.place(v.r.Size())
}

func (v *riverRenderer) place(bed fyne.Size) {
	const margin = 10
	width, deep := bed.Width, bed.Height-2*margin
	zoom := min(1.6, max(1, deep/140)) // of grains and nuggets alike
	x := func(at time.Time) float32 {
		return width - margin - (width-2*margin)*float32(v.r.now.Sub(at))/float32(riverSpan)
	}
	// The streaks drift with the river and come back in on the right.
	drift := float64(v.r.now.UnixMilli()%int64(riverSpan/time.Millisecond)) / float64(riverSpan/time.Millisecond)
	for i, s := range v.streaks {
		long := width * (0.07 + 0.05*float32(i*7%4))
		_, at := math.Modf(float64(i)*0.381966 + 1 - drift)
		left := margin + float32(at)*(width-2*margin-long)
		y := margin + deep*(float32(i)+0.5)/streaks
		s.Position1, s.Position2 = fyne.NewPos(left, y), fyne.NewPos(left+long, y)
		// While the river is still, a sentence stands in its middle.
		s.Hidden = !v.r.busy && math.Abs(float64(y-bed.Height/2)) < 16
	}
	for i, c := range v.grains {
		if c.Hidden = i >= len(v.r.grains); c.Hidden {
			continue
		}
		g := v.r.grains[i]
		put(c, x(g.at), margin+g.y*deep, zoom*(1.3+0.6*g.y))
	}
	least := v.r.least()
	for i, c := range v.nuggets {
		ring := v.rings[i]
		c.Hidden, ring.Hidden = i >= len(v.r.things), true
		if c.Hidden {
			continue
		}
		t := v.r.things[i]
		size := radius(t.difficulty, least)
		depth := 0.3 + 0.45*(size-smallest)/(largest-smallest) + 0.15*t.y
		size *= zoom
		cx, cy := min(x(t.at), width-margin-size), margin+depth*deep
		// A new nugget is seen: it comes in large and settles.
		if age := v.r.now.Sub(t.at); age < 600*time.Millisecond {
			size *= 1.7 - 0.7*float32(age)/float32(600*time.Millisecond)
		}
		put(c, cx, cy, size)
		if t.block {
			ring.Hidden = false
			put(ring, cx, cy, size+4)
		}
	}
	canvas.Refresh(v.bed) // one is enough for Fyne to paint again
}

func put(c *canvas.Circle, x, y, radius float32) {
	c.Position1 = fyne.NewPos(x-radius, y-radius)
	c.Position2 = fyne.NewPos(x+radius, y+radius)
}
