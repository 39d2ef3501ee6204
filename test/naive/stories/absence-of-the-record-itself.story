an entity whose own point ends the last whole bin is absent, and returns at once
set absence_after 1
e1 n.n
e0 nnn
e2 nnn
e3 nnn
e4 nnn
want
2 opened absence e1 #1 since 1 points 1 usual 101
2 resolved absence e1 #1 since 1 points 1 usual 101 until 2 returned
