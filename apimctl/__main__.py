"""``python -m apimctl`` is the ``apimctl`` command."""

from apimctl.cli import main

if __name__ == "__main__":
    main()
