clear_after normal points in a row end it: recovered, if the last of them is in the band
e0 annnn
e1 nnnnn
e2 nnnnn
e3 nnnnn
want
0 opened deviation e0 #1 since 0 points 1 value 112 peak 112 at 0
4 resolved deviation e0 #1 since 0 points 1 value 112 peak 112 at 0 until 4 recovered
