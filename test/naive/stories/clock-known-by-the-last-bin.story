the last bin that ended says how many entities a run needs
e0 nnnnn
e1 nn...
e2 nn...
e3 nn...
after 3 e0 n at 300
after 3 e0 n at 301
after 3 e0 n at 302
after 3 e0 n at 303
after 3 e0 n at 304
after 3 e0 n at 305
after 3 e0 n at 306
after 3 e0 n at 307
want
3 opened gap #1 since 2 points 1 usual 4 low 2 value 1
