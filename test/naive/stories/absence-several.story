several absences of one record are opened in the order of keys
e9 n......
e1 n......
e5 n......
e2 nnnnnnn
e3 nnnnnnn
e4 nnnnnnn
e6 nnnnnnn
e7 nnnnnnn
want
5+3 opened absence e1 #1 since 1 points 4 usual 101
5+3 opened absence e5 #2 since 1 points 4 usual 101
5+3 opened absence e9 #3 since 1 points 4 usual 101
