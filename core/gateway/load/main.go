//go:build !js

// Load fills a gateway with devices until the house is full, and measures it: memory a device, how soon new work is
// everywhere, how many shares a second are checked, and whether any is lost.
//
// The gateway runs in a process of its own on one processor, pool and devices in another process on another. Everything
// stays on loopback, and the number of devices has a bound. It exits with 1 when a figure misses its bound. Memory and
// processor time are read as Linux tells them.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
)

const most = 20_000 // devices

func main() {
	log := func(err error) {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
	devices := flag.Int("devices", 15_000, "how many devices fill the house")
	shares := flag.Int("shares", 12, "how many shares each sends")
	role := flag.String("role", "", "house or crowd; set by load itself")
	pool := flag.String("pool", "", "where a house mines; set by load itself")
	cpu := flag.String("cpu", "", "the processor for houses; set by load itself")
	flag.Parse()
	if *devices < 400 || *devices > most || *shares < 1 || *shares > 1000 {
		log(fmt.Errorf("between 400 and %d devices, and between 1 and 1000 shares", most))
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	var err error
	switch *role {
	case "house":
		err = keep(ctx, *pool, *devices, os.Stdin, os.Stdout)
	case "crowd":
		err = measure(ctx, *devices, *shares, *cpu, os.Stdout)
	default:
		err = part(ctx)
	}
	if err != nil {
		log(err)
	}
}

// part starts the crowd on one processor, which starts houses on another.
func part(ctx context.Context) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	args := append([]string{self, "-role", "crowd"}, os.Args[1:]...)
	cpus := allowed()
	if _, err := exec.LookPath("taskset"); err == nil && len(cpus) > 1 {
		args = append([]string{"taskset", "-c", cpus[1], self, "-role", "crowd", "-cpu", cpus[0]}, os.Args[1:]...)
	} else {
		fmt.Println("There is no taskset here, or but one processor: house and crowd get in each other's way.")
	}
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	var failed *exec.ExitError
	if err := cmd.Run(); errors.As(err, &failed) {
		return errors.New("not all is as it should be")
	} else if err != nil {
		return err
	}
	return nil
}
