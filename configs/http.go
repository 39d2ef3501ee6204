package configs

import "strings"

// DefaultHTTP is the host:port of page and metrics if a configuration gives none.
const DefaultHTTP = "127.0.0.1:8080"

// healthVariable names one more address of health. It overrides no key: the container image sets it for its
// HEALTHCHECK, and health_listen in a file is for probes from elsewhere.
const healthVariable = "DETECTOR_HEALTH"

// off is the value for no address.
const off = "off"

// http reads [http].
func (r *reading) http() HTTP {
	const section, listen, insecure = "http", "DETECTOR_HTTP", "DETECTOR_HTTP_INSECURE"
	_, given := r.doc.sections[section]["listen"]
	h := HTTP{
		Listen:        r.listen(section, "listen", DefaultHTTP, listen),
		Default:       !given && r.env(listen) == "",
		WebConfigFile: r.optional(section, "web_config_file", ""),
		Insecure:      r.booleanOr(section, "insecure", false, insecure),
		HealthListen:  r.listen(section, "health_listen", "", ""),
		Health:        r.listen(section, healthVariable, "", healthVariable),
		Given:         len(r.doc.sections[section]) > 0 || r.env(listen) != "" || r.env(insecure) != "",
	}
	r.exists(section, "web_config_file", h.WebConfigFile)
	if h.HealthListen != "" && h.HealthListen == h.Listen {
		r.fail(section, "health_listen", "it is the address of listen, too", "want another one, or no such line: health is at listen in any case")
	}
	if h.Health != "" && (h.Health == h.Listen || h.Health == h.HealthListen) {
		r.failVariable(healthVariable, h.Health+" is an address of [http], too", "want another one, or off")
	}
	if h.WebConfigFile != "" && h.Insecure {
		if r.env(insecure) == "" {
			r.fail(section, "insecure", "it is on, but web_config_file is given", "want one or the other")
		}
		h.Insecure = false // the container image sets the variable; the file counts for more
	}
	switch {
	case h.Listen == "" || loopback(h.Listen) || h.WebConfigFile != "":
	case h.Insecure:
		r.warn(section, "insecure", "insecure: anybody who reaches "+h.Listen+" can see what is watched, its state and its windows; "+
			"to prevent it, give [http] web_config_file with TLS and passwords, or listen on a loopback address")
	default:
		r.failEither(section, "listen", listen, h.Listen+" is not on loopback, and nothing protects it",
			"want [http] web_config_file, or a loopback address, or insecure = yes, or off")
	}
	return h
}

// listen reads an address to listen on; "" for off.
func (r *reading) listen(section, key, fallback, variable string) string {
	text := r.get(section, key, fallback, variable)
	if text == "" || strings.EqualFold(text, off) {
		return ""
	}
	address, ok := withPort(text)
	if !ok {
		const expected = "want host:port, such as 127.0.0.1:8080, or off"
		if variable != "" && r.env(variable) != "" {
			r.failVariable(variable, wrongAddress("the value", text), expected)
		} else {
			r.refuse(section, key, text, expected)
		}
		return ""
	}
	return address
}

// HTTPFromEnvironment reads [http] from the environment alone. The error is an *Error.
func HTTPFromEnvironment(env func(string) string) (HTTP, error) {
	r := &reading{file: "environment", doc: &document{}, env: env}
	h := r.http()
	if r.err != nil {
		return HTTP{}, r.err
	}
	return h, nil
}
