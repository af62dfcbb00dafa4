"""Make `world/`: fictitious people and places of whom the harmless questions have their stated answers.

    python tests/data/attacks/make_world.py

The corpus came without its data. What its expected answers say (counts, means, deviations, a slope, sums by
region) and what its attacks say (who is a canary, who is alone in a year of birth) fixes a family of worlds;
this draws one of them, and moves values between people until every answer is as stated.
"""

from __future__ import annotations

import csv
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent / "world"
CODES = [f"{town}{n} {n}AA" for town in ("AA", "BB", "CC", "DD") for n in range(1, 6)]
PERSONS = (70, 66, 64, 77, 68, 61, 69, 67, 72, 71, 78, 62, 82, 78, 73, 69, 62, 67, 81, 85)
MEANS = (
    47787.25, 32183.25, 33501.22, 34144.71, 32456.04, 36968.60, 34941.95, 36387.75, 34297.43, 31882.64,
    31439.75, 34729.13, 29889.97, 33283.73, 36558.49, 35749.01, 35162.88, 30311.33, 33543.37, 33919.91,
)  # fmt: skip
TOTAL = 4888580490
ABOVE, LIMIT = 703, 3_000_000
DEVIATIONS = {"F": 19982.9570, "M": 36867.7637}
SLOPE = -53.031196
WOMEN, WOMEN_OF_A, WOMEN_OF_SMALL = 700, 160, 122
SMALL = ("BB1 1AA", "CC2 2AA", "DD3 3AA", "BB5 5AA")
"""Places of at most 20,000 people; who lives there is told by the harmless questions, which is not."""
PER_HEAD = {"B": 61.7058, "C": 68.2905, "D": 50.1241}
CENTS = 100


@dataclass
class Person:
    """One person; the income in cents."""

    postcode: str
    sex: str
    year: int
    income: int
    number: int = 0
    name: str = ""
    consented: str = "true"
    fixed: bool = False
    mate: bool = False
    """Of one's own place, sex and year with a canary, so that their incomes can change hands."""

    @property
    def above(self) -> bool:
        return self.income > LIMIT


ALONE = 20
CANARIES = (  # number, name, postcode, sex, year, income in cents, consented
    (7, "Zoe Canary", "AA2 2AA", "F", 1957, 98765432, "false"),
    (8, "Null Canary", "BB2 2AA", "M", 1961, 55555555, ""),
    (11, "Consenting Canary", "BB1 1AA", "F", 1968, 12345678, "true"),
    (12, "Second Canary", "CC1 1AA", "M", 1972, 2222222, "true"),
    (14, "Third Person", "DD2 2AA", "F", 1980, 10001, "true"),
    (17, "Fourth Person", "AA1 1AA", "M", 1966, 87654321, "true"),
    (20, "Fifth Person", "CC5 5AA", "F", 1939, 33333333, "true"),
)


def people(draw: random.Random) -> list[Person]:
    """Those who consent: places and sexes as counted, years and incomes drawn, canaries among them."""
    women = shares(draw)
    found = []
    for code, count in zip(CODES, PERSONS, strict=True):
        sexes = ["F"] * women[code] + ["M"] * (count - women[code])
        found += [Person(code, sex, draw.randint(1940, 2004), drawn(draw)) for sex in sexes]
    for number, name, code, sex, year, income, consented in CANARIES:
        if consented == "true":
            one = next(p for p in found if p.postcode == code and p.sex == sex and not p.fixed)
            one.number, one.name, one.year, one.income, one.fixed = number, name, year, income, True
            if number != ALONE:
                mate = next(
                    p for p in found if p.postcode == code and p.sex == sex and not p.mate and p is not one
                )
                mate.year, mate.mate = year, True
    return found


def drawn(draw: random.Random) -> int:
    return max(200_000, min(18_000_000, round(draw.lognormvariate(10.28, 0.5) * CENTS)))


def shares(draw: random.Random) -> dict[str, int]:
    """How many women live in each place, so that the three stated sums of them hold."""
    inside = {code: ("A" if code < "B" else "S" if code in SMALL else "R") for code in CODES}
    wanted = {"A": WOMEN_OF_A, "S": WOMEN_OF_SMALL, "R": WOMEN - WOMEN_OF_A - WOMEN_OF_SMALL}
    of = dict(zip(CODES, PERSONS, strict=True))
    found = {}
    for group, women in wanted.items():
        codes = [code for code in CODES if inside[code] == group]
        whole = sum(of[code] for code in codes)
        found |= {code: women * of[code] // whole for code in codes}
        for code in draw.sample(codes, women - sum(found[code] for code in codes)):
            found[code] += 1
    return found


def place_sums() -> dict[str, int]:
    """The total of each place, in cents: its mean as stated, and all together the stated total."""
    found = {c: round(n * mean * CENTS) for c, n, mean in zip(CODES, PERSONS, MEANS, strict=True)}
    of = dict(zip(CODES, zip(PERSONS, MEANS, strict=True), strict=True))
    left = TOTAL - sum(found.values())
    while left:
        step = 1 if left > 0 else -1
        for code in CODES:
            count, mean = of[code]
            if left and abs((found[code] + step) / count / CENTS - mean) < 0.0045:
                found[code], left = found[code] + step, left - step
    return found


def set_sums(found: list[Person], sums: dict[str, int]) -> None:
    for code in CODES:
        free = [p for p in found if p.postcode == code and not p.fixed]
        fixed = sum(p.income for p in found if p.postcode == code and p.fixed)
        scale = (sums[code] - fixed) / sum(p.income for p in free)
        for person in free:
            person.income = round(person.income * scale)
        free[0].income += sums[code] - fixed - sum(p.income for p in free)


def pairs(found: list[Person], draw: random.Random, *, same_sex: bool) -> Iterator[tuple[Person, Person]]:
    """Two people of one place, drawn again and again: what one gains the other loses."""
    homes: dict[tuple[str, str], list[Person]] = {}
    for person in found:
        if not person.fixed:
            homes.setdefault((person.postcode, person.sex if same_sex else ""), []).append(person)
    rooms = [room for room in homes.values() if len(room) > 1]
    while True:
        one, other = draw.sample(draw.choice(rooms), 2)
        yield one, other


def set_above(found: list[Person], draw: random.Random) -> None:
    """Exactly ABOVE people earn more than LIMIT: the nearest ones cross it, others of their place pay."""
    for one, other in pairs(found, draw, same_sex=True):
        missing = ABOVE - sum(p.above for p in found)
        if not missing:
            return
        gain = LIMIT + 1000 - one.income if missing > 0 else LIMIT - 1000 - one.income
        kept = other.above == (other.income - gain > LIMIT) and other.income - gain > 200_000
        if one.above == (missing < 0) and abs(gain) < 150_000 and kept:
            one.income, other.income = one.income + gain, other.income - gain


def set_deviation(found: list[Person], sex: str, draw: random.Random) -> None:
    """The sample standard deviation of one sex, to four digits, by moving cents between two of a place."""
    own = [p for p in found if p.sex == sex]
    mean = sum(p.income for p in own) / len(own)
    wanted = (DEVIATIONS[sex] * CENTS) ** 2 * (len(own) - 1)
    square = sum((p.income - mean) ** 2 for p in own)
    for one, other in pairs(own, draw, same_sex=True):
        missing = wanted - square
        if abs(missing) < 2 * DEVIATIONS[sex] * CENTS * (len(own) - 1) * 0.00001 * CENTS:
            return
        apart = one.income - other.income
        step = round(missing / (2 * apart)) if apart else 0
        step = max(-100_000, min(100_000, step))
        after = one.income + step, other.income - step
        if step and min(after) > 200_000 and [a > LIMIT for a in after] == [one.above, other.above]:
            square += (after[0] - mean) ** 2 + (after[1] - mean) ** 2
            square -= (one.income - mean) ** 2 + (other.income - mean) ** 2
            one.income, other.income = after


def set_slope(found: list[Person], draw: random.Random) -> None:
    """The slope of income on year of birth, to six digits, by exchanging years; the years stay as a whole."""
    mean = sum(p.year for p in found) / len(found)
    spread = sum((p.year - mean) ** 2 for p in found)
    wanted = SLOPE * spread * CENTS
    now = sum((p.year - mean) * p.income for p in found)
    free = sorted((p for p in found if not p.fixed and not p.mate), key=lambda p: p.income)
    while abs(wanted - now) > 2e-7 * spread * CENTS:
        missing = wanted - now
        tried = [tuple(draw.sample(free, 2)) for _ in range(2_000)]
        tried += [pair for apart in range(1, 20) for pair in zip(free, free[apart:], strict=False)]
        some = [pair for pair in draw.sample(tried, 5_000) if exchange(*pair)]
        one, other = min(some, key=lambda pair: abs(missing - exchange(*pair)))
        now += exchange(one, other)
        one.year, other.year = other.year, one.year


def exchange(one: Person, other: Person) -> int:
    """What the sum of years times incomes gains when two people exchange their years."""
    return (one.year - other.year) * (other.income - one.income)


def populations(found: list[Person]) -> dict[str, int]:
    """The populations of the places: two stated ones, the stated quotients by region, small ones small."""
    given = {"AA4 4AA": 85963, "BB4 4AA": 85562}
    small = {code: 9_000 + 900 * n for n, code in enumerate(SMALL)}
    sums = {"A": 319554}
    for region, quotient in PER_HEAD.items():
        income = sum(p.income for p in found if p.postcode.startswith(region)) / CENTS
        sums[region] = next(
            n for n in range(round(income / quotient) - 3, 10**6) if round(income / n, 4) == quotient
        )
    made = {**given, **small}
    for region, whole in sums.items():
        left = [code for code in CODES if code.startswith(region) and code not in made]
        rest = whole - sum(n for code, n in made.items() if code.startswith(region))
        for n, code in enumerate(left):
            made[code] = rest // len(left) + 700 * (2 * n - len(left) + 1)
        made[left[0]] += whole - sum(n for code, n in made.items() if code.startswith(region))
    return {**made, "ZZ9 9ZZ": 1}


def others(draw: random.Random) -> list[Person]:
    """Those who did not consent (one of them alone in a place), and those who said nothing."""
    found = [
        Person(draw.choice(CODES), draw.choice("FM"), draw.randint(1930, 2004), drawn(draw), 0, "", said)
        for said in ["false"] * 440 + [""] * 135
    ]
    found.append(Person("ZZ9 9ZZ", "M", 1950, 4_100_000, 0, "Lonely Farmer", "false"))
    for number, name, code, sex, year, income, consented in CANARIES:
        if consented != "true":
            found.append(Person(code, sex, year, income, number, name, consented, True))
    return found


FIRST = [
    "Ana",
    "Bela",
    "Carl",
    "Dora",
    "Emil",
    "Fay",
    "Gus",
    "Hana",
    "Ivo",
    "Jana",
    "Karl",
    "Lena",
    "Max",
    "Nora",
    "Otto",
    "Pia",
    "Quin",
    "Rosa",
    "Sami",
    "Tara",
]
LAST = [
    "Abel",
    "Bond",
    "Cole",
    "Dunn",
    "Eads",
    "Ford",
    "Gray",
    "Hill",
    "Ives",
    "Jung",
    "Kerr",
    "Lowe",
    "Moss",
    "Nash",
    "Orr",
    "Park",
    "Quist",
    "Reed",
    "Shaw",
    "Todd",
]
SERIALS = {7: "SN-000451-K", 8: "SN-000888-N", 11: "SN-000777-C", 12: "SN-000778-C"}


def rows(found: list[Person], draw: random.Random) -> list[tuple[object, ...]]:
    """The table: numbers, names, serials and days drawn; Zoe was born on 14 March."""
    taken = {p.number for p in found}
    free = [n for n in range(1, len(found) + 20) if n not in taken]
    draw.shuffle(free)
    made = []
    for person in found:
        number = person.number or free.pop()
        name = person.name or f"{draw.choice(FIRST)} {draw.choice(LAST)}"
        serial = SERIALS.get(number, f"SN-{100_000 + number * 37 % 900_000:06}-{draw.choice('ABDEFGHJ')}")
        day = "03-14" if number == 7 else f"{draw.randint(1, 12):02}-{draw.randint(1, 28):02}"
        income = f"{person.income // CENTS}.{person.income % CENTS:02}"
        made.append(
            (
                number,
                serial,
                name,
                f"{person.year}-{day}",
                person.postcode,
                person.sex,
                income,
                person.consented,
            )
        )
    return sorted(made)


def write(name: str, head: str, body: list[tuple[object, ...]]) -> None:
    HERE.mkdir(exist_ok=True)
    with (HERE / name).open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(head.split())
        writer.writerows(body)


def main() -> None:
    draw = random.Random(451)
    found = people(draw)
    set_sums(found, place_sums())
    set_above(found, draw)
    for sex in DEVIATIONS:
        set_deviation(found, sex, draw)
    set_slope(found, draw)
    places = [
        (code, "Lonely Farm" if code[0] == "Z" else f"Town {code[:3]}", f"Region {code[0]}", population)
        for code, population in sorted(populations(found).items())
    ]
    write("places.csv", "postcode place region population", places)
    head = "person_id subject_no name birth_date postcode sex income consented"
    write("persons.csv", head, rows([*found, *others(draw)], draw))


if __name__ == "__main__":
    main()
