"""`python -m declarative_kv`: the same as `dkv`."""

import sys

from declarative_kv.cli.app import main

if __name__ == "__main__":
    sys.exit(main())
