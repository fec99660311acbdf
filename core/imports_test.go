package core_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "goldpan/"

// leaves may be imported by everything of ours.
var leaves = []string{"core/coin", "core/disk", "core/hasher", "core/hasher/kernel", "core/invite", "core/invite/knock", "core/jsonrpc", "core/seal", "core/vardiff"}

// layer is what one part of the tree may import of Goldpan. A package falls under
// the first layer whose pattern matches its path.
type layer struct {
	part   string   // pattern of path.Match with a trailing /... for a whole folder
	may    []string // the same patterns; "leaves" stands for the leaves
	reason string
}

var layers = []layer{
	{"core/hasher/kernel", nil, "a kernel is bytes and their layout"},
	{"core/hasher", []string{"core/hasher/kernel"}, "hasher is a leaf: Work in, Hits out"},
	{"core/coin", []string{"core/hasher", "assets/presets"}, "coin is a leaf: what a coin is, from its data file, and its algorithm's name"},
	{"core/coin/cointest", []string{"core/coin"}, "cointest hands tests what they need of package coin"},
	{"core/disk", nil, "disk is a leaf: what a disk needs that the standard library does not do"},
	{"core/jsonrpc", nil, "jsonrpc is a leaf: it carries messages and knows none"},
	{"core/invite/knock", []string{"core/invite", "core/jsonrpc"}, "knock is a leaf: a handshake over a connection"},
	{"core/invite", nil, "invite is a leaf"},
	{"core/seal", nil, "seal is a leaf: bytes in, bytes out"},
	{"core/vardiff", nil, "vardiff is a leaf: arithmetic alone"},
	{"core/pow", []string{"leaves"}, "pow is the layer right above hasher, without I/O"},
	{"core/stratum", []string{"leaves", "core/pow"}, "stratum hands jobs on and never hashes: Session joins it to the engine"},
	{"core/engine", []string{"leaves", "core/pow"}, "engine hashes jobs and knows no pool: Session joins it to stratum"},
	{"core/engine/machine", []string{"core/engine"}, "machine tells the engine of the computer, and knows no mining"},
	{"core/template", []string{"leaves", "core/pow"}, "template makes jobs and never hashes"},
	{"core/watch", []string{"leaves", "core/pow"}, "watch counts and knows neither pool nor lanes"},
	{"core/practice/...", []string{"leaves", "core/pow", "core/stratum", "core/template", "core/practice/...", "wallet/electrum/message"},
		"practice plays pool and wallet server; of the wallet it may know the messages alone"},
	{"core/gateway/accounts", []string{"leaves"}, "accounts count what they are told"},
	{"core/gateway/load", []string{"leaves", "core/pow", "core/stratum", "core/gateway"}, "load plays a pool and a full house for the gateway"},
	{"core/gateway", []string{"leaves", "core/pow", "core/stratum"}, "gateway passes jobs on, and knows neither who keeps its accounts nor who hashes"},
	{"core/economy", []string{"leaves", "core/pow"}, "economy calculates"},
	{"core/ledger", []string{"leaves"}, "ledger writes down what it is told"},
	{"core", []string{"leaves", "core/pow", "core/stratum", "core/engine", "core/template", "core/watch"},
		"a Session joins pool and engine; desk joins it to wallet and vault"},
	{"wallet/electrum/message", nil, "the messages are shared with the practice network's server"},
	{"wallet/tx", []string{"leaves", "core/pow", "wallet/hd"}, "tx calculates and signs: it asks nobody and keeps nothing"},
	{"wallet/...", []string{"leaves", "core/pow", "wallet/..."}, "the wallet knows no mining and no vault: desk hands it what it needs"},
	{"vault/exchange/fake", nil, "fake checks signatures by code of its own"},
	{"vault/reply", nil, "reply reads what it is given"},
	{"vault/limit", []string{"core/seal", "vault"}, "limit knows what a request is, and no provider's client"},
	{"vault/policy", []string{"vault"}, "policy judges what it is told"},
	{"vault/exchange", []string{"vault", "vault/policy", "vault/reply"}, "an exchange is asked through the Broker, which knows no exchange"},
	{"vault/poolapi", []string{"vault", "vault/reply"}, "a pool is asked through the Broker, which knows no pool"},
	{"vault", []string{"leaves"}, "the vault knows nobody: secrets are used through it"},
	{"vault/...", []string{"leaves", "vault/..."}, "the vault knows nobody: secrets are used through it"},
	{"assets", nil, "assets is data"},
	{"assets/presets", nil, "presets are data, which core/coin alone reads"},
	{"wasm/web/browsertest", []string{"leaves"}, "browsertest drives browsers and knows no page"},
	{"wasm/web/bench", []string{"leaves", "core/pow", "core/stratum", "wasm/web", "wasm/web/browsertest"}, "bench measures the page, at a pool of its own"},
	{"wasm/web/...", []string{"leaves", "assets"}, "web serves files, and hands its sockets to whoever opened it"},
	{"wasm/wallet/...", []string{"leaves", "core/pow", "wallet/...", "wasm/wallet/..."}, "the page's wallet is the wallet, and mines nothing"},
	{"wasm", []string{"leaves", "core", "core/pow", "core/stratum", "core/engine", "core/watch", "core/economy", "wallet/...", "assets"},
		"the page has no vault, gateway, practice or ledger: nothing secret, nothing that listens"},
	{"app/desk/config", []string{"leaves", "core/engine", "core/stratum"}, "config reads and writes settings, and starts nothing"},
	{"app/desk/api", []string{"leaves", "core", "core/pow", "core/engine", "core/watch"}, "api tells programs on this machine what a Snapshot holds, and knows neither wallet nor vault"},
	{"app/desk/home", []string{"leaves", "core/pow", "core/stratum", "core/gateway", "core/gateway/accounts", "wasm/web"},
		"home serves the household's devices, and knows neither wallet nor vault"},
	{"app/desk/purse", []string{"leaves", "core/pow", "app/desk", "wallet/...", "vault"}, "purse keeps wallets open for a screen, through desk and wallet; the vault it knows by its errors"},
	{"app/desk", []string{"app/desk/...", "leaves", "core/...", "wallet/...", "vault/...", "wasm/web", "assets"}, "desk joins core, wallet and vault, and shows nothing"},
	{"app/ui/...", []string{"leaves", "core", "core/pow", "core/engine", "core/watch", "core/economy", "wallet", "app/desk/...", "app/ui/...", "assets"},
		"a screen reads Snapshots and calls desk"},
	{"app/cli/...", []string{"core/...", "wallet/...", "vault/...", "app/desk/...", "app/cli/...", "assets"}, "the terminal program has no window"},
	{"app", []string{"leaves", "core", "app/desk", "app/ui/...", "assets"}, "main wires"},
}

// target is a system that packages are listed for.
type target struct{ os, arch string }

var targets = []target{{"linux", "amd64"}, {"windows", "amd64"}, {"darwin", "arm64"}, {"js", "wasm"}}

func (t target) String() string { return t.os + "/" + t.arch }

// listed is what go list says of a package.
type listed struct {
	ImportPath string
	Dir        string
	Standard   bool
	GoFiles    []string
	CgoFiles   []string
	Imports    []string
	Deps       []string
}

func (p listed) ours() bool { return strings.HasPrefix(p.ImportPath, module) }

// part is the package's folder in the tree.
func (p listed) part() string { return strings.TrimPrefix(p.ImportPath, module) }

// list asks go list for a target, with cgo where the window needs it.
func list(t *testing.T, to target, cgo bool, patterns ...string) map[string]listed {
	t.Helper()
	cmd := exec.Command("go", append([]string{"list", "-e", "-deps", "-json=ImportPath,Dir,Standard,GoFiles,CgoFiles,Imports,Deps"}, patterns...)...)
	cmd.Dir = ".."
	cmd.Env = append(os.Environ(), "GOOS="+to.os, "GOARCH="+to.arch, "CGO_ENABLED=0")
	if cgo {
		cmd.Env = append(cmd.Env, "CGO_ENABLED=1")
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list for %v: %v\n%s", to, err, stderr.Bytes())
	}
	found := map[string]listed{}
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		found[p.ImportPath] = p
	}
	return found
}

// seeTree reads every folder, so that go test knows what these tests depend on
// and runs them again when a file comes or goes.
func seeTree(t *testing.T) {
	t.Helper()
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if name := d.Name(); len(name) > 2 && name[0] == '.' || name == "bin" || name == "node_modules" || name == "dist" || name == "testdata" {
				return fs.SkipDir
			}
			return nil
		}
		if strings.HasSuffix(path, ".go") {
			_, err = os.Stat(path)
			if errors.Is(err, fs.ErrNotExist) {
				err = nil // a file that somebody is just writing
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func matches(pattern, part string) bool {
	if folder, ok := strings.CutSuffix(pattern, "/..."); ok {
		return part == folder || strings.HasPrefix(part, folder+"/")
	}
	return part == pattern
}

func layerOf(part string) (layer, bool) {
	i := slices.IndexFunc(layers, func(l layer) bool { return matches(l.part, part) })
	if i < 0 {
		return layer{}, false
	}
	return layers[i], true
}

func (l layer) allows(part string) bool {
	for _, m := range l.may {
		if m == "leaves" {
			if slices.Contains(leaves, part) {
				return true
			}
		} else if matches(m, part) {
			return true
		}
	}
	return false
}

// forbidden tells why a package may not import another of ours; "" if it may.
func forbidden(from, to string) string {
	l, ok := layerOf(from)
	switch {
	case !ok:
		return fmt.Sprintf("%s is in no layer: give it one in core/imports_test.go and in core/doc.go", from)
	case to == "app" || to == "wasm":
		return fmt.Sprintf("%s imports %s: nothing imports a program", from, to)
	case !l.allows(to):
		return fmt.Sprintf("%s imports %s: %s", from, to, l.reason)
	}
	return ""
}

func TestDirection(t *testing.T) {
	seeTree(t)
	for _, to := range targets {
		for _, p := range list(t, to, to.os != "js", "./...") {
			if !p.ours() {
				continue
			}
			if _, ok := layerOf(p.part()); !ok {
				t.Errorf("%v: %s", to, forbidden(p.part(), ""))
				continue
			}
			for _, i := range p.Imports {
				if other, ok := strings.CutPrefix(i, module); ok {
					if why := forbidden(p.part(), other); why != "" {
						t.Errorf("%v: %s", to, why)
					}
				}
			}
		}
	}
}

// ban keeps a package of others to the parts of ours that have a use for it.
type ban struct {
	what   *regexp.Regexp
	only   []string
	reason string
}

var bans = []ban{
	{regexp.MustCompile(`^fyne\.io/`), []string{"app", "app/ui/..."}, "nothing outside app imports Fyne"},
	{regexp.MustCompile(`^github\.com/zalando/go-keyring`), []string{"vault/keyring/..."}, "the system's keyring is reached through vault/keyring, which bounds each call in time"},
	{regexp.MustCompile(`^github\.com/godbus/dbus`), []string{"vault/keyring/...", "core/engine/machine", "app/desk", "app/ui/..."}, "the session bus is for the keyring and for power"},
	{regexp.MustCompile(`^github\.com/tyler-smith/go-bip39`), []string{"wallet/hd"}, "words become keys in wallet/hd alone, which normalises them first"},
	{regexp.MustCompile(`^github\.com/(coder|gorilla)/websocket`), []string{"core/jsonrpc"}, "sockets are opened and bounded in core/jsonrpc"},
	{regexp.MustCompile(`^filippo\.io/age`), []string{"core/seal"}, "what is sealed is sealed in core/seal, which caps the work factor"},
	{regexp.MustCompile(`^github\.com/btcsuite/btcd/(blockchain|database|mempool|mining)`), []string{"core/practice/..."}, "only the practice network keeps a chain"},
	{regexp.MustCompile(`^github\.com/chromedp/`), []string{"wasm/web/browsertest"}, "a browser is driven by tests alone"},
	{regexp.MustCompile(`^github\.com/tetratelabs/wazero`), nil, "the page's kernel is run outside a browser by tests alone"},
	{regexp.MustCompile(`^go\.uber\.org/goleak`), nil, "leaks are looked for by tests alone"},
	{regexp.MustCompile(`^github\.com/prometheus/`), []string{"app/desk/api"}, "what is measured is told through app/desk/api, on this machine alone"},
	{regexp.MustCompile(`^modernc\.org/`), []string{"core/gateway/accounts", "core/ledger"}, "a database is for what must be exact across a power cut"},
	{regexp.MustCompile(`^testing$`), []string{"core/coin/cointest", "vault/vaulttest/...", "wasm/web/browsertest"}, "a program holds no tests"},
	{regexp.MustCompile(`^net/http$`), []string{
		"core/jsonrpc", "core/template", "core/economy", "core/gateway", "core/gateway/load", "vault/...", "wasm/web/...", "app/desk", "app/desk/api", "app/desk/home", "app/cli/..."},
		"nothing is contacted that the person has not seen listed: http has few doors"},
	{regexp.MustCompile(`^(plugin|net/rpc)$`), nil, "no code and no orders from elsewhere"},
	{regexp.MustCompile(`^(expvar|net/http/pprof)$`), nil, "nothing opens a door for inspection"},
}

func TestBans(t *testing.T) {
	seeTree(t)
	for _, to := range targets {
		for _, p := range list(t, to, to.os != "js", "./...") {
			if !p.ours() {
				continue
			}
			for _, i := range p.Imports {
				for _, b := range bans {
					if b.what.MatchString(i) && !slices.ContainsFunc(b.only, func(o string) bool { return matches(o, p.part()) }) {
						t.Errorf("%v: %s imports %s: %s", to, p.part(), i, b.reason)
					}
				}
			}
		}
	}
}

// What is linked into a program, however far down, is judged here.
func TestPrograms(t *testing.T) {
	seeTree(t)
	for _, c := range []struct {
		program string
		targets []target
		never   *regexp.Regexp
		reason  string
	}{
		{"app/cli", targets[:3], regexp.MustCompile(`^(fyne\.io/|goldpan/app/ui|github\.com/go-gl/)`), "goldpan builds without a window"},
		{"wasm", targets[3:], regexp.MustCompile(`^(fyne\.io/|goldpan/(vault|core/gateway|core/practice|core/ledger|app)(/|$)|github\.com/zalando/go-keyring|github\.com/prometheus|modernc\.org|github\.com/btcsuite/btcd/(blockchain|database|mempool|mining))`),
			"the page has no vault, gateway, practice or ledger, and no window"},
		{"core", targets, regexp.MustCompile(`^goldpan/((wallet|vault|app|wasm)(/|$)|assets$)`), "core, wallet and vault do not know each other"},
		{"wallet", targets, regexp.MustCompile(`^goldpan/((vault|app|wasm|core/(stratum|engine|practice|gateway|template))(/|$)|assets$)`), "core, wallet and vault do not know each other"},
		{"vault", targets, regexp.MustCompile(`^goldpan/(wallet|app|wasm|assets|core/(stratum|engine|practice|gateway|template|pow))(/|$)`), "core, wallet and vault do not know each other"},
	} {
		for _, to := range c.targets {
			root, ok := list(t, to, false, "./"+c.program)[module+c.program]
			if !ok {
				t.Errorf("%v: there is no %s", to, c.program)
				continue
			}
			for _, d := range root.Deps {
				if c.never.MatchString(d) {
					t.Errorf("%v: %s links %s: %s", to, c.program, d, c.reason)
				}
			}
		}
	}
}

func TestGoldpanNeedsNoCgo(t *testing.T) {
	seeTree(t)
	for path, p := range list(t, targets[0], true, "./app/cli") {
		if !p.Standard && len(p.CgoFiles) > 0 {
			t.Errorf("app/cli links %s, which is cgo: goldpan is built without a C compiler", path)
		}
	}
}

// disk is what a browser has not: files and listening sockets.
var disk = map[string]*regexp.Regexp{
	"os":       regexp.MustCompile(`^(Create|CreateTemp|Mkdir|MkdirAll|MkdirTemp|Open|OpenFile|OpenRoot|ReadDir|ReadFile|Remove|RemoveAll|Rename|WriteFile)$`),
	"net":      regexp.MustCompile(`^(FileListener|Listen|ListenIP|ListenMulticastUDP|ListenPacket|ListenTCP|ListenUDP|ListenUnix|ListenUnixgram)$`),
	"net/http": regexp.MustCompile(`^(ListenAndServe|ListenAndServeTLS|Serve|ServeTLS)$`),
}

// Two rules are about files: only *_js.go imports syscall/js, and what needs a
// disk or a listening socket is not compiled for the browser.
func TestBrowserFiles(t *testing.T) {
	seeTree(t)
	for _, p := range list(t, targets[3], false, "./...") {
		if !p.ours() || matches("app/...", p.part()) {
			continue // app is made for no browser
		}
		for _, name := range p.GoFiles {
			path := filepath.Join(p.Dir, name)
			set := token.NewFileSet()
			file, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
			if err != nil {
				t.Errorf("%s/%s: %v", p.part(), name, err)
				continue
			}
			checkBrowserFile(t, set, p.part()+"/"+name, file)
		}
	}
}

func checkBrowserFile(t *testing.T, set *token.FileSet, name string, file *ast.File) {
	t.Helper()
	names := map[string]string{} // local name → import path
	for _, spec := range file.Imports {
		path, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if path == "syscall/js" && !strings.HasSuffix(name, "_js.go") {
			t.Errorf("%s imports syscall/js: only *_js.go does", name)
		}
		local := path[strings.LastIndex(path, "/")+1:]
		if spec.Name != nil {
			local = spec.Name.Name
		}
		names[local] = path
	}
	ast.Inspect(file, func(n ast.Node) bool {
		s, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if id, ok := s.X.(*ast.Ident); ok {
			if banned := disk[names[id.Name]]; banned != nil && banned.MatchString(s.Sel.Name) {
				t.Errorf("%s:%d uses %s.%s: what needs a disk or a listening socket is //go:build !js", name, set.Position(s.Pos()).Line, id.Name, s.Sel.Name)
			}
		}
		return true
	})
}

// The rules themselves: a rule that never bites proves nothing.
func TestForbiddenBites(t *testing.T) {
	for _, c := range []struct {
		from, to string
		banned   bool
	}{
		{"core/stratum", "core/engine", true},
		{"core/engine", "core/stratum", true},
		{"core/hasher", "core/pow", true},
		{"core/pow", "core/hasher", false},
		{"core", "wallet", true},
		{"core", "core/engine", false},
		{"wallet/hd", "core/coin", false},
		{"wallet", "core/practice", true},
		{"wallet", "vault", true},
		{"vault/keyring", "core/pow", true},
		{"vault/sealed", "core/seal", false},
		{"core/practice", "wallet/electrum/message", false},
		{"core/practice", "wallet/electrum", true},
		{"wasm", "vault", true},
		{"wasm", "core/practice", true},
		{"app/ui", "core/practice", true},
		{"app/ui", "app/desk", false},
		{"app/cli", "app/ui", true},
		{"app/desk", "vault/keyring", false},
		{"core/nobody", "core/coin", true},
		{"app/desk", "app", true},
		{"app/desk/purse", "wallet/hd", false},
		{"app/desk/purse", "core/stratum", true},
	} {
		if why := forbidden(c.from, c.to); (why != "") != c.banned {
			t.Errorf("%s → %s: %q, banned %v", c.from, c.to, why, c.banned)
		}
	}
}
