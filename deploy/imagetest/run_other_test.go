//go:build !linux

package imagetest_test

import "testing"

func requireRuns(t *testing.T, _ string, _ config) { t.Skip("the image is for Linux") }
