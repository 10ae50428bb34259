"""Pushes a preset to the Hugging Face Hub, in one commit, and checks what arrived.

The token is that of `hf auth login`, or the environment variable HF_TOKEN.
"""

import argparse

import _cli


def parse_args() -> argparse.Namespace:
    """Reads the command line."""
    parser = _cli.new_parser(
        __doc__,
        epilog="example: python scripts/push_to_hub.py runs/my_resblock hf://me/my_resblock",
    )
    parser.add_argument("preset", help="a preset's folder or name")
    parser.add_argument("handle", help="where it goes: hf://user/name")
    privacy = parser.add_mutually_exclusive_group()
    privacy.add_argument(
        "--private", action="store_true", default=None, help="make a new repository private"
    )
    privacy.add_argument(
        "--public", action="store_false", dest="private", help="make a new repository public"
    )
    target = parser.add_mutually_exclusive_group()
    target.add_argument("--revision", help="the branch to push to, made if there is none")
    target.add_argument("--create-pr", action="store_true", help="open a pull request")
    parser.add_argument(
        "--overwrite-card", action="store_true", help="replace a card that people edited"
    )
    parser.add_argument("--dry-run", action="store_true", help="show what would be sent, and stop")
    return parser.parse_args()


def main(args: argparse.Namespace) -> None:
    """Pushes, and says where it is and how to load it."""
    import keras_resblocks_plugin as krp

    pushed = krp.push_to_hub(
        args.preset,
        args.handle,
        private=args.private,
        revision=args.revision,
        create_pr=args.create_pr,
        overwrite_card=args.overwrite_card,
        dry_run=args.dry_run,
    )
    if not pushed.changed:
        print(f"{pushed.url} has all of it already.")
    elif args.dry_run:
        print(f"Would change {len(pushed.changed)} files of {pushed.url}:")
    else:
        print(f"Pushed {len(pushed.changed)} files: {pushed.url}")
    for path in pushed.changed:
        print(f"  {path}")
    if not args.dry_run:
        print(f"Load it with: {pushed.load_line}")


if __name__ == "__main__":
    _cli.run(main, parse_args())
