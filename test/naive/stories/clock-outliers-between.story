outliers with ordinary records between them move nothing
e0 nnnnnnnn
e1 nnnnnnnn
e2 nnnnnnnn
e3 nnnnnnnn
after 0 e0 n at 35000
after 0 e1 n at 35000
after 0 e2 n at 35000
after 0 e3 n at 35000
after 1 e0 n at 35000
after 1 e1 n at 35000
after 1 e2 n at 35000
after 1 e3 n at 35000
after 2 e0 n at 35000
after 2 e1 n at 35000
after 2 e2 n at 35000
after 2 e3 n at 35000
after 3 e0 n at 35000
after 3 e1 n at 35000
after 3 e2 n at 35000
after 3 e3 n at 35000
after 4 e0 n at 35000
after 4 e1 n at 35000
after 4 e2 n at 35000
after 4 e3 n at 35000
after 5 e0 n at 35000
after 5 e1 n at 35000
after 5 e2 n at 35000
after 5 e3 n at 35000
after 6 e0 n at 35000
after 6 e1 n at 35000
after 6 e2 n at 35000
after 6 e3 n at 35000
after 7 e0 n at 35000
after 7 e1 n at 35000
after 7 e2 n at 35000
after 7 e3 n at 35000
want
