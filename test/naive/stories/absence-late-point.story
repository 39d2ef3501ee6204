a late point that is too old does not return it, but a younger one does
e0 n........
after 7 e0 n at 1
after 7 e0 n at 2
after 8 e0 n at 5
e1 nnnnnnnnn
e2 nnnnnnnnn
e3 nnnnnnnnn
want
5+1 opened absence e0 #1 since 1 points 4 usual 101
8+3 resolved absence e0 #1 since 1 points 7 usual 101 until 5 returned
