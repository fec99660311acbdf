//go:build !js

package browsertest

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

type webKit struct {
	commands []*exec.Cmd // the display and the driver
	kill     context.CancelFunc
	session  string   // its address
	tabs     []string // handles
}

func startWebKit(ctx context.Context, room string) (driver, error) {
	path, err := program("webkit2gtk-driver", "WebKitWebDriver")
	if err != nil {
		return nil, err
	}
	server, err := program("xvfb", "Xvfb")
	if err != nil {
		return nil, err
	}
	browser, err := miniBrowser()
	if err != nil {
		return nil, err
	}
	life, kill := context.WithCancel(context.WithoutCancel(ctx))
	w := &webKit{kill: kill}
	display, err := w.display(ctx, life, server)
	if err != nil {
		w.close()
		return nil, err
	}
	// The driver takes no port of the system's choice, so one is found that is free now.
	port, err := freePort()
	if err != nil {
		w.close()
		return nil, err
	}
	command := exec.CommandContext(life, path, "--host=127.0.0.1", "--port="+strconv.Itoa(port))
	command.Env = append(os.Environ(), "DISPLAY=:"+display, "HOME="+room, "XDG_RUNTIME_DIR="+room, "XDG_CACHE_HOME="+room,
		"XDG_DATA_HOME="+room, "XDG_CONFIG_HOME="+room, "GDK_BACKEND=x11", "NO_AT_BRIDGE=1", "GTK_A11Y=none",
		"LIBGL_ALWAYS_SOFTWARE=1", "GSETTINGS_BACKEND=memory", "no_proxy=*")
	command.WaitDelay = time.Second
	if err := command.Start(); err != nil {
		w.close()
		return nil, err
	}
	w.commands = append(w.commands, command)
	base := "http://127.0.0.1:" + strconv.Itoa(port)
	for w.call(ctx, http.MethodGet, base+"/status", nil, nil) != nil {
		select {
		case <-ctx.Done():
			w.close()
			return nil, fmt.Errorf("WebKitWebDriver does not answer: %w", ctx.Err())
		case <-time.After(20 * time.Millisecond):
		}
	}
	var made struct {
		ID string `json:"sessionId"`
	}
	err = w.call(ctx, http.MethodPost, base+"/session", object{"capabilities": object{"alwaysMatch": object{
		"webkitgtk:browserOptions": object{"binary": browser, "args": []string{"--automation"}},
		"timeouts":                 object{"script": Patience.Milliseconds() * 10},
	}}}, &made)
	if err == nil && made.ID == "" {
		err = errors.New("WebKitWebDriver gives no session")
	}
	if err != nil {
		w.close()
		return nil, err
	}
	w.session = base + "/session/" + made.ID
	w.tabs = make([]string, 1)
	if err := w.call(ctx, http.MethodGet, w.session+"/window", nil, &w.tabs[0]); err != nil {
		w.close()
		return nil, err
	}
	return w, nil
}

// miniBrowser finds the browser that comes with WebKitGTK, outside of the path.
func miniBrowser() (string, error) {
	for _, pattern := range []string{"/usr/lib/*/webkit2gtk-4.*/MiniBrowser", "/usr/libexec/webkit2gtk-4.*/MiniBrowser", "/usr/lib/*/webkitgtk-6.*/MiniBrowser"} {
		if found, err := filepath.Glob(pattern); err == nil && len(found) > 0 {
			return found[len(found)-1], nil
		}
	}
	return "", errors.New("WebKit's MiniBrowser is missing: install it (Debian: apt-get install webkit2gtk-driver)")
}

// display starts an X server that picks its own number.
func (w *webKit) display(ctx, life context.Context, server string) (string, error) {
	out, in, err := os.Pipe()
	if err != nil {
		return "", err
	}
	defer out.Close()
	command := exec.CommandContext(life, server, "-displayfd", "3", "-screen", "0", "1600x1200x24", "-nolisten", "tcp")
	command.ExtraFiles = []*os.File{in}
	err = command.Start()
	in.Close()
	if err != nil {
		return "", err
	}
	w.commands = append(w.commands, command)
	unhook := context.AfterFunc(ctx, func() { out.Close() })
	defer unhook()
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return "", fmt.Errorf("no display from Xvfb: %w", err)
	}
	return strings.TrimSpace(line), nil
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// call speaks W3C WebDriver.
func (w *webKit) call(ctx context.Context, method, url string, params, result any) error {
	var body io.Reader
	if params != nil {
		b, err := json.Marshal(params)
		if err != nil {
			return err
		}
		body = bytes.NewReader(b)
	}
	request, err := http.NewRequestWithContext(ctx, method, url, body)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	var answer struct {
		Value json.RawMessage `json:"value"`
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		var failed struct{ Error, Message string }
		if err := json.Unmarshal(answer.Value, &failed); err != nil {
			return err
		}
		return fmt.Errorf("%s: %s", failed.Error, failed.Message)
	}
	if result == nil {
		return nil
	}
	return json.Unmarshal(answer.Value, result)
}

func (w *webKit) post(ctx context.Context, path string, params, result any) error {
	return w.call(ctx, http.MethodPost, w.session+path, params, result)
}

func (w *webKit) navigate(ctx context.Context, url string) error {
	return w.post(ctx, "/url", object{"url": url}, nil)
}

func (w *webKit) reload(ctx context.Context) error {
	return w.post(ctx, "/refresh", object{}, nil)
}

func (w *webKit) front(ctx context.Context, tab int) error {
	if tab == len(w.tabs) {
		var made struct {
			Handle string `json:"handle"`
		}
		// A new tab would be hidden behind the first, and nothing brings it to the front.
		if err := w.post(ctx, "/window/new", object{"type": "window"}, &made); err != nil {
			return err
		}
		w.tabs = append(w.tabs, made.Handle)
	}
	return w.post(ctx, "/window", object{"handle": w.tabs[tab]}, nil)
}

func (w *webKit) alone(ctx context.Context) (err error) {
	for _, tab := range w.tabs[1:] {
		err = errors.Join(err, w.post(ctx, "/window", object{"handle": tab}, nil), w.call(ctx, http.MethodDelete, w.session+"/window", nil, nil))
	}
	if len(w.tabs) > 1 {
		err = errors.Join(err, w.post(ctx, "/window", object{"handle": w.tabs[0]}, nil))
	}
	w.tabs = w.tabs[:1]
	return err
}

func (w *webKit) eval(ctx context.Context, expression string) (string, error) {
	var r struct{ Value, Error string }
	err := w.post(ctx, "/execute/async", object{
		"script": "const done = arguments[arguments.length - 1]; " + expression +
			".then((Value) => done({Value}), (e) => done({Error: String(e)}))",
		"args": []any{},
	}, &r)
	if err == nil && r.Error != "" {
		err = errors.New(r.Error)
	}
	return r.Value, err
}

func (w *webKit) click(ctx context.Context, x, y float64) error {
	return w.post(ctx, "/actions", object{"actions": clicking(x, y)}, nil)
}

func (w *webKit) press(ctx context.Context, key Key) error {
	return w.post(ctx, "/actions", object{"actions": pressing(key)}, nil)
}

func (w *webKit) screenshot(ctx context.Context) ([]byte, error) {
	var data string
	if err := w.call(ctx, http.MethodGet, w.session+"/screenshot", nil, &data); err != nil {
		return nil, err
	}
	return base64.StdEncoding.DecodeString(data)
}

// resize sizes the window, and again by what it has around the viewport, until the viewport has followed.
func (w *webKit) resize(ctx context.Context, width, height int) error {
	around := [2]int{}
	for range 20 {
		if err := w.post(ctx, "/window/rect", object{"width": width + around[0], "height": height + around[1]}, nil); err != nil {
			return err
		}
		text, err := w.eval(ctx, `new Promise((done) => setTimeout(() => done([innerWidth, innerHeight, outerWidth, outerHeight].join(" ")), 50))`)
		if err != nil {
			return err
		}
		var inner, outer [2]int
		if _, err := fmt.Sscan(text, &inner[0], &inner[1], &outer[0], &outer[1]); err != nil {
			return err
		}
		if inner == [2]int{width, height} {
			return nil
		}
		around = [2]int{outer[0] - inner[0], outer[1] - inner[1]}
	}
	return fmt.Errorf("webkit's viewport cannot be %d × %d", width, height)
}

func (w *webKit) close() {
	if w.session != "" {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		_ = w.call(ctx, http.MethodDelete, w.session, nil, nil) // it ends the browser; what stays is killed
		cancel()
	}
	w.kill()
	for _, command := range w.commands {
		_ = command.Wait() // it was killed
	}
}
