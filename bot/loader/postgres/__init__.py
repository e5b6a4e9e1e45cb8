"""What the Postgres source and sink share: sessions, columns, literals, and both ends of COPY."""
