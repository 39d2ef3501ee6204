package main

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"testing"
)

// TestProfileHasNoPaths: the compiler's profile is of this program, and tells nothing of the machine that it was made on.
func TestProfileHasNoPaths(t *testing.T) {
	stored, err := os.ReadFile("../default.pgo")
	if err != nil {
		t.Fatal(err)
	}
	again, err := withoutPaths(stored)
	if err != nil {
		t.Fatal(err)
	}
	profile := unpack(t, stored)
	if !bytes.Equal(unpack(t, again), profile) {
		t.Error("it has paths")
	}
	if !bytes.Contains(profile, []byte("anomalydetector/detection.(*Window).Add")) {
		t.Error("it knows no scoring: is it of this program?")
	}
}

func unpack(t *testing.T, packed []byte) []byte {
	t.Helper()
	unpacked, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	profile, err := io.ReadAll(unpacked)
	if err != nil {
		t.Fatal(err)
	}
	return profile
}

func TestPathsAreEmptied(t *testing.T) {
	var packed bytes.Buffer
	to := gzip.NewWriter(&packed)
	_, _ = to.Write([]byte("\x32\x00" + "\x32\x03a/b" + "\x32\x05/home" + "\x48\x07"))
	_ = to.Close()
	got, err := withoutPaths(packed.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if profile := unpack(t, got); string(profile) != "\x32\x00"+"\x32\x03a/b"+"\x32\x00"+"\x48\x07" {
		t.Errorf("%q", profile)
	}
	if _, err := withoutPaths([]byte("no profile")); err == nil {
		t.Error("what is no profile was read")
	}
}
