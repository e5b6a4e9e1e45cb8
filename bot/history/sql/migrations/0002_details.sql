-- Whether attempts and streams of everything that a mine read were read with it.
alter table mines add column detailed boolean default false;
