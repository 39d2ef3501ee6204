package configs

import (
	"log/slog"
	"strings"
	"testing"
)

func TestLoggingSectionsMeanWhatTheyMeanInPython(t *testing.T) {
	sections := func(args string) string {
		return base + "[loggers]\nkeys=root\n[handlers]\nkeys=h\n[formatters]\nkeys=f\n[logger_root]\nlevel=WARNING\nhandlers=h\n" +
			"[handler_h]\nclass=FileHandler\nformatter=f\nargs=" + args + "\n[formatter_f]\nformat=%(asctime)s %(message)s\ndatefmt=%H:%M\n"
	}
	for args, file := range map[string]string{"('x.log',)": "x.log", `("y.log", 'a')`: "y.log", "('logs',)": "", "(sys.stdout,)": ""} {
		log := mustRead(t, sections(args), none).Log
		if log.File != file || log.Level != slog.LevelWarn {
			t.Errorf("args=%s gives %+v, want the file %q", args, log, file)
		}
		if file != "" && (log.Text != "%(asctime)s %(message)s" || log.Date != "%H:%M") {
			t.Errorf("the format is %+v", log.Format)
		}
	}
	if log := mustRead(t, base, none).Log; log.File != "" || log.Level != slog.LevelInfo {
		t.Errorf("without sections the log is %+v", log)
	}
}

// logged is base with one handler.
func logged(handler string) string {
	return base + "[logger_root]\nhandlers = h\n[handler_h]\n" + handler + "\n[formatter_f]\nformat = %(message)s!\n"
}

func TestLogFileIsThatOfAFileHandler(t *testing.T) {
	for handler, want := range map[string]string{
		"class = FileHandler\nargs = ('x.log',)":                                 "x.log",
		"class = logging.FileHandler\nargs = ('x.log', 'a')":                     "x.log",
		"class = handlers.RotatingFileHandler\nargs = ('x.log', 'a', 1000, 5)":   "x.log",
		"class = logging.handlers.TimedRotatingFileHandler\nargs = (\"x.log\",)": "x.log",
		"class = FileHandler\nargs = ( 'x.log' )":                                "x.log",
		"class = FileHandler\nargs = ('a\\\\b\\'c.log',)":                        `a\b'c.log`,
		"class = FileHandler\nargs = (r'a\\b.log',)":                             `a\b.log`,
		"class = FileHandler\nargs = ('100%%.log',)":                             "100%.log",
		"class = FileHandler\nargs = ('logs',)":                                  "",
		"class = FileHandler\nargs = (os.path.join('a', 'b'),)":                  "",
		"class = FileHandler":                                                    "",
		"class = StreamHandler\nargs = (sys.stdout,)":                            "",
		"class = handlers.SysLogHandler\nargs = ('/dev/log',)":                   "",
		"class = handlers.HTTPHandler\nargs = ('host', '/path')":                 "",
	} {
		if got := mustRead(t, logged(handler), none).Log.File; got != want {
			t.Errorf("%q gives the file %q, want %q", handler, got, want)
		}
	}
}

func TestUnsupportedLoggingIsWarnedOf(t *testing.T) {
	for handler, key := range map[string]string{
		"class = handlers.SysLogHandler\nargs = ('/dev/log',)":        "class",
		"class = handlers.RotatingFileHandler\nargs = ('x.log',)":     "class",
		"class = FileHandler\nargs = (name(),)":                       "args",
		"class = FileHandler\nargs = ('x.log',)\nformatter = nothere": "",
	} {
		warnings := mustRead(t, logged(handler), none).Warnings
		if len(warnings) != 1 || warnings[0].Key != key {
			t.Errorf("%q warns of %+v, want one of the key %q", handler, warnings, key)
		}
	}
	if warnings := mustRead(t, base+"[logger_root]\nhandlers = nothere\n", none).Warnings; len(warnings) != 1 {
		t.Errorf("a handler that is missing warns of %+v", warnings)
	}
	content := strings.Replace(logged("args = ('x.log',)\nformatter = f"), "[formatter_f]", "[formatter_f]\nstyle = {", 1)
	if config := mustRead(t, content, none); len(config.Warnings) != 1 || config.Log.Text != "" {
		t.Errorf("another style warns of %+v, and the format is %+v", config.Warnings, config.Log.Format)
	}
}

func TestFormatThatLosesTheMessageIsWarnedOf(t *testing.T) {
	for format, says := range map[string]string{
		"%(asctime)s %(message)s":                         "",
		"%(created)f %(msecs)03d %(name)s %(message)s %%": "",
		"%(relativeCreated)d %(message)s":                 "%(relativeCreated)d",
		"%(message)r":                                     "%(message)r",
		"{message}":                                       "no %(message)s",
	} {
		content := strings.Replace(logged("args = ('x.log',)\nformatter = f"), "%(message)s!", format, 1)
		warnings := mustRead(t, content, none).Warnings
		if says == "" && len(warnings) > 0 || says != "" && (len(warnings) != 1 || !strings.Contains(warnings[0].Text, says)) {
			t.Errorf("%q warns of %+v, want %q", format, warnings, says)
		}
	}
}

func TestLogLevelIsTheStricterOfLoggerAndHandler(t *testing.T) {
	for levels, want := range map[[2]string]slog.Level{
		{"DEBUG", "ERROR"}: slog.LevelError, {"ERROR", "DEBUG"}: slog.LevelError, {"NOTSET", "NOTSET"}: slog.LevelDebug,
		{"warning", "INFO"}: slog.LevelWarn, {"CRITICAL", "INFO"}: slog.LevelError + 4,
	} {
		content := base + "[logger_root]\nhandlers = h\nlevel = " + levels[0] + "\n[handler_h]\nargs = ('x.log',)\nlevel = " + levels[1] + "\n"
		if got := mustRead(t, content, none).Log.Level; got != want {
			t.Errorf("%v is %v, want %v", levels, got, want)
		}
	}
}

func TestWatchedFileHandlerIsRecognised(t *testing.T) {
	for class, watched := range map[string]bool{"FileHandler": false, "handlers.WatchedFileHandler": true, "logging.handlers.WatchedFileHandler": true} {
		if log := mustRead(t, logged("class = "+class+"\nargs = ('x.log',)"), none).Log; log.Watched != watched {
			t.Errorf("%s gives %+v", class, log)
		}
	}
}

func TestEnvironmentDecidesWhereTheLogGoes(t *testing.T) {
	file := logged("class = FileHandler\nargs = ('x.log',)")
	for text, want := range map[string]string{"": "", "file": LogToFile, "STDOUT": LogToStdout} {
		config := mustRead(t, file, of("DETECTOR_LOG", text))
		if config.Log.Place != want || len(config.Warnings) > 0 {
			t.Errorf("%q gives %+v, warned of %+v", text, config.Log, config.Warnings)
		}
	}
	if config := mustRead(t, base, of("DETECTOR_LOG", "file")); len(config.Warnings) != 1 {
		t.Errorf("without a file, warned of %+v", config.Warnings)
	}
	if _, err := read("d.conf", "d.conf", []byte(base), of("DETECTOR_LOG", "loud")); err == nil || !strings.Contains(err.Error(), "want file or stdout") {
		t.Errorf("DETECTOR_LOG=loud: %v", err)
	}
}
