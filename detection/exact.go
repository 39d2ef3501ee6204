package detection

import (
	"math"
	"math/big"
)

// exactMean is Python's statistics.mean of the float64 values |x - m|: their exact sum, divided by
// their number, rounded once to the nearest float64, ties to even.
func exactMean(s []float64, m float64) float64 {
	if mean, sure := quickMean(s, m); sure {
		return mean
	}
	return rationalMean(s, m)
}

// quickMean computes the mean with about twice the precision of a float64, and a bound on its error. Sure
// says that every number within the bound rounds to the same float64, so that the exact mean does, too. It is
// not sure of a mean close to the middle between two float64, nor of values so large or small that the
// arithmetic here could overflow or lose bits to underflow: then rationalMean decides.
//
// The bound, with u = 2^-53 and n values: high is their sum. The rounding error of each addition is found
// exactly (Knuth's two-sum) and collected in low. As no value is negative, high only rises, so each error is
// at most u*high, and the n additions to low are off by less than n*u*(n*u*high) = (n*u)^2*high, up to a
// factor of 1+n*u. Nothing else is off: the remainder of the division is exact (fused).
func quickMean(s []float64, m float64) (mean float64, sure bool) {
	var high, low float64
	for _, x := range s {
		d := math.Abs(x - m)
		sum := high + d
		rounded := sum - high
		low += (high - (sum - rounded)) + (d - rounded)
		high = sum
	}
	if high == 0 {
		return 0, true
	}
	if !(high > 0x1p-800 && high < 0x1p1000) || len(s) > 1<<20 {
		return 0, false
	}
	n := float64(len(s))
	quotient := high / n
	rest := (math.FMA(-quotient, n, high) + low) / n
	// Four times the bound above, and the two roundings of rest, with room to spare.
	slack := float64(quotient*float64(n*n)*0x1p-104) + float64(math.Abs(rest)*0x1p-48)
	least, most := quotient+(rest-slack), quotient+(rest+slack)
	return least, least == most
}

// rationalMean is the mean in integer arithmetic: every |x - m| is a whole number of the smallest
// unit among them.
func rationalMean(s []float64, m float64) float64 {
	unit := math.MaxInt
	for _, x := range s {
		d := math.Abs(x - m)
		if math.IsInf(d, 0) || math.IsNaN(d) {
			// As in the original, an infinite or NaN value decides alone.
			return d
		}
		if _, exponent := integer(d); d != 0 {
			unit = min(unit, exponent)
		}
	}
	var sum, term big.Int
	for _, x := range s {
		if d := math.Abs(x - m); d != 0 {
			mantissa, exponent := integer(d)
			term.SetInt64(mantissa)
			sum.Add(&sum, term.Lsh(&term, uint(exponent-unit)))
		}
	}
	if sum.Sign() == 0 {
		return 0
	}
	count := big.NewInt(int64(len(s)))
	if unit >= 0 {
		sum.Lsh(&sum, uint(unit))
	} else {
		count.Lsh(count, uint(-unit))
	}
	mean, _ := new(big.Rat).SetFrac(&sum, count).Float64()
	return mean
}

// integer splits d into d = mantissa * 2^exponent.
func integer(d float64) (mantissa int64, exponent int) {
	fraction, exponent := math.Frexp(d)
	return int64(fraction * (1 << 53)), exponent - 53
}
