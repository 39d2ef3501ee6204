package configs

import (
	"log/slog"
	"regexp"
	"strconv"
	"strings"
)

// fileArgument finds the file in a handler's args=('x.log',).
var fileArgument = regexp.MustCompile(`^\(\s*(?:'([^']+)'|"([^"]+)")`)

// levels of Python's logging, as near as slog has them.
var levels = map[string]slog.Level{
	"NOTSET": slog.LevelDebug, "DEBUG": slog.LevelDebug, "INFO": slog.LevelInfo,
	"WARNING": slog.LevelWarn, "WARN": slog.LevelWarn,
	"ERROR": slog.LevelError, "CRITICAL": slog.LevelError, "FATAL": slog.LevelError,
}

// log reads the sections of Python's logging for what they mean, and the
// environment, which comes first.
func (r *reading) log() Log {
	log := Log{Level: slog.LevelInfo}
	if root := r.doc.sections["logger_root"]; root != nil {
		if text := strings.TrimSpace(root["level"]); text != "" {
			level, known := levels[strings.ToUpper(text)]
			if !known {
				r.fail("logger_root", "level", "the value is "+strconv.Quote(text), "want DEBUG, INFO, WARNING or ERROR")
			}
			log.Level = level
		}
		for _, name := range strings.Split(root["handlers"], ",") {
			r.handler(&log, strings.TrimSpace(name))
		}
	}
	if text := r.env("LOG_LEVEL"); text != "" {
		level, known := levels[strings.ToUpper(text)]
		if !known {
			r.fail("log", "LOG_LEVEL", "the environment variable is "+strconv.Quote(text), "want debug, info, warning or error")
		}
		log.Level = level
	}
	switch text := strings.ToLower(r.env("LOG_FORMAT")); text {
	case "", "text":
	case "json":
		log.JSON = true
	default:
		r.fail("log", "LOG_FORMAT", "the environment variable is "+strconv.Quote(text), "want text or json")
	}
	return log
}

// handler takes the file and the format of the first handler that has a file.
func (r *reading) handler(log *Log, name string) {
	section := r.doc.sections["handler_"+name]
	if section == nil || log.File != "" {
		return
	}
	match := fileArgument.FindStringSubmatch(strings.TrimSpace(section["args"]))
	if match == nil {
		return // a stream handler
	}
	file := match[1] + match[2]
	if file == "logs" {
		return // the name for stdout
	}
	log.File = file
	formatter := r.doc.sections["formatter_"+strings.TrimSpace(section["formatter"])]
	log.Format = Format{Text: formatter["format"], Date: formatter["datefmt"]}
}
