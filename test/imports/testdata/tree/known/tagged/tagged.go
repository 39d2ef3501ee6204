//go:build never

package tagged
