"""Pulls a preset from the Hugging Face Hub, checks all of it, and gives it a name.

The name then works in every `from_preset()`, in later processes, and offline. Pull again to
update it. For a private repository, log in with `hf auth login` or set HF_TOKEN.
"""

import argparse

import _cli


def parse_args() -> argparse.Namespace:
    """Reads the command line."""
    parser = _cli.new_parser(
        __doc__,
        epilog="example: python scripts/pull_from_hub.py hf://me/my_resblock --name mine",
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("handle", nargs="?", help="hf://user/name, or hf://user/name@revision")
    what.add_argument("--list", action="store_true", help="show the names that there are, and stop")
    what.add_argument("--remove", metavar="NAME", help="forget a name, and stop")
    parser.add_argument("--name", help="the name to load it by; the repository's if not set")
    parser.add_argument(
        "--dry-run", action="store_true", help="show what would be pulled, and stop"
    )
    return parser.parse_args()


def main(args: argparse.Namespace) -> None:
    """Pulls, lists or removes."""
    import keras_resblocks_plugin as krp

    if args.list:
        for name, preset in krp.list_presets().items():
            commit = f" at {preset['commit'][:12]}" if "commit" in preset else ""
            print(f"{name}: {preset['source']}, {preset['handle']}{commit}")
    elif args.remove:
        krp.unregister_preset(args.remove)
        print(f"Forgot {args.remove!r}. Its files stay in the Hub's cache: see `hf cache`.")
    else:
        pulled = krp.pull_from_hub(args.handle, args.name, dry_run=args.dry_run)
        if args.dry_run:
            print(f"Would pull commit {pulled.commit} of {pulled.handle} as {pulled.name!r}:")
            print("\n".join(f"  {path}" for path in pulled.files))
            return
        print(f"Pulled commit {pulled.commit} of {pulled.handle} to {pulled.folder}")
        print(f'Load it with: keras_hub.models.Backbone.from_preset("{pulled.name}")')


if __name__ == "__main__":
    _cli.run(main, parse_args())
