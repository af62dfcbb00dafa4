"""`python -m publica` is the `publica` command."""

from publica.cli.main import main

main()
