it returns with its next point
e0 nnn......n
e1 nnnnnnnnnn
e2 nnnnnnnnnn
e3 nnnnnnnnnn
want
7+1 opened absence e0 #1 since 3 points 4 usual 101
9 resolved absence e0 #1 since 3 points 6 usual 101 until 9 returned
