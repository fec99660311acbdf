//go:build !js

package wallet

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"goldpan/wasm/web/browsertest"
)

// inPage runs a test binary and tells what it wrote. A browser has no folders: the tests that run there ask for none.
const inPage = `<!doctype html><title>tests</title><script src="wasm_exec.js"></script><script>
async function tests(name, pattern) {
	let out = "", code = -1;
	const decoder = new TextDecoder();
	globalThis.fs.writeSync = (_, bytes) => { out += decoder.decode(bytes, {stream: true}); return bytes.length; };
	globalThis.process.cwd = () => "/";
	const go = new Go();
	go.argv = [name, "-test.v", "-test.run=" + pattern];
	go.exit = (c) => { code = c; };
	const {instance} = await WebAssembly.instantiateStreaming(fetch(name), go.importObject);
	await go.run(instance);
	return {out, code};
}
</script>`

// TestInBrowser runs the vectors, and the tests of what a browser keeps, compiled to wasm, in Chromium.
func TestInBrowser(t *testing.T) {
	t.Parallel() // it and the nodes mostly wait
	dir := t.TempDir()
	glue, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(glue)), "lib", "wasm", "wasm_exec.js"))
	if err != nil {
		t.Fatal(err)
	}
	write := func(name string, b []byte) {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("wasm_exec.js", b)
	write("index.html", []byte(inPage))
	suites := []struct{ name, pattern, must string }{
		{"hd.test", "^Test", "TestJapaneseVectors"},
		{"uri.test", "^Test", "TestExamplesOfBIP21"},
		{"wallet.test", "^(TestBrowserStorage|TestWalletInBrowser)$", "TestWalletInBrowser"},
	}
	build := exec.Command("go", "test", "-c", "-ldflags=-s -w", "-o", dir+string(filepath.Separator), "./hd", "./uri", ".")
	build.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm", "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	server := httptest.NewServer(http.FileServer(http.Dir(dir)))
	defer server.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 4*browsertest.Patience)
	defer cancel()
	browser, err := browsertest.Launch(ctx, browsertest.Chromium)
	if err != nil {
		t.Fatal(err)
	}
	defer browser.Close()
	if err := browser.Navigate(ctx, server.URL); err != nil {
		t.Fatal(err)
	}
	for _, s := range suites {
		var got struct {
			Out  string
			Code int
		}
		if err := browser.Eval(ctx, fmt.Sprintf("tests(%q, %q)", s.name, s.pattern), &got); err != nil {
			t.Fatal(err)
		}
		if got.Code != 0 || !strings.Contains(got.Out, "--- PASS: "+s.must) {
			t.Errorf("%s: exit code %d\n%s", s.name, got.Code, got.Out)
		}
		for line := range strings.SplitSeq(got.Out, "\n") {
			if strings.Contains(line, " ms") || strings.Contains(line, "persistent") {
				t.Log(strings.TrimSpace(line))
			}
		}
	}
	// Over plain http no wallet is offered, and the sentence says why. phone.test is this machine, and no secure
	// context.
	if err := browser.Navigate(ctx, strings.Replace(server.URL, "127.0.0.1", "phone.test", 1)); err != nil {
		t.Fatal(err)
	}
	var got struct{ Out string }
	if err := browser.Eval(ctx, `tests("wallet.test", "^TestBrowserStorage$")`, &got); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(got.Out, ErrInsecure.Error()) {
		t.Errorf("over plain http:\n%s", got.Out)
	}
}
