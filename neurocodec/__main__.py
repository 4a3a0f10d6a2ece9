"""`python -m neurocodec`, and the `neurocodec` command."""

from neurocodec import cli


def main() -> None:
    """Run the command line of this process."""
    cli.run(cli.neurocodec, "neurocodec")


if __name__ == "__main__":
    main()
