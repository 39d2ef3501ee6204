after its return an entity can be absent again, as another episode
set absence_after 1
e0 n..nnn...n
e1 nnnnnnnnnn
e2 nnnnnnnnnn
e3 nnnnnnnnnn
want
2+1 opened absence e0 #1 since 1 points 1 usual 101
3 resolved absence e0 #1 since 1 points 2 usual 101 until 3 returned
7+1 opened absence e0 #2 since 6 points 1 usual 101
9 resolved absence e0 #2 since 6 points 3 usual 101 until 9 returned
