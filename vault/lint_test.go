//go:build !js

package vault_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// exposing are the files that may look into a Secret, each for a reason: they
// sign, send, store, or seal.
var exposing = []string{
	"vault/authorize.go", "vault/broker.go", "vault/credential.go", "vault/life.go", "vault/move.go", "vault/oauth.go", "vault/secret.go", "vault/send.go",
	"vault/sign_binance.go", "vault/sign_coinbase.go", "vault/sign_kraken.go", "vault/sign_okx.go", "vault/sign_plain.go", "vault/sign_viabtc.go",
	"app/desk/clipboard.go", "vault/vault.go", "vault/sealed/passphrase.go", "vault/sealed/sealed.go",
}

// telling are calls whose arguments somebody reads: a person, a log, an error.
var telling = []string{"fmt", "log", "slog", "errors"}

// tellingMethods are the same by name, whatever they belong to.
var tellingMethods = []string{"say", "print", "emit", "fail", "Print", "Printf", "Println", "Info", "Warn", "Error", "Errorf", "Debug", "Log", "Logf", "note"}

// leaks says what in a file tells of secrets.
func leaks(name string, f *ast.File) []string {
	var found []string
	inVault := strings.HasPrefix(name, "vault/")
	for _, i := range f.Imports {
		path := strings.Trim(i.Path.Value, `"`)
		if inVault && (path == "log" || path == "log/slog" && name != "vault/secret.go") {
			found = append(found, "the vault keeps no log: it imports "+path)
		}
	}
	ast.Inspect(f, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		selector, ok := call.Fun.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		method := selector.Sel.Name
		if method == "Expose" && len(call.Args) == 0 && !slices.Contains(exposing, name) {
			found = append(found, "it looks into a Secret")
		}
		of, _ := selector.X.(*ast.Ident)
		pkg := of != nil && slices.Contains(telling, of.Name)
		if inVault && of != nil && of.Name == "fmt" && strings.HasPrefix(method, "Print") {
			found = append(found, "the vault prints nothing")
		}
		if !pkg && !slices.Contains(tellingMethods, method) {
			return true
		}
		for _, arg := range call.Args {
			ast.Inspect(arg, func(n ast.Node) bool {
				if s, ok := n.(*ast.SelectorExpr); ok && (s.Sel.Name == "Expose" || s.Sel.Name == "RawQuery" && inVault) {
					found = append(found, "a secret, or a query that may hold one, goes to "+method)
				}
				return true
			})
		}
		return true
	})
	return found
}

// No code of the vault or of the programs prints, logs or wraps into an error
// what a Secret holds.
func TestNothingTellsSecrets(t *testing.T) {
	set, files := token.NewFileSet(), 0
	for _, part := range []string{"vault", "app", "wallet", "core"} {
		err := filepath.WalkDir(filepath.Join("..", part), func(path string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			f, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			files++
			name := filepath.ToSlash(strings.TrimPrefix(path, ".."+string(filepath.Separator)))
			for _, what := range leaks(name, f) {
				t.Errorf("%s: %s", name, what)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if files < 100 {
		t.Errorf("%d files were looked at: the tree is elsewhere", files)
	}
}

// The rule finds what it is there to find.
func TestLeaksAreFound(t *testing.T) {
	for what, source := range map[string]string{
		"print": `fmt.Println(s.Expose())`, "error": `_ = fmt.Errorf("%s", string(s.Expose()))`, "new": `_ = errors.New("x" + string(s.Expose()))`,
		"log": `slog.Info("x", "v", s.Expose())`, "say": `t.say("%s", s.Expose())`, "method": `log.Printf("%q", f(s.Expose()))`, "query": `_ = fmt.Errorf("%s", u.RawQuery)`,
	} {
		f, err := parser.ParseFile(token.NewFileSet(), "x.go", "package x\nfunc g() { "+source+" }", 0)
		if err != nil {
			t.Fatal(err)
		}
		if len(leaks("vault/secret.go", f)) == 0 {
			t.Errorf("%s: not found", what)
		}
	}
	f, err := parser.ParseFile(token.NewFileSet(), "x.go", "package x\nfunc g() { use(s.Expose()) }", 0)
	if err != nil {
		t.Fatal(err)
	}
	if len(leaks("app/cli/key.go", f)) != 1 || len(leaks("vault/send.go", f)) != 0 {
		t.Error("looking into a Secret is found in the wrong places")
	}
}
