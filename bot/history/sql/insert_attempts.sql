insert into attempts by name select * from incoming
