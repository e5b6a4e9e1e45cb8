insert into stream_stats by name select * from incoming
