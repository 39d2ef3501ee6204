with open_after 2 it opens at the second anomaly in a row, with the id and time of the first
set open_after 2
e0 nananaAnnnn
e1 nnnnnnnnnnn
e2 nnnnnnnnnnn
e3 nnnnnnnnnnn
want
6 opened deviation e0 #1 since 5 points 2 value 118 peak 118 at 6
10 resolved deviation e0 #1 since 5 points 2 value 118 peak 118 at 6 until 10 recovered
