package synthetic

import "strconv"

// The AS numbers of RFC 5398 (documentation) and RFC 6996 (private use).
const (
	documentation16 = 64496 // 16 of them
	documentation32 = 65536 // 16 of them
	private16       = 64512 // 1023 of them
	private32       = 4200000000
	lastPrivate32   = 4294967294
)

const (
	eachScope  = 20 // entities of a scope
	transits   = 2  // of them are transits, in a stream with transit losses
	eachRegion = 40 // scopes that share their transits
)

// names are the scope and the AS of the i-th entity. Each scope has twenty entities, and the first scope is
// the whole Internet. Neighbouring scopes share many of their ASes, as real ones do.
func names(i int) (scope, asn string) {
	s, n := int64(i/eachScope), int64(i%eachScope)
	asn = decimal(private16 + (7*s+n)%1023)
	switch {
	case s == 0:
		return "-1", asn
	case s <= 16:
		return decimal(documentation16 + s - 1), asn
	case s <= 32:
		return decimal(documentation32 + s - 17), asn
	}
	return decimal(private32 + s - 33), asn
}

// isTransit is whether the i-th entity depends on a transit, in a stream with transit losses.
func isTransit(i int) bool { return i%eachScope < transits }

// transitOf is the number of the i-th entity's transit, from 0, and transitName its AS. The names come from the other end of
// the range, which scopes never reach.
func transitOf(i int) int { return i/eachScope/eachRegion*transits + i%eachScope }

// transitsAmong is the number of transits of so many entities.
func transitsAmong(entities int) int {
	const region = eachScope * eachRegion
	return entities/region*transits + min(entities%region, transits)
}

func transitName(i int) string { return decimal(lastPrivate32 - int64(transitOf(i))) }

// dependents are the entities of a transit, of so many entities.
func dependents(transit, entities int) (all []int) {
	first := transit/transits*eachRegion*eachScope + transit%transits
	for n := range eachRegion {
		if i := first + n*eachScope; i < entities {
			all = append(all, i)
		}
	}
	return all
}

func decimal(asn int64) string {
	return strconv.FormatInt(asn, 10)
}
