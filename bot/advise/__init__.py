"""Advisors: code that turns history, forecasts and limits into recommendations of one kind."""
