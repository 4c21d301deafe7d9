//go:build !unix

package mysqltest

import "syscall"

// unprivileged returns how to start a program. Only Unix refuses some accounts.
func unprivileged(string) (*syscall.SysProcAttr, error) { return nil, nil }
