// Checks a log with the Go team's own packages: the checkpoint's signature, one entry's inclusion, one older root.
// Arguments: vkey, tlog-proof file, entry file, older size, base64 older root, base64 consistency hashes...
package main

import (
	"encoding/base64"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func hash(text string) tlog.Hash {
	hash, err := tlog.ParseHash(text)
	must(err)
	return hash
}

func main() {
	verifier, err := note.NewVerifier(os.Args[1])
	must(err)
	text, err := os.ReadFile(os.Args[2])
	must(err)
	parts := strings.SplitN(string(text), "\n\n", 2)
	opened, err := note.Open([]byte(parts[1]), note.VerifierList(verifier))
	must(err)
	lines := strings.Split(opened.Text, "\n")
	size, err := strconv.ParseInt(lines[1], 10, 64)
	must(err)
	root := hash(lines[2])
	head := strings.Split(parts[0], "\n")
	index, err := strconv.ParseInt(strings.TrimPrefix(head[1], "index "), 10, 64)
	must(err)
	var proof tlog.RecordProof
	for _, line := range head[2:] {
		proof = append(proof, hash(line))
	}
	entry, err := os.ReadFile(os.Args[3])
	must(err)
	must(tlog.CheckRecord(proof, size, root, index, tlog.RecordHash(entry)))
	old, err := strconv.ParseInt(os.Args[4], 10, 64)
	must(err)
	var consistency tlog.TreeProof
	for _, text := range os.Args[6:] {
		consistency = append(consistency, hash(text))
	}
	must(tlog.CheckTree(consistency, size, root, old, hash(os.Args[5])))
	raw := base64.StdEncoding.EncodeToString(root[:])
	fmt.Printf("%d %s %d unknown signatures\n", size, raw, len(opened.UnverifiedSigs))
}
