"""The demo: its material, its tour, and the tutorial."""
