//go:build !js

package browsertest

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"goldpan/core/jsonrpc"
)

// preferences make Firefox quiet, and phone.test this machine.
const preferences = `
user_pref("app.update.disabledForTesting", true);
user_pref("app.normandy.enabled", false);
user_pref("browser.shell.checkDefaultBrowser", false);
user_pref("browser.startup.page", 0);
user_pref("browser.safebrowsing.downloads.enabled", false);
user_pref("browser.safebrowsing.malware.enabled", false);
user_pref("browser.safebrowsing.phishing.enabled", false);
user_pref("browser.safebrowsing.blockedURIs.enabled", false);
user_pref("browser.aboutwelcome.enabled", false);
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("datareporting.healthreport.uploadEnabled", false);
user_pref("dom.security.https_first", false);
user_pref("dom.push.connection.enabled", false);
user_pref("extensions.update.enabled", false);
user_pref("extensions.getAddons.cache.enabled", false);
user_pref("media.gmp-manager.updateEnabled", false);
user_pref("network.captive-portal-service.enabled", false);
user_pref("network.connectivity-service.enabled", false);
user_pref("network.dns.localDomains", "phone.test");
user_pref("network.proxy.type", 0);
user_pref("network.prefetch-next", false);
user_pref("services.settings.server", "http://127.0.0.1:9/none");
user_pref("toolkit.telemetry.server", "http://127.0.0.1:9/none");
user_pref("toolkit.telemetry.enabled", false);
`

type firefox struct {
	command *exec.Cmd
	kill    context.CancelFunc
	conn    jsonrpc.Conn
	context string   // the page's, as BiDi calls it
	tabs    []string // those of all pages

	mu      sync.Mutex
	last    int
	waiting map[int]chan reply
	broken  error // why no reply comes any more
}

// reply is what Firefox answers or tells.
type reply struct {
	Type    string          `json:"type"` // success, error or event
	ID      int             `json:"id"`
	Result  json.RawMessage `json:"result"`
	Error   string          `json:"error"`
	Message string          `json:"message"`
	Method  string          `json:"method"`
	Params  struct {
		Level string `json:"level"`
		Text  string `json:"text"`
	} `json:"params"`
}

func startFirefox(ctx context.Context, room string, faults *faults) (driver, error) {
	path, err := program("firefox-esr", "firefox-esr", "firefox")
	if err != nil {
		return nil, err
	}
	profile := filepath.Join(room, "profile")
	if err := os.Mkdir(profile, 0o700); err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(profile, "user.js"), []byte(preferences), 0o600); err != nil {
		return nil, err
	}
	life, kill := context.WithCancel(context.WithoutCancel(ctx))
	f := &firefox{kill: kill, waiting: map[int]chan reply{}}
	f.command = exec.CommandContext(life, path, "--headless", "--no-remote", "--profile", profile, "--remote-debugging-port", "0", "about:blank")
	f.command.Env = append(os.Environ(), "HOME="+room, "MOZ_CRASHREPORTER_DISABLE=1")
	f.command.WaitDelay = time.Second
	address, err := said(ctx, f.command, "WebDriver BiDi listening on ")
	if err != nil {
		f.close()
		return nil, fmt.Errorf("firefox: %w", err)
	}
	const most = 64 << 20 // bytes of a message: a picture of the page
	if f.conn, err = jsonrpc.Dial(ctx, address+"/session", most); err != nil {
		f.close()
		return nil, err
	}
	go f.read(life, faults)
	var tree struct {
		Contexts []struct {
			Context string `json:"context"`
		} `json:"contexts"`
	}
	if err := errors.Join(
		f.call(ctx, "session.new", object{"capabilities": object{}}, nil),
		f.call(ctx, "session.subscribe", object{"events": []string{"log.entryAdded"}}, nil),
		f.call(ctx, "browsingContext.getTree", object{}, &tree),
	); err != nil {
		f.close()
		return nil, err
	}
	if len(tree.Contexts) == 0 {
		f.close()
		return nil, errors.New("firefox has no page open")
	}
	f.context = tree.Contexts[0].Context
	f.tabs = []string{f.context}
	return f, nil
}

// said starts a command, and returns what follows the given words in a line of its error output.
func said(ctx context.Context, command *exec.Cmd, words string) (string, error) {
	out, in, err := os.Pipe()
	if err != nil {
		return "", err
	}
	command.Stderr = in
	err = command.Start()
	in.Close()
	if err != nil {
		out.Close()
		return "", err
	}
	found := make(chan string, 1)
	go func() { // until the command ends
		defer out.Close()
		defer close(found)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if _, rest, ok := strings.Cut(lines.Text(), words); ok {
				select {
				case found <- strings.TrimSpace(rest):
				default:
				}
			}
		}
	}()
	select {
	case text, ok := <-found:
		if !ok {
			return "", errors.New("it ended at once")
		}
		return text, nil
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

type object map[string]any

// read hands replies to who waits, until the connection ends.
func (f *firefox) read(ctx context.Context, faults *faults) {
	for {
		var r reply
		b, err := f.conn.ReadMessage(ctx)
		if err == nil {
			err = json.Unmarshal(b, &r)
		}
		f.mu.Lock()
		if err != nil {
			f.broken = fmt.Errorf("firefox is gone: %w", err)
			for id, answer := range f.waiting {
				close(answer)
				delete(f.waiting, id)
			}
			f.mu.Unlock()
			return
		}
		if r.Type == "event" {
			if r.Method == "log.entryAdded" && r.Params.Level == "error" {
				faults.add(r.Params.Text)
			}
		} else if answer := f.waiting[r.ID]; answer != nil {
			answer <- r
			delete(f.waiting, r.ID)
		}
		f.mu.Unlock()
	}
}

func (f *firefox) call(ctx context.Context, method string, params object, result any) error {
	answer := make(chan reply, 1)
	f.mu.Lock()
	f.last++
	id := f.last
	broken := f.broken
	f.waiting[id] = answer
	f.mu.Unlock()
	if broken != nil {
		return broken
	}
	b, err := json.Marshal(object{"id": id, "method": method, "params": params})
	if err != nil {
		return err
	}
	if err := f.conn.WriteMessage(ctx, b); err != nil {
		return err
	}
	select {
	case r, ok := <-answer:
		switch {
		case !ok:
			return fmt.Errorf("%s: firefox is gone", method)
		case r.Type != "success":
			return fmt.Errorf("%s: %s: %s", method, r.Error, r.Message)
		case result == nil:
			return nil
		}
		return json.Unmarshal(r.Result, result)
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (f *firefox) navigate(ctx context.Context, url string) error {
	return f.call(ctx, "browsingContext.navigate", object{"context": f.context, "url": url, "wait": "complete"}, nil)
}

func (f *firefox) reload(ctx context.Context) error {
	return f.call(ctx, "browsingContext.reload", object{"context": f.context, "wait": "complete"}, nil)
}

func (f *firefox) front(ctx context.Context, tab int) error {
	if tab == len(f.tabs) {
		var made struct {
			Context string `json:"context"`
		}
		if err := f.call(ctx, "browsingContext.create", object{"type": "tab"}, &made); err != nil {
			return err
		}
		f.tabs = append(f.tabs, made.Context)
	}
	f.context = f.tabs[tab]
	return f.call(ctx, "browsingContext.activate", object{"context": f.context}, nil)
}

func (f *firefox) alone(ctx context.Context) (err error) {
	for _, tab := range f.tabs[1:] {
		err = errors.Join(err, f.call(ctx, "browsingContext.close", object{"context": tab}, nil))
	}
	f.tabs = f.tabs[:1]
	f.context = f.tabs[0]
	return err
}

func (f *firefox) eval(ctx context.Context, expression string) (string, error) {
	var r struct {
		Type   string `json:"type"`
		Result struct {
			Value string `json:"value"`
		} `json:"result"`
		Exception struct {
			Text string `json:"text"`
		} `json:"exceptionDetails"`
	}
	err := f.call(ctx, "script.evaluate", object{
		"expression": expression, "target": object{"context": f.context}, "awaitPromise": true,
	}, &r)
	if err == nil && r.Type != "success" {
		err = errors.New(r.Exception.Text)
	}
	return r.Result.Value, err
}

func (f *firefox) act(ctx context.Context, actions []object) error {
	return f.call(ctx, "input.performActions", object{"context": f.context, "actions": actions}, nil)
}

func (f *firefox) click(ctx context.Context, x, y float64) error { return f.act(ctx, clicking(x, y)) }
func (f *firefox) press(ctx context.Context, key Key) error      { return f.act(ctx, pressing(key)) }

func (f *firefox) screenshot(ctx context.Context) ([]byte, error) {
	var r struct {
		Data string `json:"data"`
	}
	if err := f.call(ctx, "browsingContext.captureScreenshot", object{"context": f.context}, &r); err != nil {
		return nil, err
	}
	return base64.StdEncoding.DecodeString(r.Data)
}

func (f *firefox) resize(ctx context.Context, width, height int) error {
	return f.call(ctx, "browsingContext.setViewport", object{"context": f.context, "viewport": object{"width": width, "height": height}}, nil)
}

func (f *firefox) close() {
	if f.conn != nil {
		// Its children end only if it ends by itself.
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		if f.call(ctx, "browser.close", object{}, nil) == nil {
			time.AfterFunc(10*time.Second, f.kill)
		} else {
			f.kill()
		}
		cancel()
		_ = f.command.Wait() // how it ends says nothing
		_ = f.conn.Close()
	}
	f.kill()
	_ = f.command.Wait()
}

// clicking and pressing are WebDriver's actions, in both of its dialects.
func clicking(x, y float64) []object {
	return []object{{"type": "pointer", "id": "mouse", "parameters": object{"pointerType": "mouse"}, "actions": []object{
		{"type": "pointerMove", "x": int(x), "y": int(y), "origin": "viewport", "duration": 0},
		{"type": "pointerDown", "button": 0}, {"type": "pointerUp", "button": 0},
	}}}
}

func pressing(key Key) []object {
	return []object{{"type": "key", "id": "keys", "actions": []object{
		{"type": "keyDown", "value": string(rune(key))}, {"type": "keyUp", "value": string(rune(key))},
	}}}
}
