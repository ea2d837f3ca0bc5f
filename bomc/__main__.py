"""`python -m bomc` is the command `bomc`."""

from bomc.cli import main

if __name__ == "__main__":
    main()
