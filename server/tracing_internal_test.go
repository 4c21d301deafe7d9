package server

import (
	"reflect"
	"testing"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/require"
)

// TestTracingOff checks that trace adds no middleware when tracing is off.
func TestTracingOff(t *testing.T) {
	s := newUnconnected(t)
	require.Nil(t, s.tracing)
	next := echo.HandlerFunc(func(echo.Context) error { return nil })
	require.Equal(t, reflect.ValueOf(next).Pointer(), reflect.ValueOf(s.trace(next)).Pointer())
	var id string
	require.Zero(t, testing.AllocsPerRun(100, func() {
		id = traceID("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	}))
	require.NotEmpty(t, id)
}
