"""The analyst of `./dev attack differencing`: who knows a great deal, and asks for what is missing."""
