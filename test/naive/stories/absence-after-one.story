with absence_after 1 one whole bin is enough
set absence_after 1
e0 nn..n
e1 nnnnn
e2 nnnnn
e3 nnnnn
want
3+1 opened absence e0 #1 since 2 points 1 usual 101
4 resolved absence e0 #1 since 2 points 2 usual 101 until 4 returned
