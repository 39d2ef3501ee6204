an entity without a point in absence_after whole bins is absent, since the first of them
e0 nnn......
e1 nnnnnnnnn
e2 nnnnnnnnn
e3 nnnnnnnnn
want
7+1 opened absence e0 #1 since 3 points 4 usual 101
