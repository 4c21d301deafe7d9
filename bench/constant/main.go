// Command constant responds to every request with the same bytes through Echo.
// Its throughput is the maximum of the machine, its loopback interface and the
// HTTP stack that Byline uses.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"syscall"

	"github.com/labstack/echo/v4"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:8081", "where to listen")
	size := flag.Int("size", 2900, "length of the response in bytes")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *addr, *size); err != nil {
		fmt.Fprintln(os.Stderr, "constant:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, addr string, size int) error {
	if size < 2 {
		return errors.New("--size must be at least 2")
	}
	body := append(append([]byte{'"'}, bytes.Repeat([]byte{'x'}, size-2)...), '"')
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	length := strconv.Itoa(size)
	e.GET("/*", func(c echo.Context) error {
		// Without Content-Length, net/http sends chunks from 2 KB on, which
		// costs more.
		c.Response().Header().Set(echo.HeaderContentLength, length)
		return c.JSONBlob(http.StatusOK, body)
	})
	context.AfterFunc(ctx, func() { _ = e.Close() })
	if err := e.Start(addr); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
