as long as the usual number is not known only empty bins are a gap
warm 0
e0 nnnnn.nn
e1 nnn...nn
e2 nnn...nn
e3 nnn...nn
want
6 opened gap #1 since 5 points 1 value 0
7 resolved gap #1 since 5 points 1 value 0 until 6 filled
