"""Policy: the team's rules, read from files, and what they say of a recommendation."""
