package bootstrap

import (
	"fmt"
	"os"

	"anomalydetector/configs"
)

// password is in a file, which is read at each authentication: so a corrected one is
// taken up without a restart.
type password struct {
	path string
	once string // of a pipe, which can be read only once; "" for any other file
}

// begin reads the file for the first time.
func (p *password) begin() error {
	about, err := os.Stat(p.path)
	if err != nil {
		return fmt.Errorf("read sasl_password_file: %w", err)
	}
	text, err := p.get()
	if err == nil && !about.Mode().IsRegular() {
		p.once = text
	}
	return err
}

// get is called by the Kafka client on its goroutines.
func (p *password) get() (string, error) {
	if p.once != "" {
		return p.once, nil
	}
	content, err := os.ReadFile(p.path)
	if err != nil {
		return "", fmt.Errorf("read sasl_password_file: %w", err)
	}
	text := configs.Password(content)
	if text == "" {
		return "", fmt.Errorf("sasl_password_file %s is empty", p.path)
	}
	return text, nil
}
