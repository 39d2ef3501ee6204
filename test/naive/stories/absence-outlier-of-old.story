a point of the far past does not return it
e0 n.........
after 8 e0 n at -35000
e1 nnnnnnnnnn
e2 nnnnnnnnnn
e3 nnnnnnnnnn
want
5+1 opened absence e0 #1 since 1 points 4 usual 101
