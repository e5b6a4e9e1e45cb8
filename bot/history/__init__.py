"""The local store of every sync ever seen, its SQL, and the mining that fills it."""
