"""Text of a terminal and of a job's log, where what other people have named is printed too."""


def one_line(text: str) -> str:
    """Keep a text on one line and printable: terminals obey escapes, CI systems read commands from logs."""
    return "".join(char if char.isprintable() else "\ufffd" for char in text)
