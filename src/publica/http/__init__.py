"""HTTP: what every page and every route of the API stands on.

Its job: say who calls, refuse what should not reach a handler, answer errors in one form, and keep a server
fair, observable and able to stop without losing anything.
"""
