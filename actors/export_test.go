package actors

// SetPoison has a test called with each message before it is taken: it may panic.
func (c *Config) SetPoison(poison func(actor string, message any)) { c.poison = poison }
