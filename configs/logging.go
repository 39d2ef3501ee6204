package configs

import (
	"log/slog"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// levelCritical is Python's CRITICAL, which slog does not have.
const levelCritical = slog.LevelError + 4

// levels are those of Python's logging.
var levels = map[string]slog.Level{
	"NOTSET": slog.LevelDebug, "DEBUG": slog.LevelDebug, "INFO": slog.LevelInfo,
	"WARNING": slog.LevelWarn, "WARN": slog.LevelWarn,
	"ERROR": slog.LevelError, "CRITICAL": levelCritical, "FATAL": levelCritical,
}

// log reads the sections of Python's logging. The environment wins over them.
func (r *reading) log() Log {
	log, origin := Log{Level: slog.LevelInfo}, "default"
	if root := r.doc.sections["logger_root"]; root != nil {
		if level, given := r.level("logger_root", root["level"]); given {
			log.Level, origin = level, r.file
		}
		for name := range strings.SplitSeq(root["handlers"], ",") {
			if name = strings.TrimSpace(name); name != "" {
				r.handler(&log, name)
			}
		}
	}
	if text := r.env("LOG_LEVEL"); text != "" {
		level, known := levels[strings.ToUpper(text)]
		if !known {
			r.failVariable("LOG_LEVEL", "the value is "+strconv.Quote(text), "want debug, info, warning or error")
		}
		log.Level, origin = level, "environment LOG_LEVEL"
	}
	r.show("log", "level", levelName(log.Level), origin)
	if log.File != "" {
		r.show("log", "file", log.File, r.file)
	}
	switch text := r.env("LOG_FORMAT"); strings.ToLower(text) {
	case "":
		r.show("log", "format", "text", "default")
	case "json":
		log.JSON = true
		fallthrough
	case "text":
		r.show("log", "format", strings.ToLower(text), "environment LOG_FORMAT")
	default:
		r.failVariable("LOG_FORMAT", "the value is "+strconv.Quote(text), "want text or json")
	}
	r.place(&log)
	return log
}

// place reads DETECTOR_LOG: whether the log goes to the file or to stdout.
func (r *reading) place(log *Log) {
	text := r.env("DETECTOR_LOG")
	if text == "" {
		return
	}
	log.Place = strings.ToLower(text)
	r.show("log", "to", log.Place, "environment DETECTOR_LOG")
	switch {
	case log.Place != LogToFile && log.Place != LogToStdout:
		r.failVariable("DETECTOR_LOG", "the value is "+strconv.Quote(text), "want file or stdout")
	case log.Place == LogToFile && log.File == "":
		r.warn("logger_root", "handlers", "DETECTOR_LOG is file, but the logging sections name no file; the log goes to stdout")
	}
}

// level reads the level of a section.
func (r *reading) level(section, text string) (level slog.Level, given bool) {
	level, given = levels[strings.ToUpper(text)]
	if text != "" && !given {
		r.refuse(section, "level", text, "want DEBUG, INFO, WARNING, ERROR or CRITICAL")
	}
	return level, given
}

// fileHandlers are the classes of Python's handlers that write a file.
var fileHandlers = []string{"", "FileHandler", "WatchedFileHandler", "RotatingFileHandler", "TimedRotatingFileHandler"}

// handler takes the file, format and level from a handler, unless an earlier one had a file.
func (r *reading) handler(log *Log, name string) {
	section := "handler_" + name
	keys := r.doc.sections[section]
	if keys == nil {
		r.warn(section, "", "the section ["+section+"], which [logger_root] names, is missing")
		return
	}
	class := keys["class"][strings.LastIndexByte(keys["class"], '.')+1:]
	if !slices.Contains(fileHandlers, class) {
		if class != "StreamHandler" && class != "NullHandler" {
			r.warn(section, "class", "handlers of the class "+keys["class"]+" are not supported; the log does not go there")
		}
		return
	}
	file, ok := fileArgument(keys["args"])
	switch {
	case !ok && class != "":
		r.warn(section, "args", "args names no file in the form ('name.log',); the log goes to stdout only")
		return
	case !ok, file == "logs": // a stream; or the name for stdout
		return
	case log.File != "":
		r.warn(section, "args", "only one log file is written: "+log.File+", not "+file)
		return
	case strings.Contains(class, "Rotating"):
		r.warn(section, "class", "the program does not rotate its log file; leave that to logrotate, and let it use copytruncate or send SIGHUP")
	}
	log.File, log.Watched = file, class == "WatchedFileHandler"
	if level, given := r.level(section, keys["level"]); given {
		log.Level = max(log.Level, level)
	}
	r.formatter(log, strings.TrimSpace(keys["formatter"]))
}

func (r *reading) formatter(log *Log, name string) {
	if name == "" {
		return
	}
	section := "formatter_" + name
	keys := r.doc.sections[section]
	switch {
	case keys == nil:
		r.warn(section, "", "the section ["+section+"], which a handler names, is missing; lines are the message only")
	case keys["style"] != "" && keys["style"] != "%":
		r.warn(section, "style", "only the style % is supported; lines are the message only")
	default:
		log.Format = Format{Text: keys["format"], Date: keys["datefmt"]}
		if stays := log.Format.unknown(); stays != "" {
			r.warn(section, "format", "format has "+stays+", which stays as it is in each line")
		}
		if log.Text != "" && !strings.Contains(log.Text, "%(message)") {
			r.warn(section, "format", "format has no %(message)s; the lines do not say what happened")
		}
	}
}

// fileLiteral is the first string in a handler's args=('x.log',).
var fileLiteral = regexp.MustCompile(`^\(?\s*([rRuU]?)(?:'((?:[^'\\]|\\.)+)'|"((?:[^"\\]|\\.)+)")\s*[,)]`)

var escapes = strings.NewReplacer(`\\`, `\`, `\'`, `'`, `\"`, `"`)

// fileArgument finds the file in the args of a handler, which is a Python tuple.
func fileArgument(args string) (file string, ok bool) {
	found := fileLiteral.FindStringSubmatch(args)
	if found == nil {
		return "", false
	}
	file = found[2] + found[3]
	if strings.ToLower(found[1]) != "r" {
		file = escapes.Replace(file)
	}
	return strings.ReplaceAll(file, "%%", "%"), true // as configparser does for args
}
