"""`python -m jobkit`: the command line, where its script is not on the path."""

from jobkit.cli.main import main

if __name__ == "__main__":
    main()
