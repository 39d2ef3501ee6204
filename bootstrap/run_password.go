package bootstrap

import (
	"fmt"
	"os"

	"anomalydetector/configs"
)

// password is that or a token. It reads a file at each authentication, so that a corrected password needs no restart.
type password struct {
	key  string // of [kafka], which names the file
	path string
	once string // the content of a pipe, which can be read only once; "" for any other file
}

// begin reads the file for the first time.
func (p *password) begin() error {
	about, err := os.Stat(p.path)
	if err != nil {
		return fmt.Errorf("read %s: %w", p.key, err)
	}
	text, err := p.get()
	if err == nil && !about.Mode().IsRegular() {
		p.once = text
	}
	return err
}

// get returns the password. The Kafka client calls it on goroutines of its own.
func (p *password) get() (string, error) {
	if p.once != "" {
		return p.once, nil
	}
	content, err := os.ReadFile(p.path)
	if err != nil {
		return "", fmt.Errorf("read %s: %w", p.key, err)
	}
	text := configs.Password(content)
	if text == "" {
		return "", fmt.Errorf("%s %s is empty", p.key, p.path)
	}
	return text, nil
}
