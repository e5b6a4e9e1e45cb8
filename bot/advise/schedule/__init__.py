"""Schedule: place every sync where it is cheapest and keeps its promises."""
