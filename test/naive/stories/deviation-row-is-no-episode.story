a row that never opened leaves nothing to reopen
set open_after 2
e0 annna
e1 nnnnn
e2 nnnnn
e3 nnnnn
want
