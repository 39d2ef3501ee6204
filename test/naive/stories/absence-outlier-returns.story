a point of the far future returns it, and it is never absent again
e0 n..............
after 8 e0 n at 35000
e1 nnnnnnnnnnnnnnn
e2 nnnnnnnnnnnnnnn
e3 nnnnnnnnnnnnnnn
want
5+1 opened absence e0 #1 since 1 points 4 usual 101
8+3 resolved absence e0 #1 since 1 points 7 usual 101 until 8+3 returned
