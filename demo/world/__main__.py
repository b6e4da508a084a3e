"""A command of `python -m demo.world` enters; names, targets, a vocabulary, weights or recall leave."""

import argparse
import sys
from pathlib import Path

from export.common.errors import InputError


def _names(arguments: argparse.Namespace) -> None:
    from demo.world.names import write_names
    write_names(arguments.cldr)


def _targets(arguments: argparse.Namespace) -> None:
    from demo.world.data import read_names
    from demo.world.targets import write_targets
    write_targets([glyph.character for glyph in read_names()])


def _vocabulary(arguments: argparse.Namespace) -> None:
    from demo.world.data import read_names
    from demo.world.pieces import learn_vocabulary, write_tokenizer
    from demo.world.training import WorldRecipe
    learn_vocabulary(read_names(), WorldRecipe.seed)
    write_tokenizer()


def _queries(arguments: argparse.Namespace) -> None:
    from demo.world.gate_queries import write_queries
    write_queries()


def _train(arguments: argparse.Namespace) -> None:
    from demo.world.training import WorldRecipe, train
    train(WorldRecipe(steps=arguments.steps, seed=arguments.seed, threads=arguments.threads), arguments.weights)


def _evaluate(arguments: argparse.Namespace) -> None:
    from demo.world.world_recall import Shop, load_world, measure
    recalls, single = measure(Shop(load_world(arguments.weights)), arguments.set)
    for language, found in recalls.items():
        print(f"{language}  recall@1 {found.at_1:.4f}  recall@5 {found.at_5:.4f}  ({found.queries} queries)  "
              f"bare names {found.bare_at_1:.4f}")
    if arguments.sentences:
        for (language, sentence), share in sorted(single.items(), key=lambda item: item[1]):
            print(f"{share:.3f}  {language}  {sentence}")


def _table(arguments: argparse.Namespace) -> None:
    from demo.world.world_recall import Shop, load_world, measure, write_table
    shop = Shop(load_world())
    write_table(shop, {"first": measure(shop, "first")[0], "second": measure(shop, "second")[0]})


def main() -> int:
    """Reads the arguments. Exit status 0, or 2 if an input is missing or wrong."""
    from demo.world.training import WEIGHTS, WorldRecipe
    parser = argparse.ArgumentParser(prog="python -m demo.world", description="The multilingual demo model.")
    commands = parser.add_subparsers(required=True)
    names = commands.add_parser("names", help="names.tsv, from CLDR's annotations")
    names.add_argument("cldr", type=Path, help="the unpacked npm package cldr-annotations-full 48.2.0")
    names.set_defaults(run=_names)
    commands.add_parser("targets", help="draw the glyphs and embed them").set_defaults(run=_targets)
    commands.add_parser("vocabulary", help="learn the pieces").set_defaults(run=_vocabulary)
    commands.add_parser("queries", help="write what the gate asks").set_defaults(run=_queries)
    train = commands.add_parser("train", help="train the text tower; an interrupted run goes on")
    train.add_argument("--weights", type=Path, default=WEIGHTS, help="where to write (default: %(default)s)")
    train.add_argument("--steps", type=int, default=WorldRecipe.steps, help="default: %(default)s")
    train.add_argument("--seed", type=int, default=WorldRecipe.seed, help="default: %(default)s")
    train.add_argument("--threads", type=int, default=WorldRecipe.threads, help="torch's (default: %(default)s)")
    train.set_defaults(run=_train)
    evaluate = commands.add_parser("evaluate", help="recall on the sample shop")
    evaluate.add_argument("--weights", type=Path, default=WEIGHTS, help="default: %(default)s")
    evaluate.add_argument("--set", choices=("first", "second"), default="first", help="default: %(default)s")
    evaluate.add_argument("--sentences", action="store_true", help="also recall@1 of each sentence, lowest first")
    evaluate.set_defaults(run=_evaluate)
    commands.add_parser("table", help="write demo/world.md").set_defaults(run=_table)
    arguments = parser.parse_args()
    try:
        arguments.run(arguments)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
