a late point keeps an entity from being absent
e0 n........
after 3 e0 n at 2
e1 nnnnnnnnn
e2 nnnnnnnnn
e3 nnnnnnnnn
want
7+1 opened absence e0 #1 since 3 points 4 usual 101
