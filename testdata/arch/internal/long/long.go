// Package long has a file that is too long.
package long

var a int

var b int

var c int

var d = a + b + c

var e = d
