"""Labels: the one by which trimtab's pull requests are found, and the prefix of all others."""

from typing import Final

LABEL: Final = "trimtab"
