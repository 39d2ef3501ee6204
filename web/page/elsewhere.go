package page

import (
	"strconv"

	"anomalydetector/web/answers"
	"anomalydetector/web/look"
)

// elsewhere are pages of other sites about an entity's AS. It is the last field that holds an AS with such
// pages.
func elsewhere(fields []answers.Field) (as string, links []choice) {
	for i := len(fields) - 1; i >= 0; i-- {
		if f := fields[i]; f.ASN && public(f.Value) {
			return look.Called(f), []choice{
				{Label: "IHR", Href: "https://www.ihr.live/en/network/AS" + f.Value},
				{Label: "bgp.tools", Href: "https://bgp.tools/as/" + f.Value},
				{Label: "RIPEstat", Href: "https://stat.ripe.net/AS" + f.Value},
				{Label: "Cloudflare Radar", Href: "https://radar.cloudflare.com/as" + f.Value},
				{Label: "IODA", Href: "https://ioda.inetintel.cc.gatech.edu/asn/" + f.Value},
			}
		}
	}
	return "", nil
}

// public says whether a number may be that of an AS in the Internet. It is not if it is 0, AS_TRANS, or a
// number for documentation or private use, or a reserved one (RFC 5398, 6996, 7300).
func public(asn string) bool {
	n, err := strconv.ParseUint(asn, 10, 32)
	switch {
	case err != nil, n == 0, n == 23456:
		return false
	case n >= 64496 && n <= 65551, n >= 4_200_000_000:
		return false
	}
	return true
}
