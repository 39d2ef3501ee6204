// Package report writes what a backtest found as one HTML page, which needs no network and no script.
//
// The page has the look of the live page: web/look has the stylesheet and the pictures of both. report.go begins, and view.go
// lists the parts of the page. Each part has a file that turns a backtest.Result into what its template shows.
package report
