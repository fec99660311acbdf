//go:build !js

package web

import (
	"io/fs"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/net/html"

	"goldpan/assets"
)

// No text of the page stands outside the translations, but for the product's name and signs.
func TestTextsComeFromTheTranslations(t *testing.T) {
	file, err := os.Open("index.html")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	page, err := html.Parse(file)
	if err != nil {
		t.Fatal(err)
	}
	allowed := map[string]bool{"Goldpan": true, "0": true, "–": true, "https://…/#join=…": true}
	said := regexp.MustCompile(`^(alt|title|placeholder|aria-label|aria-description|aria-roledescription|content)$`)
	for n := range page.Descendants() {
		if text := strings.TrimSpace(n.Data); n.Type == html.TextNode && text != "" && !allowed[text] {
			t.Errorf("index.html says %q in its own words", text)
		}
		for _, a := range n.Attr {
			if said.MatchString(a.Key) && a.Val != "" && !allowed[a.Val] && n.Data != "meta" {
				t.Errorf("index.html has %s=%q in its own words", a.Key, a.Val)
			}
		}
	}
	// In the scripts a sentence is a string with a space between two words.
	sentence := regexp.MustCompile(`[A-Za-z,]{2,} [a-z]{2,}`)
	scripts, err := fs.Glob(os.DirFS("."), "*.js")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range scripts {
		if name == "lane.js" || name == "control.js" || name == "sw.js" {
			continue // they show nothing; what they report in English, words.js has texts for
		}
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range literals(string(b)) {
			if sentence.MatchString(text) && text != "use strict" && !strings.HasPrefix(text, ".") { // a selector is no sentence
				t.Errorf("%s: %q stands outside the translations", name, text)
			}
		}
	}
	if got := literals("a(\"one\", 'it\\'s two') // \"no\"\n/* `nor this` */ b(`three`)"); strings.Join(got, "|") != `one|it\'s two|three` {
		t.Errorf("the strings of a script are %q", got)
	}
}

// literals lists the strings of a script, as far as the page's scripts go.
func literals(script string) (all []string) {
	for script != "" {
		at := strings.IndexAny(script, "\"'`/")
		if at < 0 {
			return all
		}
		quote, rest := script[at], script[at+1:]
		switch {
		case quote == '/' && strings.HasPrefix(rest, "/"):
			_, script, _ = strings.Cut(rest, "\n")
		case quote == '/' && strings.HasPrefix(rest, "*"):
			_, script, _ = strings.Cut(rest, "*/")
		case quote == '/':
			script = rest
		default:
			end := 0
			for end < len(rest) && rest[end] != quote {
				if rest[end] == '\\' {
					end++
				}
				end++
			}
			end = min(end, len(rest))
			all = append(all, rest[:end])
			script = rest[min(end+1, len(rest)):]
		}
	}
	return all
}

// Only the chosen language is fetched, it is remembered, and all of the page follows it at once.
func TestLanguages(t *testing.T) {
	t.Parallel()
	pool := newPool(t)
	address, _ := serve(t, newServer(builtPage(t), pool.options()))
	tab := chrome(t)
	visit(t, tab, address+"/")
	await(t, tab, "document.body.dataset.state === 'ready'")
	for _, tag := range assets.Languages() {
		evaluate[bool](t, tab, `(() => {
			const language = document.getElementById("language");
			language.value = "`+tag+`";
			language.dispatchEvent(new Event("change"));
			return true;
		})()`)
		l := assets.Speak(tag)
		await(t, tab, "document.documentElement.lang === '"+tag+"'")
		for id, key := range map[string]string{"start": "page.start", "before-title": "before.title", "facts-awake": "facts.awake"} {
			if got, want := evaluate[string](t, tab, "document.getElementById('"+id+"').textContent"), l.Text(key); got != want {
				t.Errorf("%s: #%s is %q, want %q", tag, id, got, want)
			}
		}
		if got, want := evaluate[string](t, tab, "document.getElementById('pan').getAttribute('aria-label')"), l.Text("pan.label"); got != want {
			t.Errorf("%s: the picture is named %q, want %q", tag, got, want)
		}
		// The page and Go count and write numbers alike.
		for _, n := range []float64{0, 1, 2, 1234, 12345, 1_000_000, 2_000_000} {
			got := evaluate[string](t, tab, "import('./words.js').then((w) => w.text('said.shares', {n: "+strconv.FormatFloat(n, 'f', -1, 64)+"}))")
			if want := l.Plural("said.shares", n); got != want {
				t.Errorf("%s: the page says %q, Go %q", tag, got, want)
			}
		}
	}
	visit(t, tab, address+"/")
	await(t, tab, "document.body.dataset.state === 'ready'")
	last := assets.Languages()[len(assets.Languages())-1]
	fetched := evaluate[[]string](t, tab, "performance.getEntriesByType('resource').map((e) => e.name.split('/').pop()).filter((n) => n.startsWith('text.'))")
	if len(fetched) != 1 || fetched[0] != "text."+last+".json" {
		t.Errorf("with %s chosen the page fetched %q", last, fetched)
	}
}

// Of two languages that are chosen at once the last counts, though the first one's texts come later.
func TestLastLanguageCounts(t *testing.T) {
	t.Parallel()
	address, _ := serve(t, newServer(builtPage(t), newPool(t).options()))
	tab := chrome(t)
	visit(t, tab, address+"/")
	await(t, tab, "document.body.dataset.state === 'ready'")
	evaluate[bool](t, tab, `(() => {
		const real = window.fetch, language = document.getElementById("language");
		window.fetch = (url, ...rest) => String(url) !== "text.de.json" ? real(url, ...rest) : new Promise((done) => {
			window.late = async () => {
				const texts = await (await real(url)).text();
				done({ok: true, json: async () => JSON.parse(texts)});
				await new Promise((next) => setTimeout(next)); // whatever waited for it has gone on
			};
		});
		for (const tag of ["de", "fr"]) {
			language.value = tag;
			language.dispatchEvent(new Event("change"));
		}
		return true;
	})()`)
	await(t, tab, "document.documentElement.lang === 'fr'")
	evaluate[bool](t, tab, "late().then(() => true)")
	if got, want := evaluate[string](t, tab, "document.documentElement.lang+' '+document.getElementById('start').textContent"), "fr "+assets.Speak("fr").Text("page.start"); got != want {
		t.Errorf("the page is %q, want %q", got, want)
	}
}

// Every word that the program gives for why it does not mine, or why a gateway refuses, has a text. A page cannot meet
// those about proxies, certificates and other kinds of connections: its browser does not tell.
func TestEveryCauseHasAText(t *testing.T) {
	unmet := regexp.MustCompile(`^(address|user|scheme|redirect|changed|pinned|certificate.*|proxy.*|tls|payee)$`)
	english := assets.Speak("en")
	for _, c := range []struct{ file, pattern, family string }{
		{"../../core/stratum/client.go", `\{(?:Err|err|jsonrpc\.|io\.)\w*, "([a-z-]+)", "`, "reason."},
		{"../../core/invite/knock/say.go", `Said\{"([a-z-]+)"`, "invite."},
	} {
		b, err := os.ReadFile(c.file)
		if err != nil {
			t.Fatal(err)
		}
		words := regexp.MustCompile(c.pattern).FindAllStringSubmatch(string(b), -1)
		if len(words) < 8 {
			t.Fatalf("%s has %d words for causes", c.file, len(words))
		}
		for _, m := range words {
			if !unmet.MatchString(m[1]) && english.Text(c.family+m[1]) == "" {
				t.Errorf("%s says %q, and no translation has %s%[2]s", c.file, m[1], c.family)
			}
		}
	}
}

// Without its words the page offers nothing, and says in English why; so it does when another part does not come.
func TestSaysThatAPartIsMissing(t *testing.T) {
	t.Parallel()
	pool := newPool(t)
	page := newServer(builtPage(t), pool.options())
	var blocked atomic.Value
	blocked.Store("nothing")
	address, _ := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, blocked.Load().(string)) {
			http.NotFound(w, r)
			return
		}
		page.ServeHTTP(w, r)
	}))
	tab := chrome(t)
	first(t, tab, `(() => { // watch.js's patience of 15 s, sooner
		const real = window.setTimeout;
		window.setTimeout = (f, ms, ...args) => real(f, ms >= 15_000 ? 500 : ms, ...args);
	})()`)
	want := assets.Speak("en").Text("reason.part")
	for _, part := range []string{"/text.", "/pan.js"} {
		blocked.Store(part)
		visit(t, tab, "about:blank")
		visit(t, tab, address+"/")
		await(t, tab, "document.getElementById('broken').getClientRects().length > 0")
		text := evaluate[string](t, tab, "document.body.innerText")
		if !strings.Contains(text, want) || strings.Contains(text, assets.Speak("en").Text("page.start")) {
			t.Errorf("without %s the page says %q", part, text)
		}
	}
}
