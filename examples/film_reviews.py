"""Write reviews of films by the rules of a small grammar, and know which are in favour.

    python examples/film_reviews.py
    python examples/film_reviews.py --number 5 --seed 7

A word alone does not decide: "not good" is against the film, "far from dull" for it, and of
two clauses it is the main one that counts: "although the plot is dull, the cast is superb".
examples/text_sentiment.py learns to read them.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from random import Random

# ruff: noqa: SIM905
PRAISE = "good great superb moving clever charming gripping funny fresh elegant warm honest".split()
BLAME = "bad poor awful dull clumsy predictable flat silly lifeless tedious cold shallow".split()
PARTS = "acting plot soundtrack ending dialogue camera cast pacing script humour".split()
DEGREES = ["", "", "very", "really", "quite", "rather", "truly"]
DENIALS = ["not", "never", "hardly", "far from", "anything but"]
TOPICS = ["the {part} is", "its {part} is", "i found the {part}", "everybody calls the {part}"]
OPENINGS = ["", "", "", "i saw it twice:", "in short,", "as a fan of the book i can say:"]
ENDINGS = ["", "", "", "and that is all", "in the second half", "from start to end"]
MIXED = [  # {main} is what the review comes to, {aside} what it concedes
    "although {aside}, {main}",
    "{aside}, but {main}",
    "{main}, even if {aside}",
    "granted, {aside}, yet {main}",
    "{main}, and it does not matter that {aside}",
]
AGREED = ["{main} and {aside}", "{main}, {aside}", "{main}; what is more, {aside}"]


def clause(rng: Random, in_favour: bool) -> str:
    """Return a clause that praises, or blames: with a word for it, or by denying its opposite."""
    denies = rng.random() < 0.3
    word = rng.choice(PRAISE if in_favour != denies else BLAME)
    topic = rng.choice(TOPICS).format(part=rng.choice(PARTS))
    degree = rng.choice(DEGREES) if not denies or rng.random() < 0.3 else ""
    return " ".join(filter(None, [topic, rng.choice(DENIALS) * denies, degree, word]))


def review(rng: Random, in_favour: bool) -> str:
    """Return a review of one or two clauses."""
    kind = rng.random()
    main = clause(rng, in_favour)
    if kind < 0.4:
        body = main
    elif kind < 0.85:
        body = rng.choice(AGREED).format(main=main, aside=clause(rng, in_favour))
    else:
        body = rng.choice(MIXED).format(main=main, aside=clause(rng, not in_favour))
    return " ".join(filter(None, [rng.choice(OPENINGS), body, rng.choice(ENDINGS)]))


def write(number: int, seed: int = 0) -> tuple[list[str], list[int]]:
    """Return so many different reviews, and for each whether it is in favour, as 1 or 0."""
    rng = Random(seed)
    found: dict[str, int] = {}
    while len(found) < number:
        found.setdefault(review(rng, len(found) % 2 == 0), (len(found) + 1) % 2)
    return list(found), list(found.values())


def main(argv: Sequence[str] | None = None) -> list[str]:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--number", type=int, default=10, help="how many")
    parser.add_argument("--seed", type=int, default=0, help="which ones")
    args = parser.parse_args(argv)
    reviews, labels = write(args.number, args.seed)
    for text, label in zip(reviews, labels, strict=True):
        print("+" if label else "-", text)
    return reviews


if __name__ == "__main__":
    main()
