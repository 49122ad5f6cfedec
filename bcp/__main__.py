"""`python -m bcp` does what `ict-bcp` does."""

from bcp.service.cli import main

if __name__ == "__main__":
    main()
