"""`python -m blockrun`, the same as the `blockrun` command."""

from blockrun.plugins.commands.main import main

if __name__ == "__main__":
    main()
