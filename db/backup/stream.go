package backup

import (
	"context"
	"errors"
	"io"
)

// reading returns what r has until ctx ends, also while r waits for somebody to
// write: closing a file does not end a read of it. The caller must give end its
// error, which is that of ctx afterwards if that is why the stream has ended.
func reading(ctx context.Context, r io.Reader) (_ io.Reader, end func(*error)) {
	out, in := io.Pipe()
	go func() {
		_, err := io.Copy(in, r)
		_ = in.CloseWithError(err)
	}()
	stop := context.AfterFunc(ctx, func() { _ = in.CloseWithError(ctx.Err()) })
	return out, func(err *error) {
		stop()
		_ = out.Close()
		if ctx.Err() != nil && errors.Is(*err, ErrRefused) {
			*err = ctx.Err()
		}
	}
}

// writing returns a writer to w which fails when ctx ends, also while w waits for
// somebody to read. The caller must call end, which waits until all is written,
// and returns why it is not.
func writing(ctx context.Context, w io.Writer) (_ io.Writer, end func() error) {
	out, in := io.Pipe()
	written := make(chan error, 1)
	go func() {
		_, err := io.Copy(w, out)
		_ = out.CloseWithError(err) // the next write fails with it
		written <- err
	}()
	stop := context.AfterFunc(ctx, func() { _ = out.CloseWithError(ctx.Err()) })
	return in, func() error {
		defer stop()
		_ = in.Close()
		select {
		case err := <-written:
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// stopped returns the error of ctx for an error that has come after ctx has
// ended. pgx returns that of the closed connection, too.
func stopped(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}
