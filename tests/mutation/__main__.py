"""Loads many mutants of a preset and prints the outcomes.

python -m tests.mutation --count 3000
"""

import argparse
import collections
import tempfile
from pathlib import Path

import numpy as np
from tqdm import tqdm

import keras_resblocks_plugin as krp
from tests.mutation.mutants import copy_mutant
from tests.mutation.worker import LOADERS, Worker


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--preset", default="resblock_bn_small", help="a name or a folder")
    parser.add_argument("--count", type=int, default=3000)
    parser.add_argument("--first", type=int, default=0, help="the seed of the first mutant")
    parser.add_argument("--loader", choices=LOADERS, help="the only one; both if not set")
    args = parser.parse_args()
    preset = Path(krp.list_presets().get(args.preset, {"handle": args.preset})["handle"])
    loaders = [args.loader] if args.loader else LOADERS
    worker, seeds = Worker(), range(args.first, args.first + args.count)
    for loader in loaders:
        true = [worker.load(preset, loader) for _ in range(3)][-1]
        limit = 2 * true.grown + 20e6
        kinds, slow, large = collections.Counter(), [], []
        with tempfile.TemporaryDirectory() as parent:
            for seed in tqdm(seeds, desc=loader):
                folder = Path(parent) / str(seed)
                change = copy_mutant(preset, folder, seed)
                outcome = worker.load(folder, loader)
                kind = outcome.kind
                if kind == "loaded":
                    equal = np.array_equal(outcome.outputs, true.outputs)
                    kind = "loads equal" if equal else "loads, and differs"
                elif kind == "refused" and str(folder) not in outcome.text:
                    kind = "refused without the file's name"
                kinds[kind] += 1
                slow.append((outcome.seconds, seed, change))
                large.append((outcome.grown, seed, change))
                if kind not in ("refused", "loads equal"):
                    tqdm.write(f"{seed} {kind}: {change}: {outcome.text:.300}")
        print(f"{loader}, {args.count} mutants of {args.preset}, seeds from {args.first}:")
        for kind, number in kinds.most_common():
            print(f"  {kind}: {number}")
        print(f"  slowest: {max(slow)}, true preset {true.seconds:.2f} s")
        print(f"  largest: {max(large)}, limit {limit:.0f}, true preset {true.grown}")
        print(f"  above the limit: {sum(grown > limit for grown, *_ in large)}")
    worker.close()


if __name__ == "__main__":
    main()
